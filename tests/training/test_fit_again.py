"""A win model that serves was fitted again with its test period; the one that was judged keeps judging the past."""

import numpy as np
import pytest

from revlayer_training import evaluation
from revlayer_training.deal_win import OUTPUT, fit_deal_win, win_labels
from revlayer_training.export import score
from revlayer_training.splits import choose_horizon, split_rows
from revlayer_training.training import make_manifest
from revlayer_udf.forecast.honesty import JUDGED_VERSION, honest_from


@pytest.fixture(scope="module")
def fitted(make_history):
    data, cutoff = make_history(deals=4000, signal=1.5)
    return data, cutoff, fit_deal_win(data, cutoff)


def _dates(outcome, name):
    (split,) = [split for split in outcome.splits if split.name == name]
    return split.first_date, split.last_date


def test_what_serves_is_validated_on_the_test_and_learns_what_was_known_before(fitted):
    _, cutoff, outcome = fitted
    assert outcome.decision.rung == "model" and outcome.served is outcome.model is not outcome.judged
    assert _dates(outcome, "validate again") == _dates(outcome, "test")
    horizon = np.timedelta64(outcome.horizon_days, "D")
    learnt = np.datetime64(_dates(outcome, "train again")[1])
    assert np.datetime64(_dates(outcome, "train")[1]) < learnt <= np.datetime64(_dates(outcome, "test")[0]) - horizon
    assert np.datetime64(_dates(outcome, "test")[1]) + horizon <= np.datetime64(cutoff)


def test_the_figures_are_those_of_the_model_that_was_judged(fitted):
    data, cutoff, outcome = fitted
    y, known_on = win_labels(data, outcome.horizon_days)
    cycles = (data.closed_on - data.created_on).astype(float)
    _, first = np.unique(data.entity[~np.isnat(data.closed_on)], return_index=True)
    dates = choose_horizon(data.as_of, cycles[~np.isnat(data.closed_on)][first], cutoff).split
    test = split_rows(data.as_of, known_on, dates, cutoff).test
    rows = data.take(test)

    def brier(artefact):
        scored = score(artefact.content, artefact.numbers, artefact.texts, [OUTPUT], rows)
        return evaluation.brier(y[test], scored[OUTPUT][:, 0])

    assert brier(outcome.judged) == pytest.approx(outcome.value("brier"), abs=1e-6)
    assert brier(outcome.model) != pytest.approx(outcome.value("brier"), abs=1e-6)


def test_only_the_model_that_was_judged_is_honest_before_the_cutoff(fitted):
    data, cutoff, outcome = fitted
    served, judged = (make_manifest(outcome, artefact, data, cutoff) for artefact in (outcome.model, outcome.judged))
    assert served.extra[JUDGED_VERSION] == judged.model_version and JUDGED_VERSION not in judged.extra
    assert honest_from([served]) == cutoff
    assert honest_from([judged]) == _dates(outcome, "test")[0]


def test_a_model_that_lost_is_not_fitted_again(make_history):
    data, cutoff = make_history(deals=3000, signal=0.0)
    outcome = fit_deal_win(data, cutoff)
    assert outcome.decision.rung != "model" and outcome.judged is None
    assert "validate again" not in {split.name for split in outcome.splits}
