"""Receivables and payables of random ledgers: the models against a calculation of their own, on any day."""

from collections import Counter
from datetime import timedelta

import pytest
from billing_histories import invoice_histories
from compiled_models import compile_models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import histories, ledger

DAYS = st.integers(-5, (histories.AS_OF - histories.BEGIN).days).map(lambda number: histories.BEGIN + timedelta(number))
NO_HEALTH_CHECK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SUMS = {
    "ar": "select customer_id, currency_code, sum(amount) from marts.fct_receivable_movements"
    " where occurred_on <= %s group by customer_id, currency_code",
    "ap": "select supplier_id, currency_code, sum(amount) from marts.fct_payable_movements"
    " where occurred_on <= %s group by supplier_id, currency_code",
}
AGING = {
    "ar": "select customer_id, currency_code, current_amount, overdue_1_30_amount, overdue_31_60_amount,"
    " overdue_61_90_amount, overdue_over_90_amount, on_account_amount, receivable_amount from metrics.ar_aging(%s)",
    "ap": "select supplier_id, currency_code, current_amount, overdue_1_30_amount, overdue_31_60_amount,"
    " overdue_61_90_amount, overdue_over_90_amount, on_account_amount, payable_amount from metrics.ap_aging(%s)",
}


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("receivables", built),
        ["+receivable_balances", "+fct_receivable_movements", "+payable_balances", "+fct_payable_movements"],
        histories.AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-11-01"},
    )


def _check(conn, side: str, books, documents, day, source: str = "s") -> None:
    def _key(party: str | None) -> str | None:
        return None if party is None else f"{source}:{party}"

    balances = books.balances(day)
    found = conn.execute(AGING[side], [day]).fetchall()
    expected = {
        (_key(party), currency): amounts for (party, currency), amounts in ledger.aged(balances, documents, day).items()
    }
    assert {(row[0], row[1]): ledger.parts(row[2:8]) for row in found} == expected
    # Buckets and what is on account are the receivables, and these are the sum of all that moved.
    assert all(sum(row[2:8]) == row[8] for row in found)
    totals: Counter[tuple[str | None, str | None]] = Counter()
    for (_, party, currency), cents in balances.items():
        totals[_key(party), currency] += cents
    moved = {(party, currency): int(amount * 100) for party, currency, amount in conn.execute(SUMS[side], [day])}
    assert {key: cents for key, cents in moved.items() if cents} == {key: c for key, c in totals.items() if c}


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(rows=histories.receivable_histories(), day=DAYS)
def test_receivables_are_invoices_less_payments_credits_and_write_offs(models, rows, day):
    books = ledger.Receivables(rows, histories.AS_OF)
    with models.filled(rows) as conn:
        for moment in (day, histories.AS_OF):
            _check(conn, "ar", books, books.invoices, moment)


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(rows=histories.payable_histories(), day=DAYS)
def test_payables_are_bills_less_payments(models, rows, day):
    books = ledger.Payables(rows, histories.AS_OF)
    with models.filled(rows) as conn:
        for moment in (day, histories.AS_OF):
            _check(conn, "ap", books, books.bills, moment)


def test_what_is_owed_before_its_bill_counts_is_due_as_the_bill_is(models):
    row = {"source_name": "s", "currency_code": "USD"}
    bill = {**row, "source_id": "B", "occurred_at": "2024-08-03T09:00:00Z", "recorded_at": "2024-08-01T10:00:00Z",
            "total_amount": "5", "issued_on": "2024-08-03", "supplier_source_id": "s1"}  # fmt: skip
    change = {"source_name": "s", "source_id": "C", "occurred_at": "2024-08-03T09:00:00Z", "field_name": "due_on",
              "supplier_bill_source_id": "B", "old_value": "2024-08-02", "new_value": "2024-08-01"}  # fmt: skip
    refund = {**row, "source_id": "P", "occurred_at": "2024-08-01T09:00:00Z", "supplier_bill_source_id": "B",
              "amount": "-1"}  # fmt: skip
    rows = {"supplier_bills": [bill], "supplier_bill_changes": [change], "supplier_payments": [refund]}
    with models.filled(rows) as conn:
        found = conn.execute(AGING["ap"], [histories.BEGIN + timedelta(1)]).fetchall()
    assert [ledger.parts(one[2:8]) for one in found] == [[0, 100, 0, 0, 0, 0]]


#: What receivables and payables are made of; the rest of a history is others' business.
TABLES = (
    "billing_customers", "invoices", "invoice_changes", "payments", "payment_changes", "payment_allocations",
    "credit_notes", "credit_note_allocations", "refunds", "write_offs", "suppliers", "supplier_bills",
    "supplier_bill_changes", "supplier_payments",
)  # fmt: skip


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(history=invoice_histories(), day=DAYS)
def test_both_sides_of_a_whole_billing_history(models, history, day):
    rows = {table: history[table] for table in TABLES if table in history}
    receivables, payables = ledger.Receivables(rows, histories.AS_OF), ledger.Payables(rows, histories.AS_OF)
    with models.filled(rows) as conn:
        for moment in (day, histories.AS_OF):
            _check(conn, "ar", receivables, receivables.invoices, moment, "test")
            _check(conn, "ap", payables, payables.bills, moment, "test")
