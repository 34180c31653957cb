"""Documents whose revenue one can reckon by hand, as of 2025-01-31."""

from decimal import Decimal

import pytest
from billing_rows import LOADED_AT, SOURCE, Rows

ISSUED = "2024-12-15"


def _row(key: str, day: str = ISSUED, **columns: object) -> dict[str, object]:
    return {"source_name": SOURCE, "source_id": key, "occurred_at": f"{day}T09:00:00Z", "loaded_at": LOADED_AT,
            **columns}  # fmt: skip


def _invoice(*lines: dict[str, object], key: str = "N1", issued: str = ISSUED, **columns: object) -> Rows:
    invoice = _row(key, issued, billing_customer_source_id="C1", status="open", currency_code="USD",
                   issued_on=issued, **columns)  # fmt: skip
    return {"invoices": [invoice], "invoice_lines": [{**line, "invoice_source_id": key} for line in lines]}


def _line(key: str, amount: str, start: str | None = None, end: str | None = None, **columns: object):
    return _row(key, amount=amount, service_started_on=start, service_ended_on=end, **columns)


def _credit(amount: str, day: str, line: str | None = None, **columns: object) -> Rows:
    note = _row("K1", day, billing_customer_source_id="C1", invoice_source_id="N1", status="open", issued_on=day,
                currency_code="USD", subtotal_amount=amount, **columns)  # fmt: skip
    lines = [_row("KL1", day, credit_note_source_id="K1", invoice_line_source_id=line, amount=amount)] if line else []
    return {"credit_notes": [note], "credit_note_lines": lines}


def _schedule(models, rows: Rows, line: str = "L1") -> dict[str | None, Decimal]:
    with models.filled(rows) as conn:
        found = conn.execute(
            "select to_char(month_start_on, 'YYYY-MM'), scheduled_amount from marts.fct_revenue_schedule"
            " where revenue_line_id = %s order by 1",
            [f"test:{line}"],
        )
        return dict(found.fetchall())


def _amounts(**months: str) -> dict[str | None, Decimal]:
    return {name[1:].replace("_", "-") if name != "none" else None: Decimal(value) for name, value in months.items()}


def test_a_year_is_earned_by_its_days(models):
    found = _schedule(models, _invoice(_line("L1", "1200.00", "2024-12-15", "2025-12-15")))
    assert len(found) == 13
    assert found["2024-12"] == Decimal("55.89")  # 17 of 365 days
    assert found["2025-02"] == Decimal("92.05")  # 157.81 after 48 days, 249.86 after 76
    assert sum(found.values()) == 1200


def test_cents_that_do_not_divide_are_not_lost(models):
    rows = _invoice(_line("L1", "0.02", "2024-12-31", "2025-03-01"), _line("L2", "-100.00", "2024-12-31", "2025-01-03"))
    assert _schedule(models, rows) == _amounts(m2025_01="0.01", m2025_02="0.01")
    assert _schedule(models, rows, "L2") == _amounts(m2024_12="-33.33", m2025_01="-66.67")


def test_what_is_used_before_it_is_billed_is_unbilled(models):
    rows = _invoice(_line("L1", "310.00", "2024-12-01", "2025-01-01", recognition_method="usage"), issued="2025-01-02")
    with models.filled(rows) as conn:
        months = conn.execute(
            "select month_start_on::text, billed_amount, recognised_amount, closing_deferred_amount,"
            " closing_unbilled_amount from marts.deferred_revenue_monthly order by 1"
        ).fetchall()
        unbilled = conn.execute(
            "select month_end_on::text, issued_on::text, unbilled_amount from marts.unbilled_revenue_monthly"
        ).fetchall()
        day = conn.execute("select unbilled_amount, deferred_amount from metrics.deferred_revenue('2024-12-10')")
        assert day.fetchall() == [(100, 0)]
    assert months == [("2024-12-01", 0, 310, 0, 310), ("2025-01-01", 310, 0, 0, 0)]
    assert unbilled == [("2024-12-31", "2025-01-02", 310)]


def test_an_upgrade_in_mid_term_takes_back_the_rest_and_bills_the_dearer(models):
    rows = _invoice(
        _line("L1", "310.00", "2025-01-01", "2025-02-01"),
        _line("L2", "-110.00", "2025-01-21", "2025-02-01", corrected_line_source_id="L1", is_proration=True),
        _line("L3", "220.00", "2025-01-21", "2025-02-01", is_proration=True),
    )
    with models.filled(rows) as conn:
        found = conn.execute("select sum(scheduled_amount), sum(recognised_amount) from marts.fct_revenue_schedule")
        assert found.fetchone() == (420, 420)
        found = conn.execute("select recognised_amount from metrics.deferred_revenue('2025-01-24')")
        assert found.fetchone() == (200 + 4 * 20,)


def test_a_credit_takes_what_is_not_earned_first(models):
    rows = _invoice(_line("L1", "310.00", "2024-12-01", "2025-01-01"), issued="2024-12-01")
    # 110 are left on the 21st: half of them go, and the rest is earned evenly.
    with models.filled({**rows, **_credit("55.00", "2024-12-21", "L1")}) as conn:
        found = conn.execute("select recognised_amount, deferred_amount from metrics.deferred_revenue('2024-12-22')")
        assert found.fetchone() == (210, 45)
    # A credit of 200 takes all of the rest and 90 of what was earned.
    with models.filled({**rows, **_credit("200.00", "2024-12-21", "L1")}) as conn:
        found = conn.execute("select recognised_amount, deferred_amount from metrics.deferred_revenue('2024-12-21')")
        assert found.fetchone() == (110, 0)
    # After the period it takes back in the month of the credit.
    found = _schedule(models, {**rows, **_credit("31.00", "2025-01-10", "L1")})
    assert found == _amounts(m2024_12="310.00", m2025_01="-31.00")


def test_a_credit_of_the_whole_invoice_is_spread_to_the_cent(models):
    lines = [_line(f"L{number}", "10.00", "2025-02-01", "2025-03-01") for number in (1, 2, 3)]
    with models.filled({**_invoice(*lines), **_credit("10.00", "2025-01-10")}) as conn:
        found = conn.execute("select net_amount from marts.fct_revenue_lines order by revenue_line_id").fetchall()
    assert found == [(Decimal("6.66"),), (Decimal("6.67"),), (Decimal("6.67"),)]


def test_what_is_left_when_the_service_ends_early_is_earned_then(models):
    rows = _invoice(_line("L1", "310.00", "2025-01-01", "2025-02-01", subscription_item_source_id="I1"))
    rows["subscriptions"] = [_row("S1", billing_customer_source_id="C1", ended_at="2025-01-11T00:00:00Z")]
    rows["subscription_items"] = [_row("I1", subscription_source_id="S1")]
    with models.filled(rows) as conn:
        for day, recognised in (("2025-01-10", 100), ("2025-01-11", 310)):
            found = conn.execute("select recognised_amount from metrics.deferred_revenue(%s)", [day]).fetchone()
            assert found == (recognised,)


def test_milestones_are_earned_when_completed(models):
    rows = _invoice(_line("L1", "1000.00", recognition_method="milestone"))
    rows["revenue_milestones"] = [
        _row("M1", invoice_line_source_id="L1", share_rate=0.3, completed_on="2024-12-20"),
        _row("M2", invoice_line_source_id="L1", amount="500.00", planned_on="2025-03-01"),
        _row("M3", invoice_line_source_id="L1", share_rate=0.1, planned_on="2025-01-05"),  # overdue
    ]
    assert _schedule(models, rows) == _amounts(m2024_12="300.00", m2025_03="500.00", none="200.00")


def test_a_voided_invoice_takes_back_all_of_it(models):
    line = _line("L1", "310.00", "2024-12-01", "2025-01-01")
    rows = _invoice(line, issued="2024-12-01", voided_at="2025-01-05T10:00:00Z")
    assert _schedule(models, rows) == _amounts(m2024_12="310.00", m2025_01="-310.00")
    with models.filled(rows) as conn:
        found = conn.execute("select voided_amount, closing_deferred_amount from marts.deferred_revenue_monthly")
        assert found.fetchall() == [(0, 0), (-310, 0)]


@pytest.mark.parametrize(("rate_on", "expected"), [("2024-01-01", (Decimal("110.00"), 0)), ("2025-01-16", (0, 1))])
def test_revenue_is_converted_at_the_mean_rate_or_not_at_all(models, rate_on, expected):
    rows = _invoice(_line("L1", "100.00", "2025-01-20", None))
    rows["invoice_lines"][0]["currency_code"] = "EUR"
    rows["exchange_rates"] = [
        _row(key, day, from_currency_code="EUR", to_currency_code="USD", rate=rate, rate_on=day)
        for key, day, rate in (("R1", rate_on, 1.0), ("R2", "2025-01-17", 1.2066666667))
    ]
    with models.filled(rows) as conn:
        found = conn.execute(
            "select recognised_reporting_amount, unconverted_currency_count from marts.revenue_monthly_reporting"
        )
        assert found.fetchone() == expected
