import numpy as np
import pytest

from revlayer_training.deal_close_month import fit_deal_close_month
from revlayer_training.deal_value import fit_deal_value
from revlayer_training.deal_win import OUTPUT, fit_deal_win
from revlayer_training.export import RAW_SCORE, run
from revlayer_training.ladder import reachable_rung
from revlayer_training.outcome import NothingToLearnError
from revlayer_udf.ensemble import floor_float32


def test_twelve_deals_are_served_by_the_prior(make_history) -> None:
    data, cutoff = make_history(deals=12, seed=4)
    outcome = fit_deal_win(data, cutoff)
    assert outcome.model is None and outcome.served.rung == "prior"
    p = run(outcome.served, data)[OUTPUT]
    assert np.all((p > 0) & (p < 1))


def test_deals_that_are_all_lost_are_served_by_the_prior(make_history) -> None:
    data, cutoff = make_history(deals=800, win_intercept=-50.0, signal=0.0)
    outcome = fit_deal_win(data, cutoff)
    assert outcome.served.rung == "prior" and "ended alike" in outcome.decision.reason
    p = run(outcome.served, data)[OUTPUT]
    assert np.all((p > 0) & (p < 1))


def test_deals_that_are_all_won_have_no_model(make_history) -> None:
    # Some are won after the horizon, so both labels occur, but too rarely.
    data, cutoff = make_history(deals=800, win_intercept=50.0, signal=0.0)
    outcome = fit_deal_win(data, cutoff)
    assert outcome.served.rung != "model"
    p = run(outcome.served, data)[OUTPUT]
    assert np.all((p > 0) & (p < 1))


def test_without_signal_the_segment_rate_is_served(make_history) -> None:
    data, cutoff = make_history(deals=1500, signal=0.0)
    outcome = fit_deal_win(data, cutoff)
    assert outcome.model is not None and outcome.served is outcome.fallback
    assert "no evidence that the model beats the segment rate" in outcome.decision.reason


def test_with_signal_the_model_is_served(make_history) -> None:
    data, cutoff = make_history(deals=4000, signal=1.5)
    outcome = fit_deal_win(data, cutoff)
    assert outcome.served is outcome.model
    assert outcome.value("brier") < outcome.value("brier", "segment_prior")
    assert outcome.value("brier") < outcome.value("brier", "crm_stage")
    assert outcome.model.extra["parity_largest_difference"] < 1e-5


def test_no_outcome_is_nothing_to_learn_from(make_history) -> None:
    data, cutoff = make_history(deals=300)
    nobody = data.take(data.as_of == data.as_of.max())
    for fit in (fit_deal_win, fit_deal_value, fit_deal_close_month):
        with pytest.raises(NothingToLearnError, match="open"):
            fit(nobody, cutoff)


def test_one_segment_has_no_segment_rate() -> None:
    assert reachable_rung(100, 50, 1, has_split=True).rung == "prior"
    assert reachable_rung(100, 50, 3, has_split=True).rung == "shrinkage"
    assert reachable_rung(1000, 300, 3, has_split=False).rung == "shrinkage"
    assert reachable_rung(1000, 300, 3, has_split=True).rung == "model"


def test_value_works_without_any_amount(make_history) -> None:
    data, cutoff = make_history(deals=1500)
    empty = np.full(len(data), np.nan, np.float32)
    data.numbers.update(amount_reporting=empty, list_value_reporting=empty)
    outcome = fit_deal_value(data, cutoff)
    for artefact in filter(None, (outcome.fallback, outcome.model)):
        scored = run(artefact, data)
        scored.pop(RAW_SCORE, None)
        assert all(np.all(np.isfinite(column) & (column > 0)) for column in scored.values())
        assert np.all(scored["value_p10"] <= scored["value_p90"])


def test_value_interval_covers_and_mean_is_unbiased(make_history) -> None:
    data, cutoff = make_history(deals=4000)
    outcome = fit_deal_value(data, cutoff)
    assert 0.7 < outcome.value("coverage_80", "amount_ratio") < 0.95
    assert abs(outcome.value("bias", "amount_ratio")) < 0.1


def test_close_timing_is_a_distribution(make_history) -> None:
    data, cutoff = make_history(deals=3000)
    outcome = fit_deal_close_month(data, cutoff)
    for artefact in filter(None, (outcome.fallback, outcome.model)):
        within = run(artefact, data)["within"]
        assert within.shape == (len(data), 10)
        assert np.all((within >= 0) & (within <= 1)) and np.all(np.diff(within, axis=1) >= 0)


def test_same_data_and_seed_give_the_same_artefacts(make_history) -> None:
    data, cutoff = make_history(deals=1500, signal=1.5)
    for fit in (fit_deal_win, fit_deal_value, fit_deal_close_month):
        first, second = fit(data, cutoff, 1), fit(data, cutoff, 1)
        assert first.fallback.content == second.fallback.content
        assert first.model.content == second.model.content


def test_floor_of_an_exact_float32_is_itself() -> None:
    assert floor_float32(np.array([0.5, -2.0])).tolist() == [0.5, -2.0]
