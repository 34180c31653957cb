"""Raw rows as a day sees them: what is known, what a tracked field was, from when to when a document counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]


def day_of(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def happened(row: Row) -> date:
    found = day_of(row["occurred_at"] or row["recorded_at"])
    assert found is not None
    return found


def known(row: Row) -> date:
    return max(happened(row), day_of(row["recorded_at"]) or date.min)


@dataclass(frozen=True)
class Charge:
    """An invoice or bill that counts from ``begins`` to before ``ends``; its fields as known last."""

    row: Row
    party: str | None
    currency: str | None
    begins: date
    ends: date


@dataclass
class RawBooks:
    """Raw rows as far as they are known at the end of ``as_of``."""

    rows: Rows
    as_of: date
    histories: dict[str, dict[tuple[str, str], list[Row]]] = field(default_factory=dict)

    def seen(self, table: str) -> Iterator[Row]:
        """Yield rows that are known, deleted or not."""
        return (row for row in self.rows.get(table, []) if known(row) <= self.as_of)

    def known(self, table: str) -> Iterator[Row]:
        """Yield rows that are known and not deleted."""
        return (row for row in self.seen(table) if (day_of(row["deleted_at"]) or date.max) > self.as_of)

    def value(self, kind: str, row: Row, name: str, day: date) -> str | None:
        """Return what a tracked field was on a day; kind is the singular of the table."""
        if kind not in self.histories:
            found = self.histories.setdefault(kind, {})
            for change in sorted(
                self.rows.get(f"{kind}_changes", []),
                key=lambda change: (change["occurred_at"], change["recorded_at"] or change["occurred_at"],
                                    change["source_id"]),
            ):  # fmt: skip
                found.setdefault((change[f"{kind}_source_id"], change["field_name"]), []).append(change)
        changes = self.histories[kind].get((row["source_id"], name))
        if not changes:
            return row.get(name, row.get(f"{name}_source_id"))
        past = [change for change in changes if known(change) <= self.as_of and happened(change) <= day]
        return past[-1]["new_value"] if past else changes[0]["old_value"]

    def charges(self, kind: str, party: str) -> dict[str, Charge]:
        """Return invoices or bills that ever count, by key."""
        found = {}
        for row in self.known(f"{kind}s"):

            def value(name: str, day: date = self.as_of, row: Row = row) -> str | None:
                return self.value(kind, row, name, day)

            begins, ends = day_of(value("issued_on")), day_of(value("voided_at"))
            if value("status") == "draft" or begins is None:
                continue
            if ends is None and value("status") == "void":
                ends = self._since(row, lambda day, value=value: value("status", day) == "void") or begins
            if ends is None or ends > begins:
                found[row["source_id"]] = Charge(
                    row, value(party), value("currency_code"), begins, date.max if ends is None else ends
                )
        return found

    def _since(self, row: Row, holds: Callable[[date], bool]) -> date | None:
        """Return the first day of the last stretch on which something holds; None where it always did."""
        first = happened(row) - timedelta(days=30)
        days = [first + timedelta(days=number) for number in range((self.as_of - first).days + 1)]
        missing = [day for day in days if not holds(day)]
        return missing[-1] + timedelta(days=1) if missing else None
