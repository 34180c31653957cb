"""Random ledgers of a few documents that pull every string receivables and payables hang on, as rows of raw tables."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

BEGIN = date(2024, 8, 1)
AS_OF = date(2025, 1, 31)
#: Days drawn run past the as-of date, so that some rows are known, or true, later only.
LAST = 240

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

DAYS = st.integers(0, LAST)
CENTS = st.integers(1, 30_000)
CURRENCIES = st.sampled_from(["USD", "USD", "EUR"])
MAYBE_CURRENCY = st.sampled_from(["USD", "USD", "EUR", None])
CUSTOMERS = st.sampled_from(["c1", "c1", "c2", None])


def day(number: int | None) -> str | None:
    """Return the ISO date of a day counted from the beginning."""
    return None if number is None else (BEGIN + timedelta(days=number)).isoformat()


def money(cents: int) -> str:
    """Return cents as text with a decimal point."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _record(draw: Draw, number: int, happened: int) -> Row:
    """Key, time, and now and then a late recording or a deletion."""
    row: Row = {"source_name": "s", "source_id": str(number), "occurred_at": f"{day(happened)}T09:00:00Z"}
    oddity = draw(st.integers(0, 9))
    if oddity == 0:
        row["recorded_at"] = f"{day(draw(DAYS))}T10:00:00Z"
    elif oddity == 1:
        row["deleted_at"] = f"{day(draw(DAYS))}T10:00:00Z"
    return row


def _changes(draw: Draw, parent: str, number: int, values: dict[str, st.SearchStrategy[Any]]) -> list[Row]:
    made = []
    for place in range(draw(st.sampled_from([0, 0, 1, 2, 3]))):
        field = draw(st.sampled_from(list(values)))
        row = _record(draw, number * 10 + place, draw(DAYS))
        row.pop("deleted_at", None)
        row |= {parent: str(number), "field_name": field, "new_value": draw(values[field])}
        row["old_value"] = draw(values[field])
        made.append(row)
    return made


def _document(draw: Draw, number: int, statuses: list[str | None], is_odd: bool) -> Row:
    issued = draw(DAYS)
    due = draw(st.sampled_from([None, issued, issued + 14, issued + 30]))
    cents = draw(CENTS) * (-1 if is_odd and draw(st.integers(0, 9)) == 0 else 1)
    row = _record(draw, number, issued) | {
        "status": draw(st.sampled_from(statuses)),
        "currency_code": draw(CURRENCIES),
        "total_amount": money(cents),
        "issued_on": day(issued),
        "due_on": day(due),
        "voided_at": None,
    }
    if draw(st.integers(0, 5)) == 0:
        row["voided_at"] = f"{day(draw(DAYS))}T15:00:00Z"
    return row


DATES = DAYS.map(day)
AMOUNTS = CENTS.map(money)
INVOICE_STATUSES = [None, "open", "open", "open", "paid", "void", "draft", "uncollectible"]
BILL_STATUSES = [None, "open", "open", "open", "paid", "void", "draft"]


def _document_values(statuses: list[str | None]) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "status": st.sampled_from([status for status in statuses if status]),
        "total_amount": AMOUNTS,
        "due_on": DATES,
        "voided_at": st.one_of(st.none(), DATES.map(lambda text: f"{text}T08:00:00Z")),
    }


def _invoices(draw: Draw, rows: Rows) -> None:
    for number in range(1, draw(st.integers(1, 4)) + 1):
        row = _document(draw, number, INVOICE_STATUSES, is_odd=True)
        row |= {"billing_customer_source_id": draw(CUSTOMERS), "settled_on": None}
        if draw(st.integers(0, 3)) == 0:
            row["settled_on"] = day(draw(DAYS))
        rows["invoices"].append(row)
        rows["invoice_changes"] += _changes(draw, "invoice_source_id", number, _document_values(INVOICE_STATUSES))


def _payments(draw: Draw, rows: Rows, invoices: st.SearchStrategy[str]) -> None:
    statuses = ["succeeded", "succeeded", "pending", "failed"]
    for number in range(1, draw(st.integers(0, 3)) + 1):
        tried = draw(DAYS)
        row = _record(draw, number, tried) | {
            "billing_customer_source_id": draw(CUSTOMERS),
            "invoice_source_id": draw(st.one_of(st.none(), invoices)),
            "status": draw(st.sampled_from([*statuses, None])),
            "currency_code": draw(MAYBE_CURRENCY),
            "amount": draw(AMOUNTS),
            "settled_on": draw(st.sampled_from([None, day(tried), day(tried + 3)])),
        }
        rows["payments"].append(row)
        rows["payment_changes"] += _changes(
            draw, "payment_source_id", number, {"status": st.sampled_from(statuses), "amount": AMOUNTS}
        )
        _allocations(draw, rows["payment_allocations"], "payment_source_id", number, invoices)


def _credits(draw: Draw, rows: Rows, invoices: st.SearchStrategy[str]) -> None:
    for number in range(1, draw(st.integers(0, 2)) + 1):
        issued = draw(DAYS)
        row = _record(draw, number, issued) | {
            "billing_customer_source_id": draw(CUSTOMERS),
            "invoice_source_id": draw(st.one_of(st.none(), invoices)),
            "status": draw(st.sampled_from(["open", "applied", "void", "draft", None])),
            "currency_code": draw(MAYBE_CURRENCY),
            "total_amount": draw(AMOUNTS),
            "issued_on": day(issued),
            "voided_at": draw(st.sampled_from([None, None, f"{day(issued + 20)}T11:00:00Z"])),
        }
        rows["credit_notes"].append(row)
        _allocations(draw, rows["credit_note_allocations"], "credit_note_source_id", number, invoices)


def _allocations(draw: Draw, rows: list[Row], parent: str, number: int, invoices: st.SearchStrategy[str]) -> None:
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        cents = draw(CENTS) * draw(st.sampled_from([1, 1, -1]))
        rows.append(
            _record(draw, len(rows) + 1, draw(DAYS))
            | {parent: str(number), "invoice_source_id": draw(invoices), "amount": money(cents)}
            | {"currency_code": draw(MAYBE_CURRENCY)}
        )


def _losses(draw: Draw, rows: Rows, invoices: st.SearchStrategy[str]) -> None:
    for number in range(1, draw(st.integers(0, 2)) + 1):
        happened = draw(DAYS)
        rows["write_offs"].append(
            _record(draw, number, happened)
            | {"invoice_source_id": draw(invoices), "written_off_on": draw(st.sampled_from([None, day(happened)]))}
            | {"amount": money(draw(CENTS) * draw(st.sampled_from([1, 1, -1]))), "currency_code": draw(MAYBE_CURRENCY)}
        )
    keys = st.sampled_from(["1", "2"])
    for number in range(1, draw(st.integers(0, 1)) + 1):
        rows["refunds"].append(
            _record(draw, number, draw(DAYS))
            | draw(st.sampled_from([{"payment_source_id": "1"}, {"credit_note_source_id": draw(keys)}]))
            | {"amount": draw(AMOUNTS), "currency_code": draw(MAYBE_CURRENCY)}
        )


@st.composite
def receivable_histories(draw: Draw) -> Rows:
    """Invoices, payments, credit notes, allocations, refunds and write-offs of two customers."""
    tables = (
        "invoices", "invoice_changes", "payments", "payment_changes", "payment_allocations", "credit_notes",
        "credit_note_allocations", "refunds", "write_offs",
    )  # fmt: skip
    rows: Rows = {table: [] for table in tables}
    _invoices(draw, rows)
    # One more than there are: a document that was never delivered.
    invoices = st.sampled_from([str(number) for number in range(1, len(rows["invoices"]) + 2)])
    _payments(draw, rows, invoices)
    _credits(draw, rows, invoices)
    _losses(draw, rows, invoices)
    return rows


@st.composite
def payable_histories(draw: Draw) -> Rows:
    """Bills of two suppliers and what was paid of them."""
    rows: Rows = {"supplier_bills": [], "supplier_bill_changes": [], "supplier_payments": []}
    for number in range(1, draw(st.integers(1, 4)) + 1):
        row = _document(draw, number, BILL_STATUSES, is_odd=False)
        row["supplier_source_id"] = draw(st.sampled_from(["s1", "s2", None]))
        rows["supplier_bills"].append(row)
        rows["supplier_bill_changes"] += _changes(
            draw, "supplier_bill_source_id", number, _document_values(BILL_STATUSES)
        )
    for number in range(1, draw(st.integers(0, 5)) + 1):
        rows["supplier_payments"].append(
            _record(draw, number, draw(DAYS))
            | {"supplier_bill_source_id": str(draw(st.integers(1, 5))), "currency_code": draw(MAYBE_CURRENCY)}
            | {"amount": money(draw(CENTS) * draw(st.sampled_from([1, 1, 1, -1])))}
        )
    return rows
