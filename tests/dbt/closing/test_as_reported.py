"""Closed months of random histories: frozen to the cent, whatever becomes known later; the chain of months holds.

The tables as known, which have tests of their own, are read after every build; what should be reported is put
together from these in Python.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

import pytest
from billing_histories import AS_OF, invoice_histories, subscription_histories
from compiled_models import compile_models
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reported_books import NOTHING, Books, Known
from subscribed_company import Company

MODELS = ("mrr_bridge_as_reported", "mrr_bridge_reporting_as_reported", "revenue_monthly_as_reported",
          "closed_month_differences", "month_closings")  # fmt: skip
MOVEMENTS = ("new", "expansion", "reactivation", "contraction", "churn", "adjustment")
#: Some rows, by a number that is wrapped round, and the builds that know them; all others are known by all three.
LATE = st.lists(st.tuples(st.integers(0, 1000), st.sampled_from([(1, 2), (2,), (0,), (0, 1)])), max_size=10)
quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("closing", built),
        [f"+{name}" for name in MODELS],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _check_movements(conn, books: Books) -> None:
    found = conn.execute("select * from marts.fct_mrr_movements_as_reported").fetchall()
    assert {row[:5]: row[5] for row in found} == books.movements("moved", "mrr")
    found = conn.execute("select * from marts.fct_mrr_movements_reporting_as_reported").fetchall()
    assert {row[:4]: row[4] for row in found} == books.movements("moved_reporting", "reporting")


def _check_bridges(conn, books: Books) -> None:
    moved, closings = defaultdict(Decimal), defaultdict(Decimal)
    for (_, currency, month, movement, _), amount in books.movements("moved", "mrr").items():
        moved[currency, month, movement] += amount
    for ((_, currency), month), amount in books.reported("mrr").items():
        closings[currency, month] += amount
    # Also those in which what runs is worth less than a cent.
    places = [(month, key[1]) for month in books.months for key, other in books.of(month).mrr if month == other]
    currencies = {currency for currency, *_ in moved} | {currency for _, currency in places}
    begun = min((month for month, _ in places), default=AS_OF)
    found = {}
    for row in conn.execute("select * from marts.mrr_bridge_as_reported"):
        month, _, is_closed, currency, opening, *movements, closing = row
        assert is_closed == (month in books.closed)
        assert opening + sum(movements) == closing
        found[currency, month] = (opening, *movements, closing)
    assert found == {
        (currency, month): (
            closings[currency, (month - timedelta(days=1)).replace(day=1)],
            *(moved[currency, month, name] for name in MOVEMENTS),
            closings[currency, month],
        )
        for currency in currencies
        for month in books.months
        if month >= begun
    }
    before = NOTHING
    totals = defaultdict(Decimal)
    for (_, month), amount in books.reported("reporting").items():
        totals[month] += amount
    for row in conn.execute("select * from marts.mrr_bridge_reporting_as_reported order by month_start_on"):
        month, _, _, _, opening, *movements, closing, _ = row
        assert (opening, closing) == (before, totals[month])
        assert opening + sum(movements) == closing
        before = closing


def _check_revenue(conn, books: Books) -> None:
    adjusted = books.adjustments("to_date")
    expected = {
        (key, month): (*amounts, adjusted.get((key, month), NOTHING))
        for (key, month), amounts in books.reported("revenue").items()
    }
    for key, month in adjusted.keys() - expected.keys():
        expected[key, month] = (NOTHING, NOTHING, NOTHING, NOTHING, adjusted[key, month])
    found, sums = {}, defaultdict(Decimal)
    for customer, currency, month, reported, to_date, *amounts in conn.execute(
        "select customer_id, currency_code, month_start_on, reported_amount, recognised_to_date_amount,"
        " net_billed_amount, recognised_amount, closing_deferred_amount, closing_unbilled_amount, adjustment_amount"
        " from marts.revenue_monthly_as_reported order by month_start_on"
    ):
        found[(customer, currency), month] = tuple(amounts)
        sums[customer, currency] += reported
        assert sums[customer, currency] == to_date
        assert reported == amounts[1] + amounts[-1]
    assert {key: row for key, row in found.items() if any(row)} == {
        key: row for key, row in expected.items() if any(row)
    }
    last = books.months[-1]
    if last not in books.closed:  # reported to date is known to date
        known = {key: amount for (key, month), amount in books.current.to_date.items() if month == last and amount}
        assert {key: amount for key, amount in sums.items() if amount} == known


def _check_differences(conn, books: Books) -> None:
    expected = {}
    for month, then in books.closed.items():
        for figure, now, before in (
            ("mrr", books.current.mrr, then.mrr),
            *(
                (name, {key: row[place] for key, row in books.current.revenue.items()},
                 {key: row[place] for key, row in then.revenue.items()})
                for place, name in ((1, "recognised"), (2, "deferred"), (3, "unbilled"))
            ),
        ):  # fmt: skip
            for key, other in {*now, *before}:
                pair = before.get((key, month), NOTHING), now.get((key, month), NOTHING)
                if other == month and pair[0] != pair[1]:
                    expected[(figure, *key, month)] = (*pair, pair[1] - pair[0])
    found = conn.execute(
        "select figure, customer_id, currency_code, month_start_on, reported_amount, known_amount, difference_amount"
        " from marts.closed_month_differences"
    ).fetchall()
    assert {row[:4]: row[4:] for row in found} == expected


def _check(conn, books: Books) -> None:
    _check_movements(conn, books)
    _check_bridges(conn, books)
    _check_revenue(conn, books)
    _check_differences(conn, books)
    assert conn.execute(
        "select bool_and(planning.frozen_digest(closings) = frozen_sha256) from planning.month_closings as closings"
    ).fetchone() in [(True,), (None,)]


def _run(models, rows, data) -> None:
    """Three builds with corrections between them; months are closed after the first two, one may be reopened."""
    lives = [(0, 1, 2)] * sum(map(len, rows.values()))
    for number, life in data.draw(LATE):
        lives[number % len(lives)] = life
    places = dict(zip(rows, accumulate(map(len, rows.values())), strict=True))
    # What began first may be told last, so that months before all closed ones come to have figures.
    for table in ("subscriptions", "invoices"):
        if found := rows.get(table):
            first = min(range(len(found)), key=lambda number: found[number]["occurred_at"])
            lives[places[table] - len(found) + first] = data.draw(st.sampled_from([(0, 1, 2), (1, 2), (2,)]))
    phases = [
        {
            table: [row for number, row in enumerate(found, places[table] - len(found)) if phase in lives[number]]
            for table, found in rows.items()
        }
        for phase in range(3)
    ]
    with models.filled(phases[0]) as conn:
        closed: dict[date, Known] = {}
        for phase, present in enumerate(phases):
            if phase:
                models.refill(present)
            known = Known(conn)
            months = [row[0] for row in conn.execute("select month_start_on from marts.accounting_months order by 1")]
            assume(months)
            _check(conn, Books(known, months, closed))
            if phase == 2:
                break
            for _ in range(data.draw(st.integers(1, 2))):
                month = _next(max(closed)) if closed else data.draw(st.sampled_from(months))
                if month > AS_OF:
                    break
                conn.execute("select planning.close_month(%s)", [month])
                last = max(closed, default=date.min)
                closed.update({one: known for one in months if last < one <= month})
        if data.draw(st.booleans()):
            last = max(closed)
            [first] = conn.execute("select first_month_start_on from planning.closed_months where month_start_on = %s",
                                   [last]).fetchone()  # fmt: skip
            conn.execute("select planning.reopen_month(%s, 'a mistake')", [last])
            models.refill(phases[2])
            months = [row[0] for row in conn.execute("select month_start_on from marts.accounting_months order by 1")]
            remaining = {month: then for month, then in closed.items() if month < first}
            if months:
                _check(conn, Books(Known(conn), months, remaining))


@pytest.mark.identity
@quiet
@given(rows=subscription_histories(customers=3), data=st.data())
def test_recurring_revenue_stays_as_it_was_closed(models, rows, data):
    _run(models, rows, data)


@pytest.mark.identity
@quiet
@given(rows=invoice_histories(customers=2), data=st.data())
def test_revenue_stays_as_it_was_closed(models, rows, data):
    _run(models, rows, data)


def test_recurring_revenue_from_before_all_closed_months_is_an_adjustment(models):
    late, company = Company(), Company()
    company.subscribe("A", "2024-11-05", "100", customer="A")
    late.subscribe("B", "2024-08-05", "1000", customer="B")
    with models.filled(company.rows) as conn:
        conn.execute("select planning.close_month('2024-12-01')")
        models.refill({table: company.rows[table] + late.rows[table] for table in company.rows})
        found = conn.execute(
            "select to_char(month_start_on, 'MM'), is_closed, opening_amount::int, new_amount::int,"
            " adjustment_amount::int, closing_amount::int from marts.mrr_bridge_as_reported order by month_start_on"
        ).fetchall()
        assert found == [("11", True, 0, 100, 0, 100), ("12", True, 100, 0, 0, 100), ("01", False, 100, 0, 1000, 1100)]
        found = conn.execute(
            "select to_char(month_start_on, 'MM'), reported_amount::int, known_amount::int"
            " from marts.closed_month_differences where figure = 'mrr' order by month_start_on"
        ).fetchall()
        assert found == [(month, 0, 1000) for month in ("08", "09", "10", "11", "12")]


def test_revenue_from_before_all_closed_months_is_an_adjustment(models):
    def rows(*invoices: tuple[str, str, str]) -> dict[str, list[dict[str, object]]]:
        company = Company()
        for key, day, amount in invoices:
            company.add("invoices", key, day, billing_customer_source_id="C", status="open", currency_code="USD",
                        issued_on=day)  # fmt: skip
            company.add("invoice_lines", key, day, invoice_source_id=key, amount=amount,
                        recognition_method="point_in_time")  # fmt: skip
        return company.rows

    december, september = ("N2", "2024-12-15", "100"), ("N1", "2024-09-10", "500")
    with models.filled(rows(december)) as conn:
        conn.execute("select planning.close_month('2024-12-01')")
        models.refill(rows(september, december))
        found = conn.execute(
            "select to_char(month_start_on, 'MM'), is_closed, recognised_amount::int, adjustment_amount::int,"
            " recognised_to_date_amount::int from marts.revenue_monthly_as_reported"
            " where reported_amount <> 0 order by month_start_on"
        ).fetchall()
        assert found == [("12", True, 100, 0, 100), ("01", False, 0, 500, 600)]
