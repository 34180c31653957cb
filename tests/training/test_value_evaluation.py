"""Rank correlation and top-decile lift by hand."""

import numpy as np
import pytest

from revlayer_training.value_evaluation import rank_correlation, top_decile_lift, value_metrics


def test_lift_by_hand():
    """Of 20 customers two are the top tenth: they spent 60 of 100, six times their share."""
    happened = np.r_[40.0, 20.0, np.full(8, 5.0), np.zeros(10)]
    assert top_decile_lift(happened, np.arange(20.0)[::-1]) == pytest.approx(6.0)
    assert top_decile_lift(happened, np.arange(20.0)) == 0.0


def test_equal_predictions_share_the_places():
    happened = np.r_[40.0, 20.0, np.full(8, 5.0), np.zeros(10)]
    assert top_decile_lift(happened, np.ones(20)) == pytest.approx(1.0)
    one_first = np.r_[2.0, np.ones(19)]
    assert top_decile_lift(happened, one_first) == pytest.approx((40 + 60 / 19) / 2 / 5)


def test_lift_of_nothing_spent_is_unknown():
    assert top_decile_lift(np.zeros(20), np.arange(20.0)) is None


def test_rank_correlation():
    assert rank_correlation(np.array([1.0, 2, 3, 10]), np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(1.0)
    assert rank_correlation(np.array([1.0, 2, 3, 10]), np.array([4.0, 3, 2, 1])) == pytest.approx(-1.0)
    assert rank_correlation(np.array([1.0, 2, 3]), np.ones(3)) is None


def test_mape_is_of_those_who_spent():
    found = value_metrics(np.array([0.0, 10.0, 20.0]), np.array([5.0, 5.0, 30.0]))
    assert found["mape"] == pytest.approx(0.5)
    assert found["bias"] == pytest.approx(10 / 30)
    assert value_metrics(np.zeros(3), np.ones(3))["mape"] is None
