import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from revlayer_training import evaluation
from revlayer_training.preprocessing import Texts

RNG = np.random.default_rng(1)
P = RNG.random(2000)
Y = (RNG.random(2000) < P).astype(float)


def test_figures_equal_scikit_learn() -> None:
    figures = evaluation.probability_metrics(Y, P)
    assert figures["brier"] == pytest.approx(brier_score_loss(Y, P))
    assert figures["log_loss"] == pytest.approx(log_loss(Y, P))
    assert figures["auc"] == pytest.approx(roc_auc_score(Y, P))
    assert evaluation.auc(Y, np.round(P, 1)) == pytest.approx(roc_auc_score(Y, np.round(P, 1)))


def test_true_probabilities_are_calibrated_and_shifted_ones_are_not() -> None:
    assert evaluation.expected_calibration_error(Y, P) < 0.05
    shifted = np.full(2000, Y.mean() + 0.2)
    assert evaluation.expected_calibration_error(Y, shifted) == pytest.approx(0.2, abs=0.03)


def test_one_class_has_no_auc() -> None:
    assert evaluation.auc(np.ones(5), P[:5]) is None


def test_bins_have_equal_counts() -> None:
    assert {n for n, _, _ in evaluation.reliability(Y, P)} == {200}
    assert [n for n, _, _ in evaluation.reliability(Y[:3], P[:3])] == [1, 1, 1]


def test_repeated_snapshots_of_a_deal_are_one_observation() -> None:
    loss = RNG.normal(0.1, 1, 400)
    once = evaluation.compare(loss, np.zeros(400), np.arange(400))
    thrice = evaluation.compare(np.repeat(loss, 3), np.zeros(1200), np.repeat(np.arange(400), 3))
    assert thrice.gain == pytest.approx(once.gain)
    assert thrice.standard_error == pytest.approx(once.standard_error)
    assert thrice.groups == 400


def test_small_segments_are_left_out() -> None:
    segments = Texts.of(["big"] * 100 + ["small"] * 5)
    rows = evaluation.by_segment("test", "model", segments, lambda mask: {"n": float(mask.sum())})
    assert [(row.segment, row.row_count) for row in rows] == [("(all)", 105), ("big", 100)]


def test_ranked_probability_score_of_certainty() -> None:
    within = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    assert evaluation.ranked_probability_score(np.array([1, 3]), within).tolist() == [0.0, 2.0]
