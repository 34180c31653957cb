"""A registered model on labels that became known later: its figures, its baselines, and what is no evidence."""

from datetime import date

import numpy as np
import pytest
from customer_rows import LAST, leavers
from purchase_rows import shop

from revlayer_training import report
from revlayer_training.churn import fit_customer_churn
from revlayer_training.customer_value import fit_customer_value
from revlayer_training.later import NothingLaterError, evaluate_churn, evaluate_value
from revlayer_training.outcome import MODEL
from revlayer_training.training import make_manifest
from revlayer_udf.registry import Model

EARLY = date(2024, 8, 1)


def model_of(outcome, data, cutoff):
    manifest = make_manifest(outcome, outcome.served, data, cutoff)
    return Model(manifest, outcome.served.content)


@pytest.fixture(scope="module")
def churn():
    data, _ = leavers(customers=900, dates=9)
    return data, model_of(fit_customer_churn(data, EARLY), data, EARLY)


def value_of(found, metric, predictor=MODEL):
    [value] = [row.value for row in found.metrics
               if (row.metric, row.predictor, row.segment) == (metric, predictor, "(all)")]  # fmt: skip
    return value


def test_only_labels_that_became_known_since_are_looked_at(churn):
    data, model = churn
    found = evaluate_churn(model, data, LAST)
    known_since = (data.contractual_known_on > np.datetime64(EARLY)) | (
        data.noncontractual_known_on > np.datetime64(EARLY)
    )
    assert found.row_count == known_since.sum() > 0
    assert found.first_date == data.as_of[known_since].min().astype(object)
    assert {row.split for row in found.metrics} == {"later"}
    assert {row.predictor for row in found.metrics} == {MODEL, "company_prior", "segment_prior", "inactivity_rule"}
    assert value_of(found, "brier") < value_of(found, "brier", "segment_prior")
    assert value_of(found, "ece") < 0.06
    rates = [value_of(found, f"{tier}_tier_observed_rate") for tier in ("low", "medium", "high")]
    assert rates[0] < rates[1] < rates[2]


def test_the_report_has_baselines_tiers_and_reliability(churn):
    data, model = churn
    text = report.later_markdown(evaluate_churn(model, data, LAST))
    for part in ("**this version**", "segment prior", "inactivity rule", "| high |", "| bin |", str(EARLY), str(LAST)):
        assert part in text


def test_without_later_labels_it_says_so(churn):
    data, model = churn
    with pytest.raises(NothingLaterError, match=f"no label became known between {EARLY}"):
        evaluate_churn(model, data, EARLY)


def test_a_model_without_dates_has_no_later_labels(churn):
    data, model = churn
    fields = {"trained_through_date": None, "trained_from_date": None, "is_temporal_evidence": False}
    with pytest.raises(NothingLaterError, match="without dates"):
        evaluate_churn(Model(model.manifest.model_copy(update=fields), model.artefact), data, LAST)


def test_values_are_held_against_later_revenue():
    purchases = shop(1200)
    quarters = ["2022-12-31", "2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31"]
    cutoff, now = date(2023, 9, 30), "2024-03-31"
    then = purchases.until(np.datetime64(cutoff)).rows(quarters[:-1], 90, cutoff.isoformat())
    model = model_of(fit_customer_value(then, cutoff), then, cutoff)
    data = purchases.until(np.datetime64(now)).rows(quarters, 90, now)
    found = evaluate_value(model, data, date.fromisoformat(now))
    assert found.row_count == (np.isin(data.as_of, np.array(quarters[-2:], "datetime64[D]"))).sum()
    assert value_of(found, "rmse") < value_of(found, "rmse", "simple_formula")
    assert 0.7 < value_of(found, "coverage_80") <= 1
    assert "| later |" in report.later_markdown(found)
    longer = model.manifest.model_copy(update={"extra": {**model.manifest.extra, "horizon_days": 365}})
    with pytest.raises(NothingLaterError, match="forecasts 365 days, labels are of 90"):
        evaluate_value(Model(longer, model.artefact), data, date.fromisoformat(now))
