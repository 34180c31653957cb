"""Churn: which label a customer has, what serves for how much history, edge cases, the artefact and its tiers."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from customer_rows import LAST, leavers

from revlayer_training.churn import fit_customer_churn
from revlayer_training.churn_rows import ChurnRows
from revlayer_training.export import check_parity, run
from revlayer_training.outcome import MODEL, NothingToLearnError
from revlayer_training.training import make_manifest
from revlayer_udf.reasons import UnexplainedError, explained

OUTPUT = "churn_probability"


@pytest.fixture(scope="module")
def fitted():
    data, cutoff = leavers()
    return data, fit_customer_churn(data, cutoff)


def probabilities(outcome, data):
    p = run(outcome.served, data)[OUTPUT][:, 0]
    assert np.all(np.isfinite(p) & (p > 0) & (p < 1))
    return p


def test_the_model_beats_every_baseline_on_later_dates(fitted):
    _, outcome = fitted
    assert outcome.decision.rung == "model", outcome.decision.reason
    shown = {row.predictor for row in outcome.metrics if row.segment == "(all)" and row.split == "test"}
    assert shown == {MODEL, "company_prior", "segment_prior", "inactivity_rule"}
    for baseline in shown - {MODEL}:
        assert outcome.value("brier") < outcome.value("brier", baseline)
    assert outcome.value("ece") < 0.05
    assert outcome.value("auc", segment="S1") > 0.7
    bins = [row for row in outcome.reliability if (row.predictor, row.segment) == (MODEL, "(all)")]
    assert sum(row.row_count for row in bins) == outcome.splits[-1].row_count


def test_customers_that_had_not_left_before_have_figures_of_their_own(fitted):
    data, outcome = fitted
    held = data.as_of >= np.datetime64(outcome.splits[-1].first_date)
    known = np.isfinite(data.is_churned_contractual) | np.isfinite(data.is_churned_noncontractual)
    gone = (data.numbers["plan_value"] == 0) & (data.numbers["days_since_last_order"] >= 90)
    [row] = [r for r in outcome.metrics if (r.segment, r.predictor, r.metric) == ("(active)", MODEL, "auc")]
    assert row.row_count == (held & known & ~gone).sum() < (held & known).sum()
    assert 0.6 < row.value < outcome.value("auc")


def test_splits_do_not_overlap(fitted):
    _, outcome = fitted
    train, validate, test = outcome.splits
    assert (validate.first_date - train.last_date).days >= 90
    assert (test.first_date - validate.last_date).days >= 90


def test_the_artefact_is_what_was_fitted_and_its_reasons_add_up(fitted):
    data, outcome = fitted
    assert check_parity(outcome.model, data)["parity_rows"] == len(data)
    manifest = make_manifest(outcome, outcome.model, data, LAST)
    assert (manifest.entity_key, manifest.feature_relation) == ("customer_id", "features.ftr_customers")
    assert manifest.label_horizon_days == 90 and manifest.beats_baseline
    try:
        assert explained(outcome.model.content, manifest)
    except UnexplainedError as error:
        pytest.fail(str(error))


def test_tiers_are_in_the_manifest_and_ordered(fitted):
    data, outcome = fitted
    extra = make_manifest(outcome, outcome.model, data, LAST).extra
    assert set(extra["tiers"]) == set(extra["tiers_source"]) == {"contractual", "noncontractual"}
    for kind, found in extra["tiers"].items():
        assert 0 < found["medium_from"] < found["high_from"] < 1
        assert extra["tiers_source"][kind] == "quantiles 0.7 and 0.9 of validation"
    rates = [outcome.value(f"{tier}_tier_observed_rate") for tier in ("low", "medium", "high")]
    assert rates == sorted(rates) and rates[0] < rates[1] < rates[2]
    shares = [outcome.value(f"{tier}_tier_share") for tier in ("low", "medium", "high")]
    assert sum(shares) == pytest.approx(1) and 0.5 < shares[0] < 0.9


def test_same_data_and_seed_same_artefact(fitted):
    data, outcome = fitted
    assert fit_customer_churn(data, LAST).model.content == outcome.model.content


def test_labels_known_after_the_cutoff_change_nothing():
    data, _ = leavers(customers=400, seed=3)
    early = date(2024, 9, 15)
    end = np.datetime64(early)
    other = replace(
        data,
        is_churned_contractual=np.where(data.contractual_known_on > end, 1.0, data.is_churned_contractual),
        is_churned_noncontractual=np.where(data.noncontractual_known_on > end, 0.0, data.is_churned_noncontractual),
    )
    one, two = (fit_customer_churn(each, early) for each in (data, other))
    assert one.served.content == two.served.content


def test_a_contract_that_runs_has_the_label_of_contracts_only():
    """Its window is not over; that it has bought nothing since is no label of it."""
    data, _ = leavers(customers=4, dates=1)
    never, day = np.full(4, np.datetime64("NaT", "D")), np.full(4, np.datetime64(LAST))
    data = replace(
        data,
        numbers={**data.numbers, "plan_value": np.array([50, 50, 0, np.nan], np.float32)},
        is_churned_contractual=np.array([np.nan, 0, np.nan, np.nan]),
        contractual_known_on=np.where([0, 1, 0, 0], day, never),
        is_churned_noncontractual=np.array([1.0, 1.0, 1.0, np.nan]),
        noncontractual_known_on=np.where([1, 1, 1, 0], day, never),
    )
    rows = ChurnRows.of(data)
    np.testing.assert_array_equal(rows.y, [np.nan, 0, 1, np.nan])
    assert rows.is_contractual.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("share", "said"),
    [(1.0, ["12 customers"]), (0.5, ["contractual: 6 customers", "noncontractual: every one of 6"])],
)
def test_twelve_customers_are_served_the_overall_rate_of_their_kind_and_told_so(share, said):
    data, cutoff = leavers(customers=12, share_contractual=share, shop_level=1.0)
    outcome = fit_customer_churn(data, cutoff)
    assert (outcome.model, outcome.served.rung) == (None, "prior")
    assert all(part in outcome.decision.reason for part in said) and "deals" not in outcome.decision.reason
    assert len(set(probabilities(outcome, data))) == len(said)
    assert outcome.served.extra["tiers"]["contractual"] == {"medium_from": 0.4, "high_from": 0.7}


@pytest.mark.parametrize("level", [-60.0, 60.0])
def test_a_single_class_is_served_the_overall_rate_and_told_so(level):
    data, cutoff = leavers(customers=300, level=level, signal=0.0)
    outcome = fit_customer_churn(data, cutoff)
    assert (outcome.model, outcome.served.rung) == (None, "prior")
    assert outcome.decision.reason.count("every one of 150 customers ended alike") == 2
    assert abs(probabilities(outcome, data).mean() - (level > 0)) < 0.01


def test_nobody_left_in_the_test_is_no_evidence():
    data, cutoff = leavers(customers=400)
    until = np.where(data.as_of >= np.datetime64("2024-06-01"), 0.0, 1.0)
    stayed = replace(
        data,
        is_churned_contractual=data.is_churned_contractual * until,
        is_churned_noncontractual=data.is_churned_noncontractual * until,
    )
    outcome = fit_customer_churn(stayed, cutoff)
    assert outcome.model is None and outcome.served.rung == "shrinkage"
    assert "nobody" in outcome.decision.reason
    probabilities(outcome, stayed)


def test_no_known_label_is_nothing_to_learn():
    data, cutoff = leavers(customers=50)
    with pytest.raises(NothingToLearnError, match="whether it left"):
        fit_customer_churn(data.take(data.as_of == data.as_of.max()), cutoff)


def test_one_date_is_too_short_a_history():
    data, cutoff = leavers(customers=400, dates=2)
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.model is None and "history is too short" in outcome.decision.reason
    probabilities(outcome, data)


def test_three_dates_of_all_customers_make_a_model():
    data, cutoff = leavers(customers=900, dates=4)
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.model is not None
    assert [split.row_count for split in outcome.splits] == [900, 900, 900]


def test_a_missing_a_constant_and_an_impossible_feature():
    """Nothing known of a feature, nothing that differs in another, tenures below 0: the first two are left out."""
    data, cutoff = leavers(customers=400)
    strange = {
        "never_known": np.full(len(data), np.nan, np.float32),
        "constant": np.full(len(data), 7.0, np.float32),
        "tenure_days": data.numbers["tenure_days"] - 500,
    }
    names = tuple(dict.fromkeys((*data.number_features, *strange)))
    data = replace(data, numbers={**data.numbers, **strange}, number_features=names)
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.model is not None
    assert not {"never_known", "constant"} & set(outcome.model.numbers)
    assert "tenure_days" in outcome.model.numbers
    probabilities(outcome, data)


def test_no_feature_that_differs():
    data, cutoff = leavers(customers=300)
    bare = replace(data, number_features=(), text_features=())
    outcome = fit_customer_churn(bare, cutoff)
    assert outcome.model is None and "no feature differs" in outcome.decision.reason
    probabilities(outcome, bare)


def test_no_more_features_than_a_function_takes():
    data, cutoff = leavers(customers=400, extra_columns=110)
    outcome = fit_customer_churn(data, cutoff)
    kept = (*outcome.model.numbers, *outcome.model.texts)
    assert len(kept) == 100
    assert {"days_since_last_order", "time_since_last_use_days"} <= set(kept)


def test_without_signal_a_rate_is_served():
    data, cutoff = leavers(customers=400, signal=0.0)
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.served is outcome.fallback and "no evidence that the model beats" in outcome.decision.reason
    assert "customers" in outcome.decision.reason


def test_strangers_and_unknown_values_are_scored(fitted):
    data, outcome = fitted
    few = data.take(np.arange(len(data)) < 6)
    numbers = {name: column.copy() for name, column in few.numbers.items()}
    for place, value in enumerate((np.nan, -1e6, 1e6, 3.4e38)):
        for column in numbers.values():
            column[place] = value
    odd = replace(few, numbers=numbers)
    np.testing.assert_allclose(run(outcome.model, odd)[OUTPUT][:, 0], outcome.model.predict(odd)[OUTPUT], atol=1e-5)
