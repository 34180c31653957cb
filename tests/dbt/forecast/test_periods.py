"""Probability of reaching a target, by month and fiscal quarter, worked out by hand and from the quantiles."""

from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AS_OF, records

PROBABILITIES = (0.025, 0.1, 0.5, 0.9, 0.975)
OCTOBER, NOVEMBER, DECEMBER = date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1)


def quantiles(segment, amounts, start=NOVEMBER, period="month", mean=0.0):
    return [
        {"period_type": period, "period_start_on": start, "segment_id": segment, "mean_amount": mean,
         "probability": probability, "amount": amount}
        for probability, amount in zip(PROBABILITIES, amounts, strict=True)
    ]  # fmt: skip


def target(segment, amount, start=NOVEMBER, currency="USD", at="2024-01-01"):
    return {"segment_id": segment, "month_start_on": start, "target_amount": amount, "currency_code": currency,
            "entered_by": "ann", "entered_at": at, "stated_at": at}  # fmt: skip


@pytest.fixture
def periods(published):
    """Return a function that gives the rows of periods by their key."""

    def read(rows, targets=()):
        tables = {"scoring__revenue_forecast_quantiles": rows, "planning__targets": targets}
        with published(**tables) as conn:
            found = records(conn, "select * from marts.revenue_forecast_periods")
        return {(row["period_type"], row["period_start_on"], row["segment_id"]): row for row in found}

    return read


def test_quantiles_become_columns(periods):
    row = periods(quantiles("A", [1, 2, 3, 4, 5], mean=3.5))["month", NOVEMBER, "A"]
    names = ("p025", "p10", "p50", "p90", "p975", "mean")
    assert [float(row[f"{name}_amount"]) for name in names] == [1, 2, 3, 4, 5, 3.5]
    assert (
        row["target_amount"] is None and row["target_probability"] is None and row["reporting_currency_code"] == "USD"
    )


@pytest.mark.parametrize(
    ("amount", "probability"),
    [(20, 0.5), (15, 0.7), (5, 1.0), (60, 0.0), (10, 0.9), (40, 0.025), (22, 0.42)],
)
def test_probability_of_a_target(periods, amount, probability):
    row = periods(quantiles("A", [8, 10, 20, 30, 40]), [target("A", amount)])["month", NOVEMBER, "A"]
    assert row["target_probability"] == pytest.approx(probability, abs=1e-9)


def test_what_is_reached_already_is_certain(periods):
    assert periods(quantiles("A", [8, 8, 8, 8, 8]), [target("A", 8)])["month", NOVEMBER, "A"]["target_probability"] == 1


def test_the_latest_entry_counts_and_the_company_has_the_sum_unless_it_has_its_own(periods):
    rows = [*quantiles("A", [1] * 5), *quantiles("B", [1] * 5), *quantiles("(all)", [1] * 5)]
    entered = [target("A", 5), target("A", 7, at="2024-02-01"), target("A", 6, at="2023-12-01"), target("B", 10)]
    assert float(periods(rows, entered)["month", NOVEMBER, "(all)"]["target_amount"]) == 17
    assert float(periods(rows, entered)["month", NOVEMBER, "A"]["target_amount"]) == 7
    own = periods(rows, [*entered, target("(all)", 100)])
    assert float(own["month", NOVEMBER, "(all)"]["target_amount"]) == 100
    assert float(own["month", NOVEMBER, "(all)"]["mean_above_target_amount"]) == -100


def test_a_quarter_has_a_target_where_all_its_months_have_one(periods):
    rows = quantiles("A", [10, 20, 30, 40, 50], start=OCTOBER, period="quarter")
    two = [target("A", 10), target("A", 10, DECEMBER)]
    assert periods(rows, two)["quarter", OCTOBER, "A"]["target_amount"] is None
    row = periods(rows, [*two, target("A", 10, OCTOBER)])["quarter", OCTOBER, "A"]
    assert float(row["target_amount"]) == 30 and row["target_probability"] == pytest.approx(0.5)


def test_a_currency_without_a_rate_gives_no_target(periods):
    rows = [*quantiles("A", [1] * 5), *quantiles("(all)", [1] * 5)]
    found = periods(rows, [target("A", 5, currency="CHF"), target("B", 5)])
    assert found["month", NOVEMBER, "A"]["target_probability"] is None
    # A sum that leaves one out would be too small.
    assert found["month", NOVEMBER, "(all)"]["target_amount"] is None


def test_a_name_with_a_mistake_adds_nothing_to_the_company(periods):
    entered = [target("A", 5), target("B", 7), target("Nowhere", 500), target("(ALL)", 900, currency="CHF")]
    found = periods([*quantiles("A", [1] * 5), *quantiles("(all)", [1] * 5)], entered)
    assert found["month", NOVEMBER, "(all)"]["target_amount"] == 12


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=st.lists(
    st.tuples(st.none() | st.dates(date(2024, 10, 1), date(2024, 12, 20)), st.integers(0, 90)), max_size=6,
    unique_by=lambda entry: entry[0],
))  # fmt: skip
def test_a_target_counts_from_the_day_it_was_stated(published, stated):
    """One without a time counts from the beginning; what is stated after the as-of date is not known yet."""
    entered = [target("A", amount, at=day) | {"entered_at": "2026-01-01"} for day, amount in stated]
    known = [(day or date.min, amount) for day, amount in stated if day is None or day <= date.fromisoformat(AS_OF)]
    with published(planning__targets=entered) as conn:
        rows = records(conn, "select target_amount from marts.revenue_targets where segment_id = 'A'")
    assert [row["target_amount"] for row in rows] == [amount for _, amount in sorted(known)[-1:]]


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.integers(0, 50), min_size=5, max_size=5, unique=True).map(sorted),
    wanted=st.lists(st.integers(0, 60), min_size=2, max_size=2).map(sorted),
)
def test_a_higher_target_is_never_likelier(periods, amounts, wanted):
    """And each is what the line through the quantiles says."""
    rows = [*quantiles("A", amounts), *quantiles("B", amounts)]
    found = periods(rows, [target("A", wanted[0]), target("B", wanted[1])])
    easy, hard = (found["month", NOVEMBER, name]["target_probability"] for name in "AB")
    assert easy >= hard
    for amount, said in ((wanted[0], easy), (wanted[1], hard)):
        below = np.interp(amount, amounts, PROBABILITIES, left=0.0, right=1.0)
        # A target at the lowest amount that is kept is reached by all that lies above it.
        assert said == pytest.approx(1.0 if amount == amounts[0] else 1 - below, abs=1e-9)
