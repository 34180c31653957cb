"""Revenue of random documents by a calculation of its own: what of the raw rows counts, and which lines it makes."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from math import floor

from billing_rows import AS_OF, Rows

from .earning import DAY, Document, Line, Row, day_of, money


def counts(row: Row) -> bool:
    """Known by the as-of date, and not deleted by then."""
    told = str(row["recorded_at"] or row["occurred_at"] or row.get("observed_at") or row["loaded_at"])
    known = max(told, str(row["occurred_at"] or ""))
    deleted = day_of(row["deleted_at"])
    return date.fromisoformat(known[:10]) <= AS_OF and (deleted is None or deleted > AS_OF)


class Fields:
    """What is known of the fields of one table's rows, from their history or, without one, from the row itself."""

    def __init__(self, changes: list[Row], key: str) -> None:
        self.history: dict[tuple[object, object], list[Row]] = {}
        for row in changes:
            self.history.setdefault((row[key], row["field_name"]), []).append(row)
        for rows in self.history.values():
            rows.sort(key=lambda row: (row["occurred_at"], row["recorded_at"] or row["occurred_at"], row["source_id"]))

    def first(self, row: Row, name: str, column: str | None = None) -> object:
        rows = self.history.get((row["source_id"], name))
        return rows[0]["old_value"] if rows else row[column or name]

    def changes(self, row: Row, name: str) -> list[Row]:
        return [change for change in self.history.get((row["source_id"], name), []) if counts(change)]

    def last(self, row: Row, name: str, column: str | None = None) -> object:
        known = self.changes(row, name)
        return known[-1]["new_value"] if known else self.first(row, name, column)


class Books:
    """All revenue lines of some raw rows."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.invoices = Fields(rows.get("invoice_changes", []), "invoice_source_id")
        self.prices = Fields(rows.get("price_changes", []), "price_source_id")
        items = [row for row in rows.get("subscription_changes", []) if row["subscription_item_source_id"]]
        wholes = [row for row in rows.get("subscription_changes", []) if not row["subscription_item_source_id"]]
        self.items = Fields(items, "subscription_item_source_id")
        self.subscriptions = Fields(wholes, "subscription_source_id")
        documents = [*self._invoice_lines(), *self._credits()]
        charges = {document.key: document for document in documents if document.is_charge}
        corrections = {document.key: found for document in documents if (found := _changed(document, charges))}
        self.lines = {document.key: self._line(document) for document in documents if document.key not in corrections}
        for document in documents:
            for key, amount in corrections.get(document.key, []):
                self._change(self.lines[key], document, amount)

    def _each(self, table: str) -> Iterator[Row]:
        return (row for row in self.rows.get(table, []) if counts(row))

    def _invoice_days(self, row: Row) -> tuple[date, date | None] | None:
        """Days of issue and of voiding of an invoice that was issued."""
        status = self.invoices.last(row, "status")
        has_column = row["issued_on"] is not None or row["status"] == "draft"
        column = row["issued_on"] if has_column else str(row["occurred_at"])[:10]
        issued = day_of(self.invoices.last({**row, "issued_on": column}, "issued_on"))
        if status == "draft" or issued is None:
            return None
        gone = day_of(self.invoices.last(row, "voided_at"))
        if gone is None and status == "void":
            gone = self._turned_void(row) or issued
        return None if gone is not None and gone <= issued else (issued, gone)

    def _turned_void(self, row: Row) -> date | None:
        days = {day_of(change["occurred_at"]): change["new_value"] for change in self.invoices.changes(row, "status")}
        before, turned = self.invoices.first(row, "status"), None
        for day, status in sorted(days.items()):
            if status == "void" and before != "void":
                turned = day
            before = status
        return turned

    def _invoice_lines(self) -> Iterator[Document]:
        self.issued: dict[str, tuple[date, date | None, str | None, object]] = {}
        for row in self._each("invoices"):
            days = self._invoice_days(row)
            if days:
                customer = self.invoices.last(row, "billing_customer", "billing_customer_source_id")
                currency = self.invoices.last(row, "currency_code")
                self.issued[str(row["source_id"])] = (*days, None if customer is None else str(customer), currency)
        for row in self._each("invoice_lines"):
            if row["amount"] is None or row["invoice_source_id"] not in self.issued:
                continue
            issued, gone, customer, currency = self.issued[str(row["invoice_source_id"])]
            yield Document(
                f"test:{row['source_id']}", "invoice_line", str(row["invoice_source_id"]), customer,
                row["currency_code"] or currency, issued, gone if gone is not None and gone <= AS_OF else None,
                money(row["amount"]), row, _id(row["corrected_line_source_id"]),
            )  # fmt: skip

    def _credits(self) -> Iterator[Document]:
        lines: dict[object, list[Row]] = {}
        for row in self._each("credit_note_lines"):
            if row["amount"] is not None:
                lines.setdefault(row["credit_note_source_id"], []).append(row)
        for note in self._each("credit_notes"):
            issued = day_of(note["issued_on"]) or day_of(note["occurred_at"])
            gone = day_of(note["voided_at"])
            never = note["status"] == "draft" or (note["status"] == "void" and gone is None)
            if never or issued is None or (gone is not None and gone <= issued):
                continue
            invoice = self.issued.get(str(note["invoice_source_id"]))
            customer = note["billing_customer_source_id"] or (invoice[2] if invoice else None)
            currency = note["currency_code"] or (invoice[3] if invoice else None)
            key = str(note["source_id"])
            rows = lines.get(key) or [{"source_id": key, "amount": note["subtotal_amount"], "is_whole": True}]
            for row in rows:
                kind = "credit_note" if "is_whole" in row else "credit_note_line"
                yield Document(
                    f"{kind}:test:{row['source_id']}", kind, _text(note["invoice_source_id"]), _text(customer),
                    row.get("currency_code") or currency, issued, gone if gone is not None and gone <= AS_OF else None,
                    -money(row["amount"]), row, _id(row.get("invoice_line_source_id")),
                )  # fmt: skip

    def _line(self, document: Document) -> Line:
        row = document.row
        start, end = day_of(row.get("service_started_on")), day_of(row.get("service_ended_on"))
        is_spread = start is not None and end is not None and start < end
        method = row.get("recognition_method") or self._price_method(row)
        method = str(method or ("straight_line" if is_spread else "point_in_time"))
        product = _id(row.get("product_source_id"))
        if method == "milestone":
            return Line(document, product, method, *self._milestones(document))
        if method != "point_in_time" and is_spread and start and end:
            cut = self._item_end(row)
            length = Fraction((end - start).days)
            if cut is None or not start <= cut < end:
                return Line(document, product, method, [(start, end, length)], length)
            pieces = [(start, cut, Fraction((cut - start).days)), (cut, cut + DAY, Fraction((end - cut).days))]
            return Line(document, product, method, [piece for piece in pieces if piece[2]], length)
        stated = day_of(row.get("recognised_on"))
        if method == "usage":
            last = max(start or date.min, end - DAY) if end else None
            on = last or start or stated or document.issued_on
        else:
            on = stated or start or document.issued_on
        return Line(document, product, method, [(on, on + DAY, Fraction(1))], Fraction(1))

    def _price_method(self, row: Row) -> object:
        for price in self._each("prices"):
            if price["source_id"] == row.get("price_source_id"):
                known = self.prices.changes(price, "recognition_method")
                return known[-1]["new_value"] if known else price["recognition_method"]
        return None

    def _item_end(self, row: Row) -> date | None:
        ends = []
        for item in self.rows.get("subscription_items", []):
            if item["source_id"] != row.get("subscription_item_source_id"):
                continue
            if counts(item):
                ends.append(_shown(self.items, item, "ended_on"))
            for subscription in self._each("subscriptions"):
                if subscription["source_id"] == item["subscription_source_id"]:
                    ends.append(_shown(self.subscriptions, subscription, "ended_at"))
        return min((end for end in ends if end is not None and end <= AS_OF), default=None)

    def _milestones(self, document: Document) -> tuple[list[tuple[date, date, Fraction]], Fraction]:
        direction = -1 if document.amount < 0 else 1
        whole = abs(document.amount)
        steps: dict[date, Fraction] = {}
        rows = [row for row in self._each("revenue_milestones") if _id(row["invoice_line_source_id"]) == document.key]
        for row in rows:
            done, planned = day_of(row["completed_on"]), day_of(row["planned_on"])
            on = done if done and done <= AS_OF else planned if planned and planned > AS_OF else None
            if on is not None:
                stated = row["amount"] is not None
                amount = money(row["amount"]) if stated else document.amount * money(row["share_rate"])
                steps[on] = steps.get(on, Fraction(0)) + max(direction * amount, Fraction(0))
        pieces, given = [], Fraction(0)
        for on, weight in sorted(steps.items()):
            weight = min(weight, whole - given)
            given += weight
            pieces.append((on, on + DAY, weight))
        return (pieces, whole) if pieces else ([], Fraction(1))

    @staticmethod
    def _change(line: Line, document: Document, amount: Fraction) -> None:
        on, end = max(document.issued_on, line.document.issued_on), line.document.gone_on
        steps = [(on, amount)]
        if document.gone_on is not None and document.gone_on > on:
            steps.append((document.gone_on, -amount))
        for day, part in steps:
            if end is None or day < end:
                line.changes[day] = line.changes.get(day, Fraction(0)) + part


def _shown(fields: Fields, row: Row, name: str) -> date | None:
    known = fields.changes(row, name)
    return day_of(known[-1]["new_value"] if known else row[name])


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _id(value: object) -> str | None:
    return None if value is None else f"test:{value}"


def _changed(document: Document, charges: dict[str, Document]) -> list[tuple[str, Fraction]]:
    """Which lines a document changes, and by how much; none where it is revenue by itself."""
    target = charges.get(document.names or "")
    is_change = document.kind == "credit_note_line" or not document.has_period
    if target and target.currency == document.currency and is_change:
        return [(target.key, document.amount)]
    if document.kind == "invoice_line" or document.names or document.has_period or document.amount >= 0:
        return []
    alike = [
        charge for charge in charges.values()
        if charge.invoice == document.invoice and charge.currency == document.currency and charge.amount > 0
    ]  # fmt: skip
    total = sum(charge.amount for charge in alike)
    exact = {charge.key: -document.amount * charge.amount / total * 100 for charge in alike}
    parts = {key: floor(value) for key, value in exact.items()}
    order = sorted(parts, key=lambda key: (-(exact[key] - parts[key]), key))
    for key in order[: int(-document.amount * 100) - sum(parts.values())]:
        parts[key] += 1
    return [(key, Fraction(-part, 100)) for key, part in parts.items()]
