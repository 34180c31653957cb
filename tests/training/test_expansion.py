"""Expansion: rows with a hidden inclination to grow, the ladder, the export and what serves."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from revlayer_training.customers import CustomerDataset, empty
from revlayer_training.expansion import AMOUNT, COMPANY, PROBABILITY, SEGMENT, fit_customer_expansion
from revlayer_training.expansion_amount import PlanMultiple
from revlayer_training.export import run
from revlayer_training.later import evaluate_expansion
from revlayer_training.outcome import MODEL, NothingToLearnError
from revlayer_training.preprocessing import Texts
from revlayer_training.report import later_markdown
from revlayer_training.training import make_manifest
from revlayer_udf.registry import Model

LAST = date(2024, 12, 31)
NEVER = np.datetime64("NaT", "D")


def growers(
    customers: int = 500, dates: int = 8, signal: float = 1.5, level: float = -1.5, seed: int = 1, window: int = 90
) -> CustomerDataset:
    """Return customers at quarterly dates; who uses more grows more often, by about a fifth of what recurs.

    Every third customer has nothing that recurs, so nothing to say.

    Args:
        signal: how much of growing the features tell.
        level: log-odds of growing.
    """
    rng = np.random.default_rng(seed)
    as_of = np.datetime64(LAST) - np.arange(dates)[::-1] * np.timedelta64(91, "D")
    row_date, customer = np.repeat(as_of, customers), np.tile(np.arange(customers), dates)
    count = len(customer)
    use, pays = rng.normal(size=count), customer % 3 > 0
    plan = np.where(pays, np.exp(rng.normal(5, 1, customers))[customer], 0.0)
    grew = (rng.random(count) < 1 / (1 + np.exp(-level - signal * use))).astype(float)
    amount = grew * plan * 0.2 * rng.gamma(4, 0.25, count)
    known = pays & (row_date + np.timedelta64(window, "D") <= np.datetime64(LAST))
    numbers = {"usage_score": use, "plan_value": plan, "tenure_days": rng.random(count), "constant": np.ones(count)}
    unknown, never = np.full(count, np.nan), np.full(count, NEVER)
    return CustomerDataset(
        numbers={name: np.asarray(column, np.float32) for name, column in numbers.items()},
        texts={"plan": Texts.of(rng.choice(["basic", "plus"], count).tolist()),
               "segment_id": Texts.of([f"S{n % 3}" for n in customer // 3])},
        number_features=tuple(numbers), text_features=("plan",), entity=customer.astype(np.int64),
        entity_ids=customer.astype(str).astype(object), as_of=row_date, fingerprint="e" * 64,
        forward_revenue=unknown, value_known_on=never, is_churned_contractual=unknown, contractual_known_on=never,
        is_churned_noncontractual=unknown, noncontractual_known_on=never,
        is_expanded=np.where(known, grew, np.nan), expansion_amount=np.where(known, amount, np.nan),
        expansion_known_on=np.where(known, row_date + np.timedelta64(window, "D"), NEVER),
    )  # fmt: skip


def test_a_model_that_tells_who_grows_serves():
    data = growers()
    outcome = fit_customer_expansion(data, LAST)
    assert outcome.decision.rung == "model"
    assert outcome.horizon_days == 90
    for baseline in (COMPANY, SEGMENT):
        assert outcome.value("brier") < outcome.value("brier", baseline)
        assert outcome.value("amount_rmse") < outcome.value("amount_rmse", baseline)
    assert abs(outcome.value("amount_bias")) < 0.25
    assert outcome.value("ece") < 0.06
    assert "constant" not in outcome.served.numbers
    assert "segment_id" not in outcome.served.texts


def test_the_artefact_equals_the_model():
    data = growers(customers=300)
    outcome = fit_customer_expansion(data, LAST)
    for artefact in (outcome.model, outcome.fallback):
        scored, wanted = run(artefact, data), artefact.predict(data)
        assert set(scored) == set(wanted)
        for name, column in wanted.items():
            unit = np.maximum(np.abs(column), data.expansion_amount[np.isfinite(data.expansion_amount)].std())
            assert np.all(np.abs(scored[name][:, 0] - column) <= 1e-5 * unit), name
        assert np.all(scored[AMOUNT] >= 0)


def test_without_a_signal_the_rate_serves():
    outcome = fit_customer_expansion(growers(signal=0.0), LAST)
    assert outcome.decision.rung == outcome.served.rung == "shrinkage"
    assert "no evidence" in outcome.decision.reason or "misses expected amounts" in outcome.decision.reason


def test_same_data_and_seed_same_artefact():
    data = growers(customers=300)
    first, second = (fit_customer_expansion(data, LAST) for _ in range(2))
    assert first.model.content == second.model.content


def test_labels_after_the_cutoff_teach_nothing():
    data, cutoff = growers(), date(2024, 6, 30)
    late = data.expansion_known_on > np.datetime64(cutoff)
    turned = np.where(late, 1 - data.is_expanded, data.is_expanded)
    other = replace(data, is_expanded=turned, expansion_amount=np.where(late, 1e6, data.expansion_amount))
    first, second = (fit_customer_expansion(rows, cutoff) for rows in (data, other))
    assert first.served.content == second.served.content
    assert first.decision == second.decision


@pytest.mark.parametrize(
    ("customers", "dates", "level", "rung", "why"),
    [
        (12, 8, -1.5, "prior", "too little"), (500, 8, -50.0, "prior", "ended alike"),
        (500, 2, -1.5, "shrinkage", "too short"), (120, 8, -1.5, "shrinkage", "too few"),
    ],
)  # fmt: skip
def test_the_ladder_answers_and_says_so(customers, dates, level, rung, why):
    data = growers(customers=customers, dates=dates, level=level)
    outcome = fit_customer_expansion(data, LAST)
    assert (outcome.model, outcome.decision.rung, outcome.served.rung) == (None, rung, rung)
    assert why in outcome.decision.reason
    scored = run(outcome.served, data)
    assert np.all((scored[PROBABILITY] > 0) & (scored[PROBABILITY] < 1))
    assert np.all(np.isfinite(scored[AMOUNT])) and np.all(scored[AMOUNT] >= 0)


def test_a_model_is_held_against_growth_that_came_later():
    data, early = growers(dates=9), date(2024, 8, 1)
    outcome = fit_customer_expansion(data, early)
    model = Model(make_manifest(outcome, outcome.served, data, early), outcome.served.content)
    found = evaluate_expansion(model, data, LAST)
    later = data.expansion_known_on > np.datetime64(early)
    assert found.row_count == later.sum() > 0
    figures = {(row.predictor, row.metric): row.value for row in found.metrics if row.segment == "(all)"}
    truth, wanted = data.take(later), outcome.served.predict(data.take(later))
    assert figures[MODEL, "brier"] == pytest.approx(np.mean((wanted[PROBABILITY] - truth.is_expanded) ** 2), rel=1e-4)
    missed = np.abs(wanted[PROBABILITY] * wanted[AMOUNT] - truth.expansion_amount).mean()
    assert figures[MODEL, "amount_mae"] == pytest.approx(missed, rel=1e-4)
    assert figures[MODEL, "brier"] < figures[SEGMENT, "brier"]
    assert "bias of the amount" in later_markdown(found)


def test_nothing_that_recurs_teaches_nothing():
    with pytest.raises(NothingToLearnError, match="recurring revenue"):
        fit_customer_expansion(empty(), LAST)


def test_amounts_are_a_multiple_of_what_recurs():
    data = growers()
    grew = data.is_expanded > 0
    rows, amounts = data.take(grew), data.expansion_amount[grew]
    half = np.arange(len(amounts)) % 2 == 0
    multiple = PlanMultiple.fit(rows.take(half), amounts[half], rows.take(~half), amounts[~half], seed=1)
    assert multiple.predict(rows).sum() == pytest.approx(amounts.sum(), rel=0.1)
    # Unknown, nothing and beyond any number: an amount all the same.
    strange = rows.take(np.arange(len(amounts)) < 3)
    strange.numbers["plan_value"][:] = [np.nan, 0, np.inf]
    assert np.all(multiple.predict(strange) > 0) and np.all(np.isfinite(multiple.predict(strange)[:2]))


def test_a_missing_a_constant_and_an_impossible_feature():
    data = growers(customers=300)
    strange = {
        "never_known": np.full(len(data), np.nan, np.float32),
        "same": np.full(len(data), 7.0, np.float32),
        "tenure_days": data.numbers["tenure_days"] - 500,
        "clock_skew_count": np.full(len(data), 0.0, np.float32),
    }
    names = tuple(dict.fromkeys((*data.number_features, *strange)))
    outcome = fit_customer_expansion(replace(data, numbers={**data.numbers, **strange}, number_features=names), LAST)
    assert outcome.model is not None
    assert not {"never_known", "same", "clock_skew_count"} & set(outcome.model.numbers)
    few = data.take(np.arange(len(data)) < 3)
    odd = replace(few, numbers={name: np.full(3, value, np.float32) for name, value in
                                zip((*few.numbers, *strange), (np.nan, -1e6, 3e38) * 3, strict=False)})  # fmt: skip
    assert all(np.isfinite(column).all() for column in run(outcome.model, odd).values())


def test_amounts_that_are_all_the_same():
    data = growers(customers=300)
    same = np.where(data.is_expanded > 0, 25.0, data.expansion_amount)
    outcome = fit_customer_expansion(replace(data, expansion_amount=same), LAST)
    scored = run(outcome.served, data)
    assert np.isfinite(scored[AMOUNT]).all() and (scored[AMOUNT] >= 0).all()
    assert outcome.decision.reason
