"""Recurring revenue of random histories against a reckoning day by day, and the identities of its movements."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from billing_histories import AS_OF, FIRST, subscription_histories
from compiled_models import compile_models
from hypothesis import HealthCheck, given, settings
from reckoned_days import month_ends
from recurring_reckoning import Reckoning

MONTHS = month_ends(FIRST - timedelta(days=31), AS_OF)
quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("mrr", built),
        ["+fct_mrr_movements", "+fct_mrr_movements_daily", "+fct_mrr_movements_reporting"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-09-01"},
    )


def _check_revenue_is_that_of_the_reckoning(conn, reckoning):
    items = conn.execute(
        "select subscription_item_id, month_start_on, month_end_on, customer_id, currency_code, mrr_amount,"
        " arr_amount, mrr_reporting_amount from marts.fct_mrr_items_monthly"
    ).fetchall()
    monthly = conn.execute(
        "select customer_id, currency_code, month_start_on, mrr_amount, arr_amount, committed_mrr_amount,"
        " mrr_reporting_amount from marts.fct_mrr_monthly"
    ).fetchall()
    expected_items, expected = set(), {}
    for start, end in MONTHS:
        for item, (terms, mrr, arr) in reckoning.by_item(end).items():
            reported = reckoning.reported(mrr, terms["currency"], end)
            key = (terms["customer"], terms["currency"])
            expected_items.add((f"test:{item}", start, end, *key, mrr, arr, reported))
            found = expected.setdefault((*key, start), [Decimal(0), Decimal(0), Decimal(0), Decimal(0)])
            found[0] += mrr
            found[1] += arr
            found[3] = None if reported is None or found[3] is None else found[3] + reported
        for item in reckoning.items:
            if (agreed := reckoning.committed(item, end)) and agreed[1]:
                key = (agreed[0]["customer"], agreed[0]["currency"], start)
                expected.setdefault(key, [Decimal(0)] * 4)[2] += agreed[1]
    assert set(items) == expected_items
    for customer, currency, start in list(expected):
        following = (start + timedelta(days=32)).replace(day=1)
        if following <= AS_OF and expected[customer, currency, start][0]:
            expected.setdefault((customer, currency, following), [Decimal(0)] * 4)
    assert {row[:3]: list(row[3:]) for row in monthly} == expected


def _classified(movements, closings, periods):
    """Check the movements of every customer and period against its amounts in all currencies."""
    paid = set()
    for customer in sorted({key[0] for key in closings} | {key[0] for key in movements}):
        currencies = {key[1] for key in [*closings, *movements] if key[0] == customer}
        for before, period in periods:
            opening = {name: closings.get((customer, name, before), Decimal(0)) for name in currencies}
            closing = {name: closings.get((customer, name, period), Decimal(0)) for name in currencies}
            for name in currencies:
                moved = movements.get((customer, name, period), {})
                assert opening[name] + sum(moved.values()) == closing[name], (customer, name, period)
                if opening[name] == closing[name]:
                    assert moved == {}
                    continue
                was_paying, is_paying = (max(held.values()) > 0 for held in (opening, closing))
                if was_paying == is_paying:
                    kind = "expansion" if closing[name] > opening[name] else "contraction"
                elif was_paying:
                    kind = "churn"
                else:
                    kind = "reactivation" if customer in paid else "new"
                assert {key[0] for key in moved} == {kind}, (customer, name, period)
            if any(amount > 0 for amount in closing.values()):
                paid.add(customer)


def _grouped(rows):
    found = defaultdict(dict)
    for customer, currency, day, movement, reason, amount in rows:
        assert amount != 0
        found[customer, currency, day][movement, reason] = amount
    return found


def _check_movements_by_month(conn):
    movements = _grouped(conn.execute("select * from marts.fct_mrr_movements").fetchall())
    monthly = conn.execute(
        "select customer_id, currency_code, month_start_on, mrr_amount from marts.fct_mrr_monthly"
    ).fetchall()
    starts = [start for start, _ in MONTHS]
    assert {key[2] for key in movements} <= set(starts)
    _classified(movements, {row[:3]: row[3] for row in monthly}, list(zip([date.min, *starts], starts, strict=False)))


def _days(rows) -> list[date]:
    """Days on which anything may begin or end: every day the rows name, and the day after it."""
    named = {
        date.fromisoformat(value[:10]) + timedelta(days=more)
        for records in rows.values()
        for row in records
        for value in row.values()
        if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and value[7:8] == "-"
        for more in (0, 1)
    }
    return sorted(day for day in named if FIRST - timedelta(days=1) <= day <= AS_OF)


def _check_movements_by_day(conn, reckoning, rows):
    movements = _grouped(conn.execute("select * from marts.fct_mrr_movements_daily").fetchall())
    days, closings = _days(rows), defaultdict(Decimal)
    for day in days:
        for terms, mrr, _ in reckoning.by_item(day).values():
            closings[terms["customer"], terms["currency"], day] += mrr
    assert {key[2] for key in movements} <= set(days)
    _classified(movements, dict(closings), list(zip([date.min, *days], days, strict=False)))


def _check_the_reporting_bridge(conn, reckoning):
    found = conn.execute("select * from marts.fct_mrr_movements_reporting").fetchall()
    monthly = conn.execute(
        "select customer_id, month_start_on, sum(coalesce(mrr_reporting_amount, 0)) from marts.fct_mrr_monthly"
        " group by 1, 2"
    ).fetchall()
    closings = {row[:2]: row[2] for row in monthly}
    moved, fx, missing = (defaultdict(Decimal) for _ in range(3))
    for customer, start, movement, reason, amount in found:
        assert amount != 0
        {"rate": fx, "missing_rate": missing}.get(reason, moved)[customer, start] += amount
        assert (movement == "fx") == (reason in ("rate", "missing_rate"))
    held, opened, unknown_before = {}, {}, set()
    for number, (start, end) in enumerate(MONTHS):
        opening_on = MONTHS[number - 1][1] if number else start - timedelta(days=1)
        at_opening, at_closing, opening_at_closing = (defaultdict(Decimal) for _ in range(3))
        unknown, before, held = set(), held, defaultdict(lambda: defaultdict(list))
        for customer, currencies in before.items():
            for currency, amounts in currencies.items():
                opening_at_closing[customer] += sum(reckoning.reported(mrr, currency, end) or 0 for mrr in amounts)
        for terms, mrr, _ in reckoning.by_item(end).values():
            customer, currency = terms["customer"], terms["currency"]
            held[customer][currency].append(mrr)
            at_opening[customer] += reckoning.reported(mrr, currency, opening_on) or 0
            at_closing[customer] += reckoning.reported(mrr, currency, end) or 0
            if None in (reckoning.rate(currency, opening_on), reckoning.rate(currency, end)):
                unknown.add(customer)
        for customer in {key[0] for key in closings} | {key[0] for key in moved}:
            opening = opened.get(customer, Decimal(0))
            closing = closings.get((customer, start), Decimal(0))
            key = (customer, start)
            assert closing == at_closing[customer]
            assert opening + moved[key] + fx[key] + missing[key] == closing, key
            if customer in unknown or customer in unknown_before:
                continue
            assert missing[key] == 0
            was_paying, is_paying = (
                any(sum(amounts) > 0 for amounts in side.get(customer, {}).values()) for side in (before, held)
            )
            if is_paying and not was_paying:  # new or back: at the closing rate, nothing is left for fx
                assert moved[key] == closing - opening_at_closing[customer]
            else:
                assert moved[key] == at_opening[customer] - opening
        unknown_before = unknown
        opened = {
            customer: closings.get((customer, start), Decimal(0)) for customer, month in closings if month == start
        }


@pytest.mark.identity
@quiet
@given(rows=subscription_histories(is_linked=True))
def test_recurring_revenue_of_random_histories(models, rows):
    """By item, customer, currency and month as reckoned by day; movements by month, by day and as reported add up."""
    reckoning = Reckoning(rows, AS_OF)
    with models.filled(rows) as conn:
        _check_revenue_is_that_of_the_reckoning(conn, reckoning)
        _check_movements_by_month(conn)
        _check_movements_by_day(conn, reckoning, rows)
        _check_the_reporting_bridge(conn, reckoning)
