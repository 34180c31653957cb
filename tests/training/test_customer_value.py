"""Customer value: what serves for how much history, edge cases, parity of the artefact, CDNOW by both protocols."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from purchase_rows import Purchases, cdnow, shop

from revlayer_training.customer_value import fit_customer_value
from revlayer_training.customers import CustomerDataset
from revlayer_training.export import check_parity, run
from revlayer_training.outcome import MODEL, NothingToLearnError
from revlayer_training.purchasing.bg_nbd import BgNbd
from revlayer_training.purchasing.expectation import PURCHASE_NUMBERS
from revlayer_training.purchasing.gamma_gamma import GammaGamma
from revlayer_training.purchasing.histories import Histories
from revlayer_training.value_evaluation import value_metrics
from revlayer_training.value_forecaster import Forecaster
from revlayer_training.value_formula import simple_formula
from revlayer_training.value_interval import ValueInterval
from revlayer_training.value_members import ENSEMBLE
from revlayer_udf.reasons import UnexplainedError, explained

CUTOFF = date(2023, 12, 31)
QUARTERS = ("2023-01-31", "2023-04-30", "2023-07-31", "2023-09-30", "2023-12-31")


@pytest.fixture(scope="module")
def fitted():
    data = shop(1200).until(np.datetime64("2023-12-31")).rows(QUARTERS, 90, "2023-12-31")
    return data, fit_customer_value(data, CUTOFF)


def test_every_candidate_is_on_the_same_test(fitted):
    _, outcome = fitted
    shown = {row.predictor: row.row_count for row in outcome.metrics if row.segment == "(all)"}
    assert {"lightgbm", "gradient_boosting", "ridge", "bg_nbd_gamma_gamma", "ensemble", "simple_formula", "all_zero",
            "scaled_simple_formula", MODEL} == set(shown)  # fmt: skip
    assert len(set(shown.values())) == 1
    assert outcome.decision.rung == "model"
    assert outcome.value("rmse") < outcome.value("rmse", "simple_formula")


def test_train_and_test_do_not_overlap(fitted):
    _, outcome = fitted
    train, test = outcome.splits
    assert (test.first_date - train.last_date).days >= 90


def test_the_artefact_is_what_was_fitted(fitted):
    data, outcome = fitted
    found = check_parity(outcome.model, data)
    assert found["parity_rows"] == len(data)
    scored = run(outcome.model, data)
    assert np.all(scored["value"] >= 0)
    assert np.all(scored["value_p10"] <= scored["value_p90"])
    assert outcome.model.extra["fidelity_r2"] > 0.99


def test_the_interval_holds_what_it_says(fitted):
    """Most customers spend nothing, so the interval's lower end covers them: at least eight of ten are inside."""
    _, outcome = fitted
    assert 0.78 <= outcome.value("coverage_80") <= 0.97


def test_its_reasons_add_up(fitted):
    """Every driver is a feature: the raw score is a sum of trees over them."""
    from revlayer_training.training import make_manifest

    data, outcome = fitted
    manifest = make_manifest(outcome, outcome.model, data, CUTOFF)
    assert manifest.entity_key == "customer_id"
    try:
        assert explained(outcome.model.content, manifest)
    except UnexplainedError as error:
        pytest.fail(str(error))


def test_no_more_features_than_a_function_takes():
    data = shop(300).until(np.datetime64("2023-12-31")).rows(QUARTERS, 90, "2023-12-31")
    rng = np.random.default_rng(1)
    noise = {f"noise_{place}": rng.normal(size=len(data)).astype(np.float32) for place in range(110)}
    many = replace(data, numbers={**data.numbers, **noise}, number_features=(*data.number_features, *noise))
    known = np.isfinite(many.forward_revenue)
    matrix = Forecaster.fit(many, many.forward_revenue, known, 90, 90, 1, members=False).matrix
    assert len({*matrix.numbers, *PURCHASE_NUMBERS}) + len(matrix.texts) == 100
    assert "order_count" in matrix.numbers


def test_same_data_and_seed_same_artefact(fitted):
    data, outcome = fitted
    assert fit_customer_value(data, CUTOFF).model.content == outcome.model.content


def test_nothing_later_than_the_cutoff_is_used():
    """Labels known later, and dates after the cutoff, change nothing."""
    purchases = shop(400, seed=4)
    known = purchases.until(np.datetime64("2023-12-31")).rows(QUARTERS, 90, "2023-12-31")
    later = purchases.rows(QUARTERS, 90, "2024-06-30")
    one, other = (fit_customer_value(data, CUTOFF) for data in (known, later))
    assert one.served.content == other.served.content


def test_labels_of_a_shorter_window_are_carried_on(fitted):
    """A year is more than a quarter and, since customers leave, less than four of them."""
    data, outcome = fitted
    year = fit_customer_value(data, CUTOFF, horizon_days=365)
    quarter, whole = (run(each.served, data)["value"].sum() for each in (outcome, year))
    assert 1.5 < whole / quarter < 365 / 90 * 1.1


def test_one_window_of_history_serves_bg_nbd():
    data = shop(400, seed=2).until(np.datetime64("2023-12-31")).rows(["2023-09-30", "2023-12-31"], 90, "2023-12-31")
    outcome = fit_customer_value(data, CUTOFF)
    assert (outcome.decision.rung, outcome.served.algorithm) == ("shrinkage", "bg_nbd_gamma_gamma")
    labelled = np.isfinite(data.forward_revenue)
    total = run(outcome.served, data.take(labelled))["value"].sum()
    assert total == pytest.approx(data.forward_revenue[labelled].sum(), rel=0.05)


@pytest.mark.parametrize("customers", [12, 40])
def test_few_customers_are_served_the_formula_and_told_so(customers):
    data = shop(customers, seed=3).until(np.datetime64("2023-12-31")).rows(QUARTERS, 90, "2023-12-31")
    outcome = fit_customer_value(data, CUTOFF)
    assert (outcome.decision.rung, outcome.served.rung) == ("prior", "prior")
    assert outcome.served.algorithm == "simple_formula"
    assert "customers" in outcome.decision.reason
    assert np.all(np.isfinite(run(outcome.served, data)["value"]))


def test_no_label_is_nothing_to_learn():
    data = shop(200).until(np.datetime64("2023-12-31")).rows(["2023-12-31"], 90, "2023-12-31")
    with pytest.raises(NothingToLearnError, match="window"):
        fit_customer_value(data, CUTOFF)


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


@pytest.mark.parametrize("kind", ["one purchase each", "all on one day", "nothing later", "refunds above purchases"])
def test_histories_that_teach_little(kind):
    """The ladder answers with finite values whatever the histories are."""
    rng = np.random.default_rng(1)
    customers = np.arange(300)
    first = np.datetime64("2022-06-01") + rng.integers(0, 200, 300)
    if kind == "refunds above purchases":
        customer = np.tile(customers, 2)
        purchases = Purchases(customer, np.r_[first, first + 5], np.r_[np.full(300, 20.0), np.full(300, -30.0)])
    elif kind == "all on one day":
        purchases = Purchases(np.tile(customers, 2), np.full(600, np.datetime64("2022-06-01")), rng.gamma(5, 5, 600))
    elif kind == "nothing later":
        purchases = Purchases(np.tile(customers, 2), np.r_[first, first + 5], rng.gamma(5, 5, 600))
    else:
        purchases = Purchases(customers, first, rng.gamma(5, 5, 300))
    data = purchases.rows(QUARTERS, 90, "2023-12-31")
    outcome = fit_customer_value(data, CUTOFF)
    scored = run(outcome.served, data)
    assert all(np.all(np.isfinite(column)) for column in scored.values())
    assert np.all(scored["value"] >= 0)
    assert scored["value"].max() < 5


def test_a_missing_a_constant_and_an_impossible_feature():
    data = shop(300, seed=4).until(np.datetime64("2023-12-31")).rows(QUARTERS, 90, "2023-12-31")
    strange = {
        "never_known": np.full(len(data), np.nan, np.float32),
        "same": np.full(len(data), 7.0, np.float32),
        "tenure_days": np.asarray(data.numbers["days_since_first_order"] - 500, np.float32),
    }
    names = tuple(dict.fromkeys((*data.number_features, *strange)))
    data = replace(data, numbers={**data.numbers, **strange}, number_features=names)
    outcome = fit_customer_value(data, CUTOFF)
    assert outcome.model is not None and not {"never_known", "same"} & set(outcome.model.numbers)
    scored = run(outcome.model, data)
    assert all(np.isfinite(column).all() for column in scored.values()) and (scored["value"] >= 0).all()


def test_everybody_spends_the_same():
    data = shop(300, seed=4).until(np.datetime64("2023-12-31")).rows(QUARTERS, 90, "2023-12-31")
    same = replace(data, forward_revenue=np.where(np.isfinite(data.forward_revenue), 25.0, np.nan))
    outcome = fit_customer_value(same, CUTOFF)
    scored = run(outcome.served, same)
    assert all(np.isfinite(column).all() for column in scored.values()) and (scored["value"] >= 0).all()
    assert outcome.decision.reason


def test_unknown_features_and_strangers_are_scored(fitted):
    """Customers without an order, impossible days, every feature null: finite values."""
    data, outcome = fitted
    few = data.take(np.arange(len(data)) < 4)
    numbers = {name: column.copy() for name, column in few.numbers.items()}
    for name, column in numbers.items():
        column[0] = np.nan
        if name == "order_day_count":
            column[1] = 0
        if name == "days_since_first_order":
            column[2] = -30
        if name == "net_revenue":
            column[3] = -1000
    strangers = type(few)(**{**few.__dict__, "numbers": numbers})
    scored, wanted = run(outcome.model, strangers), outcome.model.predict(strangers)
    assert all(np.all(np.isfinite(column)) for column in scored.values())
    np.testing.assert_allclose(scored["value"][:, 0], wanted["value"], rtol=1e-4, atol=1e-4)


def published(purchases: Purchases, now: CustomerDataset) -> np.ndarray:
    """BG/NBD times Gamma-Gamma as their authors fit them: values of the purchases after the first."""
    histories = Histories.of_days(*(now.numbers[name].astype(float) for name in PURCHASE_NUMBERS[:3]))
    mean = purchases.repeat_mean(now.entity)
    values = GammaGamma.fit(histories.repeats, mean)
    weeks = BgNbd.fit(histories).expected_purchases(histories, WEEKS)
    return weeks * values.expected_value(histories.repeats, mean)


CDNOW_DATES = ("1997-03-31", "1997-04-30", "1997-05-31", "1997-06-30", "1997-09-30")
NOW, WEEKS, DAYS = "1997-09-30", 39, 273


@pytest.mark.slow
def test_cdnow_temporal(test_data):
    """Trained with nothing later than 1997-09-30; the 39 weeks after it judge."""
    purchases = cdnow(test_data)
    data = purchases.until(np.datetime64(NOW)).rows(CDNOW_DATES, 91, NOW)
    outcome = fit_customer_value(data, date.fromisoformat(NOW), horizon_days=DAYS)
    now = data.take(data.as_of == np.datetime64(NOW))
    came = purchases.forward(np.unique(now.entity), np.datetime64(NOW), DAYS)
    baseline = published(purchases.until(np.datetime64(NOW)), now)
    served, baseline = (
        value_metrics(came, values) for values in (run(outcome.served, now)["value"][:, 0].astype(float), baseline)
    )
    assert outcome.served.algorithm == ENSEMBLE
    assert served["rmse"] <= baseline["rmse"]
    assert abs(served["bias"]) <= 0.10
    assert served["rank_correlation"] >= baseline["rank_correlation"]
    assert served["top_decile_lift"] >= baseline["top_decile_lift"]


@pytest.mark.slow
def test_cdnow_customer_split(test_data):
    """Five folds over customers whose 39 weeks are known, as for a business with years of history."""
    data = cdnow(test_data).rows([NOW], DAYS, "1998-06-30")
    came, fold = data.forward_revenue, np.random.default_rng(1).permutation(len(data)) % 5
    served = np.zeros(len(data))
    for part in range(5):
        learnt, held = data.take(fold != part), data.take(fold == part)
        forecaster = Forecaster.fit(learnt, learnt.forward_revenue, np.ones(len(learnt), bool), DAYS, DAYS, 1)
        interval = ValueInterval.fit(forecaster.predict(learnt)[ENSEMBLE], learnt.forward_revenue)
        served[fold == part] = forecaster.served(learnt, ENSEMBLE, interval).predict(held)["value"]
    found, simple = (value_metrics(came, values) for values in (served, simple_formula(data, DAYS)))
    assert found["r2"] >= 0.40
    assert found["mae"] <= 0.55 * simple["mae"]
    assert abs(found["bias"]) <= 0.05
    assert found["top_decile_lift"] > simple["top_decile_lift"]
