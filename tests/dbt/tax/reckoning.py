"""Tax of random histories, reckoned document by document from raw rows: the rules of docs/finance.md, told anew.

Nothing here is shared with the models. Amounts are whole cents, rates exact.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, NamedTuple

from .raw_books import Charge, RawBooks, Row, Rows, day_of

SOURCE = "test"
SIGNS = {"output": 1, "credit": -1, "bad_debt": -1, "input": -1}
KINDS = {"invoice": "output", "credit_note": "credit", "write_off": "bad_debt", "supplier_bill": "input"}


class Place(NamedTuple):
    country: str | None
    region: str | None


class Ruling(NamedTuple):
    """The rule that gives a rate; the rate of "none" is None."""

    rule: str
    rate: Decimal | None
    rate_id: str | None = None
    owed_by_buyer: Decimal | None = None


class Entry(NamedTuple):
    kind: str
    is_reversal: bool
    is_self_assessed: bool
    document_kind: str
    document: str
    line: str | None
    customer: str | None
    currency: str | None
    place: Place
    tax_class: str | None
    rule: str | None
    rate_id: str | None
    day: date
    net: int
    tax: int


@dataclass(frozen=True)
class Document:
    kind: str
    row: Row
    customer: str | None
    currency: str | None
    place: Place
    is_reverse_charge: bool | None
    begins: date
    ends: date
    steps: list[tuple[date, int | None]]


@dataclass(frozen=True)
class Line:
    document: Document
    row: Row
    currency: str | None
    place: Place
    rated_on: date
    customer_kind: str
    net: int
    tax: int

    @property
    def key(self) -> str:
        return _key(self.row["source_id"]) or ""


def _key(text: str | None) -> str | None:
    return None if text is None else f"{SOURCE}:{text}"


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _cents(text: str | None) -> int:
    return int(Decimal(text or 0) * 100)


def _times(cents: int, rate: Decimal) -> int:
    return int((cents * rate).quantize(Decimal(1), ROUND_HALF_UP))


class TaxBooks:
    """Rules, documents and entries as known at the end of ``as_of``."""

    def __init__(self, rows: Rows, as_of: date) -> None:
        self.rows, self.as_of, self.books = rows, as_of, RawBooks(rows, as_of)
        self.invoices = self.books.charges("invoice", "billing_customer")
        self.rates = list(self.books.known("tax_rates"))
        self.exemptions = list(self.books.known("tax_exemptions"))
        self.customers = {row["source_id"]: row for row in self.books.seen("billing_customers")}

    def customer_value(self, key: str | None, field: str, day: date) -> str | None:
        row = self.customers.get(key or "")
        if row is None:
            return None
        gone = day_of(row["deleted_at"])
        if gone is not None and gone <= self.as_of and gone <= day:
            return None
        return self.books.value("billing_customer", row, field, day)

    def customer_place(self, key: str | None, day: date) -> Place:
        return Place(*(_upper(self.customer_value(key, field, day)) for field in ("country_code", "region_code")))

    def ruling(self, place: Place, tax_class: str | None, kind: str, customer: str | None, day: date) -> Ruling:
        """Apply the rules in their order to one line."""

        def covers(rule: Row, **line: str | None) -> bool:
            return all(rule[name] is None or rule[name] == value for name, value in line.items())

        where = {"country_code": place.country, "region_code": place.region, "tax_class": tax_class}
        is_exempt = str(self.customer_value(customer, "is_tax_exempt", day)).lower() == "true"
        for row in self.exemptions:
            begins, ends = day_of(row["valid_from"]) or date.min, day_of(row["valid_to"]) or date.max
            holds = row["billing_customer_source_id"] == customer and begins <= day < ends
            is_exempt = is_exempt or (holds and covers(row, **where))
        if is_exempt:
            return Ruling("exempt", Decimal(0))
        found = [
            row
            for row in self.rates
            if row["country_code"] == place.country
            and date.fromisoformat(row["valid_from"]) <= day < (day_of(row["valid_to"]) or date.max)
            and covers(row, **where, customer_kind=kind)
        ]
        if not found:
            return Ruling("none", None)
        found.sort(key=lambda row: row["source_id"])
        found.sort(key=lambda row: row["valid_from"], reverse=True)
        best = min(found, key=lambda row: [row[n] is None for n in ("region_code", "tax_class", "customer_kind")])
        rate = Decimal(str(best["rate"]))
        if best["is_reverse_charge"] and kind == "business":
            return Ruling("reverse_charge", Decimal(0), _key(best["source_id"]), rate)
        return Ruling("rate", rate, _key(best["source_id"]))

    @cached_property
    def documents(self) -> dict[tuple[str, str], Document]:
        found = [self._charged("invoice", charge) for charge in self.invoices.values()]
        made = {(document.kind, document.row["source_id"]): document for document in found}
        bills = self.books.charges("supplier_bill", "supplier").values()
        found += [self._charged("supplier_bill", charge) for charge in bills]
        for row in self.books.known("write_offs"):
            of = made.get(("invoice", row["invoice_source_id"]))
            if of is None:
                continue
            begins = max(day_of(row["written_off_on"]) or of.begins, of.begins)
            if begins < of.ends:
                currency = row["currency_code"] or of.currency
                found.append(replace(of, kind="write_off", row=row, currency=currency, begins=begins,
                                     steps=[(begins, _cents(row["tax_amount"]))]))  # fmt: skip
        found += self._credit_notes(made)
        return {(document.kind, document.row["source_id"]): document for document in found}

    def _charged(self, kind: str, charge: Charge) -> Document:
        row = charge.row

        def value(name: str, day: date) -> Any:
            return self.books.value(kind, row, name, day)

        def header(day: date) -> int | None:
            if value("tax_amount", day) is not None:
                return _cents(value("tax_amount", day))
            total, net = value("total_amount", day), value("subtotal_amount", day)
            return None if total is None or net is None else _cents(total) - _cents(net)

        flag = value("is_reverse_charge", self.as_of)
        flag = None if flag is None else str(flag).lower() == "true"
        place = Place(_upper(value("country_code", self.as_of)), _upper(value("region_code", self.as_of)))
        if place.country is None and kind == "invoice":
            place = self.customer_place(charge.party, charge.begins)
        elif place.country is None and not flag:
            supplier = next((row for row in self.books.seen("suppliers") if row["source_id"] == charge.party), None)
            place = Place(supplier["country_code"], supplier["region_code"]) if supplier else Place(None, None)
        days = {day_of(change["occurred_at"]) or date.min for change in self.rows.get(f"{kind}_changes", [])}
        steps = [(day, header(day)) for day in sorted({charge.begins, *days}) if charge.begins <= day < charge.ends]
        party = charge.party if kind == "invoice" else None
        return Document(kind, row, party, charge.currency, place, flag, charge.begins, charge.ends, steps)

    def _credit_notes(self, invoices: dict[tuple[str, str], Document]) -> Iterator[Document]:
        lines = {row["source_id"]: row for row in self.books.seen("invoice_lines")}
        for row in self.books.known("credit_notes"):
            begins = day_of(row["issued_on"])
            assert begins is not None
            ends = day_of(row["voided_at"]) or (begins if row["status"] == "void" else date.max)
            if row["status"] == "draft" or begins >= ends:
                continue
            named = invoices.get(("invoice", row["invoice_source_id"] or ""))
            credited = [lines.get(line["invoice_line_source_id"]) for line in self.books.known("credit_note_lines")
                        if line["credit_note_source_id"] == row["source_id"]]  # fmt: skip
            keys = sorted(line["invoice_source_id"] for line in credited if line)
            of = named or next((invoices["invoice", key] for key in keys if ("invoice", key) in invoices), None)
            customer = row["billing_customer_source_id"] or (named.customer if named else None)
            place = of.place if of else self.customer_place(customer, begins)
            tax = _cents(row["tax_amount"]) if row["tax_amount"] is not None else (
                _cents(row["total_amount"]) - _cents(row["subtotal_amount"]))  # fmt: skip
            yield Document("credit_note", row, customer, row["currency_code"] or (named.currency if named else None),
                           place, of.is_reverse_charge if of else None, begins, ends, [(begins, tax)])  # fmt: skip

    @cached_property
    def lines(self) -> list[Line]:
        invoice_lines = {row["source_id"]: row for row in self.books.seen("invoice_lines")}
        found = []
        for kind in ("invoice", "credit_note", "supplier_bill"):
            for row in self.books.known(f"{kind}_lines"):
                document = self.documents.get((kind, row[f"{kind}_source_id"]))
                if document is None:
                    continue
                corrected = row.get("corrected_line_source_id") or row.get("invoice_line_source_id")
                line = invoice_lines.get(corrected or "")
                of = self.documents.get(("invoice", line["invoice_source_id"])) if line else None
                day = of.begins if of else document.begins
                is_business = str(self.customer_value(document.customer, "is_business", day)).lower() == "true"
                found.append(Line(
                    document, row, row["currency_code"] or document.currency,
                    of.place if of and kind == "credit_note" else document.place, day,
                    "business" if is_business or kind == "supplier_bill" else "consumer",
                    _cents(row["amount"]), _cents(row["tax_amount"]),
                ))  # fmt: skip
        return found

    @cached_property
    def rulings(self) -> dict[tuple[str, str], Ruling]:
        """By kind of document and line."""
        return {
            (line.document.kind, line.key): self.ruling(
                line.place, line.row["tax_class"], line.customer_kind, line.document.customer, line.rated_on
            )
            for line in self.lines
        }

    @cached_property
    def entries(self) -> Counter[Entry]:
        found = [entry for line in self.lines for entry in self._line_entries(line)]
        found += [entry for document in self.documents.values() for entry in self._header_entries(document)]
        reversals: dict[Entry, list[Entry]] = {}
        for entry in found:
            ends = self.documents[entry.document_kind, entry.document.removeprefix(f"{SOURCE}:")].ends
            if ends < date.max:
                back = entry._replace(is_reversal=True, day=ends, net=0, tax=0)
                reversals.setdefault(back, []).append(entry)
        for back, taken in reversals.items():
            found.append(back._replace(net=-sum(entry.net for entry in taken), tax=-sum(entry.tax for entry in taken)))
        return Counter(entry for entry in found if entry.day <= self.as_of)

    def is_left_to_buyer(self, line: Line) -> bool:
        flag = line.document.is_reverse_charge
        return self.rulings[line.document.kind, line.key].rule == "reverse_charge" if flag is None else flag

    def _line_entries(self, line: Line) -> Iterator[Entry]:
        document, ruling = line.document, self.rulings[line.document.kind, line.key]
        kind = KINDS[document.kind]
        base = Entry(kind, False, False, document.kind, _key(document.row["source_id"]) or "", line.key,
                     _key(document.customer), line.currency, line.place, line.row["tax_class"], ruling.rule,
                     ruling.rate_id, document.begins, SIGNS[kind] * line.net, SIGNS[kind] * line.tax)  # fmt: skip
        yield base
        rate = ruling.rate if ruling.owed_by_buyer is None else ruling.owed_by_buyer
        if document.kind == "supplier_bill" and self.is_left_to_buyer(line) and rate is not None:
            owed = _times(line.net, rate)
            for kind in ("output", "input"):
                yield base._replace(kind=kind, is_self_assessed=True, net=0, tax=SIGNS[kind] * owed)

    def lines_tax(self, document: Document) -> int:
        return sum(line.tax for line in self.lines if line.document is document and line.currency == document.currency)

    def _header_entries(self, document: Document) -> Iterator[Entry]:
        lines = self.lines_tax(document)
        kind, told = KINDS[document.kind], lines
        for day, header in document.steps:
            stated = lines if header is None else header
            if stated != told:
                yield Entry(kind, False, False, document.kind, _key(document.row["source_id"]) or "", None,
                            _key(document.customer), document.currency, document.place, None, None, None, day, 0,
                            SIGNS[kind] * (stated - told))  # fmt: skip
            told = stated
