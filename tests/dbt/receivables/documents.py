"""Invoices and bills as they were on any day, read from raw rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]

DAY = timedelta(days=1)


def date_of(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def cents_of(text: str) -> int:
    return int(Decimal(text) * 100)


def happened_on(row: Row) -> date:
    found = date_of(row.get("occurred_at") or row.get("recorded_at"))
    assert found is not None
    return found


def known_on(row: Row) -> date:
    return max(happened_on(row), date_of(row.get("recorded_at")) or date.min)


@dataclass
class Books:
    """Raw rows as far as they are known at the end of ``as_of``."""

    rows: Rows
    as_of: date
    histories: dict[str, dict[tuple[str, str], list[Row]]] = field(default_factory=dict)

    def known(self, table: str) -> Iterator[Row]:
        """Yield rows that are known and not deleted."""
        for row in self.rows.get(table, []):
            deleted = date_of(row.get("deleted_at"))
            if known_on(row) <= self.as_of and (deleted is None or deleted > self.as_of):
                yield row

    def value(self, row: Row, table: str, parent: str, name: str, day: date) -> str | None:
        """Return what a tracked field was on a day."""
        changes = self._history(table, parent).get((row["source_id"], name))
        if not changes:
            return row.get(name, row.get(f"{name}_source_id"))
        past = [change for change in changes if known_on(change) <= self.as_of and happened_on(change) <= day]
        return past[-1]["new_value"] if past else changes[0]["old_value"]

    def _history(self, table: str, parent: str) -> dict[tuple[str, str], list[Row]]:
        """Return the changes of a table in their order, by thing and field."""
        if table not in self.histories:
            found = self.histories.setdefault(table, {})
            ordered = sorted(
                self.rows.get(table, []),
                key=lambda row: (row["occurred_at"], row.get("recorded_at") or row["occurred_at"], row["source_id"]),
            )
            for row in ordered:
                found.setdefault((row[parent], row["field_name"]), []).append(row)
        return self.histories[table]

    def days(self) -> list[date]:
        """Return every day on which anything can have happened, and one before."""
        times = [happened_on(row) for table in self.rows.values() for row in table]
        first = min([*times, self.as_of]) - DAY
        return [first + DAY * number for number in range((self.as_of - first).days + 1)]


@dataclass
class Charge:
    """An invoice or bill that counts from ``begins`` to before ``ends``."""

    key: str
    party: str | None
    currency: str | None
    begins: date
    ends: date
    settled: date | None
    total: Callable[[date], int]
    due: Callable[[date], date]

    def counts(self, day: date) -> bool:
        return self.begins <= day < self.ends


def charges(books: Books, table: str, party: str) -> dict[str, Charge]:
    """Read the documents of a side, drafts and such that never count left out."""
    changes, parent = f"{table[:-1]}_changes", f"{table[:-1]}_source_id"
    days = books.days()
    found = {}
    for row in books.known(table):

        def value(field: str, day: date, row: Row = row) -> str | None:
            return books.value(row, changes, parent, field, day)

        status, begins = value("status", books.as_of), date_of(value("issued_on", books.as_of))
        gone = date_of(value("voided_at", books.as_of))
        if gone is None and status == "void":
            gone = _since(days, lambda day, value=value: value("status", day) == "void") or begins
        settled = date_of(value("settled_on", books.as_of))
        if settled is None and status == "paid":
            settled = _since(days, lambda day, value=value: value("status", day) == "paid") or begins
        if status == "draft" or begins is None or (gone is not None and gone <= begins):
            continue

        def due(day: date, value: Any = value, begins: date = begins) -> date:
            return date_of(value("due_on", max(day, begins))) or begins

        found[row["source_id"]] = Charge(
            key=row["source_id"],
            party=value(party, books.as_of),
            currency=value("currency_code", books.as_of),
            begins=begins,
            ends=gone or date.max,
            settled=None if settled is None else max(settled, begins),
            total=lambda day, value=value: cents_of(value("total_amount", day) or "0"),
            due=due,
        )
    return found


def _since(days: list[date], holds: Callable[[date], bool]) -> date | None:
    """Return the first day of the last stretch on which something holds; None where it always did."""
    if all(holds(day) for day in days):
        return None
    return max(day for day in days if not holds(day)) + DAY
