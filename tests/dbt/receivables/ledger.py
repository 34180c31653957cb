"""Receivables and payables of one day, calculated day by day from raw rows: the rules of docs/finance.md, told anew.

Nothing here is shared with the models: no spans, no movements, no running sums. Amounts are whole cents.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .documents import Books, Charge, Row, Rows, cents_of, charges, date_of, happened_on

#: What is owed on: invoice or bill (None is the account), who, currency.
Key = tuple[str | None, str | None, str | None]


@dataclass
class Fund:
    """A payment or credit note, with the stretches in which it counts."""

    kind: str
    key: str
    party: str | None
    currency: str | None
    cents: int
    invoice: str | None
    stretches: list[tuple[date, date]]

    def counts(self, day: date, applied: date = date.min) -> bool:
        return day >= applied and any(first <= day < end for first, end in self.stretches)

    def can_apply(self, applied: date) -> bool:
        return any(max(first, applied) < end for first, end in self.stretches)


def _payment_stretches(books: Books, row: Row, settled: date | None) -> list[tuple[date, date]]:
    days = books.days()
    succeeded = [
        books.value(row, "payment_changes", "payment_source_id", "status", day) in (None, "succeeded") for day in days
    ]
    found: list[tuple[date, date]] = []
    for number, day in enumerate(days):
        if not succeeded[number] or (number and succeeded[number - 1]):
            continue
        end = next((days[later] for later in range(number, len(days)) if not succeeded[later]), date.max)
        first = date.min if number == 0 else day
        # Money counts from the day it arrived, which may be before its status says so.
        first = max(first, settled or date.min) if found else settled or max(first, happened_on(row))
        found.append((first, end))
    return [(first, end) for first, end in found if first < end]


def funds(books: Books, invoices: dict[str, Charge]) -> dict[tuple[str, str], Fund]:
    """Read payments and credit notes that ever count."""
    found: list[Fund] = []
    for row in books.known("payments"):
        fields = ("amount", "settled_on", "billing_customer", "invoice", "currency_code")
        now = {name: books.value(row, "payment_changes", "payment_source_id", name, books.as_of) for name in fields}
        stretches = _payment_stretches(books, row, date_of(now["settled_on"]))
        if now["amount"] is not None:
            found.append(_fund("payment", row["source_id"], now, cents_of(now["amount"]), stretches, invoices))
    for row in books.known("credit_notes"):
        first = date_of(row["issued_on"])
        assert first is not None
        end = date_of(row["voided_at"]) or (first if row["status"] == "void" else date.max)
        stretches = [(first, end)] if row["status"] != "draft" and first < end else []
        shown = {"billing_customer": row["billing_customer_source_id"], "invoice": row["invoice_source_id"]}
        shown["currency_code"] = row["currency_code"]
        found.append(_fund("credit_note", row["source_id"], shown, cents_of(row["total_amount"]), stretches, invoices))
    return {(fund.kind, fund.key): fund for fund in found if fund.stretches}


def _fund(
    kind: str, key: str, fields: Row, cents: int, stretches: list[tuple[date, date]], invoices: dict[str, Charge]
) -> Fund:
    named = invoices.get(fields["invoice"] or "")
    return Fund(
        kind=kind,
        key=key,
        party=fields["billing_customer"] or (named.party if named else None),
        currency=fields["currency_code"] or (named.currency if named else None),
        cents=cents,
        invoice=named.key if named else None,
        stretches=stretches,
    )


@dataclass
class Application:
    """A part of a fund that reduces an invoice."""

    fund: Fund
    invoice: Charge
    currency: str | None
    cents: int
    applied: date


def applications(
    books: Books, invoices: dict[str, Charge], money: dict[tuple[str, str], Fund]
) -> Iterator[Application]:
    """Read allocations, and apply what names an invoice and has none."""
    allocated = set()
    for kind in ("payment", "credit_note"):
        for row in books.known(f"{kind}_allocations"):
            key = (kind, row[f"{kind}_source_id"])
            allocated.add(key)
            invoice, fund = invoices.get(row["invoice_source_id"]), money.get(key)
            if invoice and fund and fund.can_apply(happened_on(row)):
                currency = row["currency_code"] or fund.currency
                yield Application(fund, invoice, currency, cents_of(row["amount"]), happened_on(row))
    for key, fund in money.items():
        if key not in allocated and fund.invoice:
            yield Application(fund, invoices[fund.invoice], fund.currency, fund.cents, date.min)


class Receivables:
    """What customers owe on any day."""

    def __init__(self, rows: Rows, as_of: date) -> None:
        self.books = Books(rows, as_of)
        self.invoices = charges(self.books, "invoices", "billing_customer")
        self.funds = funds(self.books, self.invoices)
        self.applications = list(applications(self.books, self.invoices, self.funds))

    def balances(self, day: date) -> Counter[Key]:
        """Return cents by invoice (None: on account), customer and currency; what is 0 may be there or not."""
        owed = self._unsettled(day)
        paid = {application.invoice.key for application in self.applications if application.fund.kind == "payment"}
        for invoice in self.invoices.values():
            settled = invoice.settled
            if settled and settled <= day and settled < invoice.ends and invoice.key not in paid:
                then = self._unsettled(settled)
                owed.subtract({key: cents for key, cents in then.items() if key[0] == invoice.key})
        return owed

    def _unsettled(self, day: date) -> Counter[Key]:
        owed: Counter[Key] = Counter()
        for invoice in self.invoices.values():
            if invoice.counts(day):
                owed[invoice.key, invoice.party, invoice.currency] += invoice.total(day)
        for row in self.books.known("write_offs"):
            lost = self.invoices.get(row["invoice_source_id"])
            written = date_of(row["written_off_on"]) or happened_on(row)
            if lost and lost.counts(day) and written <= day:
                owed[lost.key, lost.party, row["currency_code"] or lost.currency] -= cents_of(row["amount"])
        for fund in self.funds.values():
            if fund.counts(day):
                owed[None, fund.party, fund.currency] -= fund.cents
        for part in self.applications:
            if part.fund.counts(day, part.applied):
                owed[None, part.fund.party, part.currency] += part.cents
                owed[part.invoice.key, part.invoice.party, part.currency] -= part.cents
        for row in self.books.known("refunds"):
            if happened_on(row) <= day:
                fund = self._refunded(row)
                currency = row["currency_code"] or (fund.currency if fund else None)
                owed[None, fund.party if fund else None, currency] += cents_of(row["amount"])
        return owed

    def _refunded(self, row: Row) -> Fund | None:
        if row.get("credit_note_source_id"):
            return self.funds.get(("credit_note", row["credit_note_source_id"]))
        return self.funds.get(("payment", row["payment_source_id"]))


class Payables:
    """What is owed to suppliers on any day."""

    def __init__(self, rows: Rows, as_of: date) -> None:
        self.books = Books(rows, as_of)
        self.bills = charges(self.books, "supplier_bills", "supplier")
        self.paid = list(self.books.known("supplier_payments"))

    def balances(self, day: date) -> Counter[Key]:
        """Return cents by bill, supplier and currency; what is 0 may be there or not."""
        owed: Counter[Key] = Counter()
        told = {row["supplier_bill_source_id"] for row in self.paid}
        for bill in self.bills.values():
            key = (bill.key, bill.party, bill.currency)
            if bill.counts(day):
                owed[key] += bill.total(day)
            if bill.settled and bill.settled <= day and bill.settled < bill.ends and bill.key not in told:
                owed[key] -= bill.total(bill.settled)
        shown = {row["source_id"]: row for row in self.books.known("supplier_bills")}

        def latest(key: str, field: str) -> str | None:
            row = shown.get(key)
            as_of = self.books.as_of
            return row and self.books.value(row, "supplier_bill_changes", "supplier_bill_source_id", field, as_of)

        for row in self.paid:
            if happened_on(row) <= day:
                key = row["supplier_bill_source_id"]
                currency = row["currency_code"] or latest(key, "currency_code")
                owed[key, latest(key, "supplier"), currency] -= cents_of(row["amount"])
        return owed


def aged(
    balances: Counter[Key], documents: dict[str, Charge], day: date
) -> dict[tuple[str | None, str | None], list[int]]:
    """Return by party and currency the five buckets and what is on account; parties with nothing open are left out."""
    found: dict[tuple[str | None, str | None], list[int]] = {}
    for (document, party, currency), cents in balances.items():
        if cents:
            row = found.setdefault((party, currency), [0] * 6)
            charge = documents.get(document or "")
            row[_bucket((day - charge.due(day)).days) if charge and cents > 0 else 5] += cents
    return found


def _bucket(overdue: int) -> int:
    return 0 if overdue <= 0 else min((overdue - 1) // 30 + 1, 4)


def parts(amounts: Iterable[Decimal]) -> list[int]:
    """Return amounts as whole cents."""
    return [int(amount * 100) for amount in amounts]
