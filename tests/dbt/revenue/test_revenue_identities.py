"""Revenue of random documents: the models against a calculation of their own, by line, month and day."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from billing_rows import AS_OF, FIRST
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import books, histories
from .earning import Line

DAYS = st.integers(-5, 900).map(lambda number: FIRST + timedelta(number))
NO_HEALTH_CHECK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
LINES = (
    "select revenue_line_id, customer_id, product_id, currency_code, recognition_method, amount, net_amount,"
    " billed_amount, recognised_amount, deferred_amount, unbilled_amount from marts.fct_revenue_lines"
)
SCHEDULE = "select revenue_line_id, month_start_on, scheduled_amount, recognised_amount from marts.fct_revenue_schedule"
ROLL = (
    "select customer_id, currency_code, month_start_on, month_end_on, opening_deferred_amount, opening_unbilled_amount,"
    " billed_amount, corrected_amount, voided_amount, recognised_amount, unbilled_change_amount,"
    " closing_deferred_amount, closing_unbilled_amount from marts.deferred_revenue_monthly order by 1, 2, 3"
)
FUNCTION = (
    "select customer_id, currency_code, billed_amount, recognised_amount, deferred_amount, unbilled_amount"
    " from metrics.deferred_revenue(%s)"
)
CONVERSIONS = {
    "int_exchange_rates_paired", "int_exchange_rates_daily", "revenue_monthly", "revenue_monthly_reporting"
}  # fmt: skip
Key = tuple[str | None, object]


@pytest.fixture(scope="module")
def unconverted(models):
    """Without what exchange rates are for."""
    return replace(models, models=[model for model in models.models if model.name not in CONVERSIONS])


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _customer(line: Line) -> str | None:
    customer = line.document.customer
    return None if customer is None else f"test:{customer}"


def _totals(lines: list[Line], day: date) -> dict[Key, list[Fraction]]:
    """Billed, recognised, deferred, unbilled by customer and currency."""
    sums: dict[Key, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 4)
    for line in lines:
        values = line.billed(day), line.recognised(day), line.deferred(day), line.unbilled(day)
        key = _customer(line), line.document.currency
        sums[key] = [old + new for old, new in zip(sums[key], values, strict=True)]
    return {key: values for key, values in sums.items() if any(values)}


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(rows=histories.revenue_histories())
def test_every_line_is_earned_as_its_document_says(unconverted, rows):
    lines = books.Books(rows).lines
    with unconverted.filled(rows) as conn:
        found = {row[0]: row[1:] for row in conn.execute(LINES)}
        schedule: dict[str, dict[date | None, tuple]] = defaultdict(dict)
        for key, month, *amounts in conn.execute(SCHEDULE):
            schedule[key][month] = tuple(amounts)
    assert found == {
        key: (_customer(line), line.product, line.document.currency, line.method, line.document.amount, line.net,
              line.billed(AS_OF), line.recognised(AS_OF), line.deferred(AS_OF), line.unbilled(AS_OF))
        for key, line in lines.items()
    }  # fmt: skip
    for key, line in lines.items():
        # The parts are the line, to the cent, with all that changed it; what is earned is billed or unbilled.
        assert sum(row[0] for row in schedule[key].values()) == line.net
        assert sum(row[1] for row in schedule[key].values()) == line.recognised(AS_OF)
        _, _, _, _, _, _, billed, recognised, deferred, unbilled = found[key]
        assert recognised + deferred - unbilled == billed
        for month, (scheduled, _) in schedule[key].items():
            if month is not None:
                before = line.recognised(month - timedelta(days=1))
                assert scheduled == line.recognised(_month_end(month)) - before, (key, month)


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(rows=histories.revenue_histories(), day=DAYS)
def test_recognised_and_deferred_are_billed(unconverted, rows, day):
    lines = list(books.Books(rows).lines.values())
    with unconverted.filled(rows) as conn:
        months = conn.execute(ROLL).fetchall()
        for on in (day, AS_OF):
            found = {(row[0], row[1]): list(row[2:]) for row in conn.execute(FUNCTION, [on])}
            assert {key: values for key, values in found.items() if any(values)} == _totals(lines, on)
    closings: dict[Key, tuple] = {}
    for customer, currency, _, end, *amounts in months:
        opening, opening_unbilled, billed, corrected, voided, recognised, change, closing, unbilled = amounts
        assert (opening, opening_unbilled) == closings.get((customer, currency), (0, 0))
        assert opening + billed + corrected + voided - recognised + change == closing
        assert opening_unbilled + change == unbilled
        expected = _totals(lines, end).get((customer, currency), [0, 0, 0, 0])
        assert [closing, unbilled] == expected[2:]
        closings[customer, currency] = closing, unbilled
    assert {key: list(value) for key, value in closings.items() if any(value)} == {
        key: values[2:] for key, values in _totals(lines, AS_OF).items() if any(values[2:])
    }
