"""Rows of random billing histories: dice, keys, times, histories of tracked fields, customers, exchange rates."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from hypothesis import strategies as st

Rows = dict[str, list[dict[str, object]]]
T = TypeVar("T")

SOURCE = "test"
FIRST, LAST = date(2023, 11, 1), date(2025, 3, 31)
#: The day that tests look from: what is recorded later is not known, what happens later has not happened.
AS_OF = date(2025, 1, 31)
LOADED_AT = "2025-04-01T00:00:00+00:00"
CURRENCIES = ("USD", "EUR", "GBP")
TIMES = (time(9), time(0), time(23, 30), time(12, 0, 1))
#: What sources know of the past: the whole history, changes with old values but no first ones, nothing.
KINDS = ("whole", "changes", "none")
#: Table of changes and column of the key, by table of things.
CHANGES = {
    "billing_customers": ("billing_customer_changes", "billing_customer_source_id"),
    "plans": ("plan_changes", "plan_source_id"),
    "prices": ("price_changes", "price_source_id"),
    "subscriptions": ("subscription_changes", "subscription_source_id"),
    "subscription_items": ("subscription_changes", "subscription_item_source_id"),
    "invoices": ("invoice_changes", "invoice_source_id"),
    "payments": ("payment_changes", "payment_source_id"),
    "supplier_bills": ("supplier_bill_changes", "supplier_bill_source_id"),
}


#: A strategy made once is drawn from faster than one looked up in hypothesis' own cache.
_integers = lru_cache(maxsize=None)(st.integers)


class Dice:
    """Draws that shrink to the first choice, the smallest number, the earliest day and to no."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        return self._draw(_integers(low, high))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.number(0, len(choices) - 1)]

    def once_in(self, times: int) -> bool:
        return self.number(1, times) == times

    def day(self, low: date = FIRST, high: date = LAST) -> date:
        return low + timedelta(days=self.number(0, max((high - low).days, 0)))

    def time(self) -> time:
        return self.pick(TIMES)


class History:
    """Rows by raw table."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self._numbers: dict[str, int] = {}

    def key(self, prefix: str) -> str:
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}{self._numbers[prefix]:03d}"

    @staticmethod
    def at(day: date, clock: time = TIMES[0]) -> str:
        return datetime.combine(day, clock, UTC).isoformat()

    def add(
        self, table: str, key: str, day: date, dice: Dice, *,
        late: bool = True, not_before: str | None = None, deleted: str | None = None,
        clock: time = TIMES[0], **columns: Any,
    ) -> dict[str, object]:  # fmt: skip
        """A row that happened on `day`, sometimes recorded late, never before `not_before` (ISO time)."""
        recorded = self.at(day + timedelta(days=dice.number(1, 90)), clock) if late and dice.once_in(8) else None
        if not_before and not_before > (recorded or self.at(day, clock)):
            recorded = not_before
        row: dict[str, object] = {
            "source_name": SOURCE, "source_id": key, "occurred_at": self.at(day, clock), "recorded_at": recorded,
            "loaded_at": LOADED_AT, "deleted_at": deleted,
            **{name: text_of(value) for name, value in columns.items()},
        }  # fmt: skip
        self.rows.setdefault(table, []).append(row)
        return row

    def link(self, entity: str, key: str, canonical_id: str) -> None:
        row = {"entity": entity, "source_name": SOURCE, "source_id": key, "canonical_id": canonical_id}
        self.rows.setdefault("entity_links", []).append({**row, "loaded_at": LOADED_AT})


def text_of(value: object) -> object:
    """Dates as ISO text; the rest as it is."""
    return value.isoformat() if isinstance(value, date) else value


def known_at(row: dict[str, object]) -> str:
    return str(row["recorded_at"] or row["occurred_at"])


class Tracked:
    """A thing whose fields change.

    Of one of three kinds of sources, by chance unless given: one that keeps the whole history, first values included;
    one whose changes name the old value but that has no row for the first; one that shows only how things are.
    Steady things are never deleted nor recorded late.
    """

    def __init__(
        self, history: History, table: str, key: str, day: date, dice: Dice, *,
        parent: "Tracked | None" = None, not_before: str | None = None, kind: str | None = None,
        is_steady: bool = False, **values: object,
    ) -> None:  # fmt: skip
        self.history, self.table, self.key, self.day, self.dice = history, table, key, day, dice
        self.values = dict(values)
        self.changes: list[tuple[str, object, date, str | None]] = []
        self.parent = parent
        self.not_before = known_at(parent.row) if parent else not_before
        self.is_steady = is_steady
        self.kind = kind or dice.pick(KINDS)
        self.row: dict[str, object] = {}

    def change(self, field: str, value: object, day: date, reason: str | None = None) -> None:
        """`field` as in the histories: the column without `_source_id`; in any order of days."""
        self.changes.append((field, value, max(day, self.day), reason))

    def close(self, deleted: str | None = None, **columns: object) -> dict[str, object]:
        """Write the thing as it is in the end, and its changes; returns the thing's row."""
        first, steps = dict(self.values), []
        for field, value, day, reason in sorted(self.changes, key=lambda change: change[2]):
            column = field if field in self.values else f"{field}_source_id"
            if self.values[column] != value:
                steps.append((field, self.values[column], value, day, reason))
                self.values[column] = value
        if deleted is None and not self.is_steady and self.dice.once_in(12):
            deleted = self.history.at(self.dice.day(self.day, LAST))
        self.row = self.history.add(
            self.table, self.key, self.day, self.dice, late=not self.is_steady, not_before=self.not_before,
            deleted=deleted, clock=TIMES[1], observed_at=self.dice.pick((self.history.at(LAST), None)), **columns,
            **self.values,
        )  # fmt: skip
        if self.kind == "whole":
            for column, value in first.items():
                if value is not None:
                    self._write(column.removesuffix("_source_id"), None, value, self.day, None, None)
        if self.kind != "none":
            # One time of day for all of a thing's changes: those of one day are in the order of their keys.
            clock = self.dice.time() if steps else None
            for field, old, new, day, reason in steps:
                self._write(field, old, new, day, reason, clock)
        return self.row

    def _write(self, field: str, old: object, new: object, day: date, reason: str | None, clock: time | None) -> None:
        table, column = CHANGES[self.table]
        keys: dict[str, object] = {column: self.key}
        if self.table.startswith("subscription"):
            whole = self.parent.key if self.parent else self.key
            keys = {"subscription_source_id": whole, "subscription_item_source_id": self.key if self.parent else None,
                    "reason": reason, "is_prorated": None}  # fmt: skip
        self.history.add(
            table, self.history.key("H"), day, self.dice, late=clock is not None, not_before=known_at(self.row),
            clock=clock or TIMES[1],
            field_name=field, old_value=_value(old), new_value=_value(new), **keys,
        )  # fmt: skip


def _value(value: object) -> str | None:
    """A value as histories hold it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(text_of(value))


def add_customers(dice: Dice, history: History, at_most: int) -> list[str]:
    """Customers of up to two accounts, whose segment may change; returns their keys."""
    for key in ("A1", "A2"):
        segment = dice.pick(("SMB", "Enterprise"))
        history.add("accounts", key, FIRST, dice, late=False, name=key, segment=segment, region="EMEA",
                    observed_at=History.at(FIRST))  # fmt: skip
        if dice.once_in(3):
            for day, old, new in ((FIRST, None, segment), (dice.day(), segment, "Mid-Market")):
                history.add("account_changes", history.key("AH"), day, dice, late=False, account_source_id=key,
                            field_name="segment", old_value=old, new_value=new)  # fmt: skip
    keys = []
    for _ in range(dice.number(1, at_most)):
        country, region = dice.pick((("US", "CA"), ("DE", None), ("GB", None), ("US", "TX"), ("FR", None)))
        customer = Tracked(
            history, "billing_customers", history.key("C"), FIRST, dice,
            account_source_id=dice.pick(("A1", None, "A2")), country_code=country, region_code=region,
            currency_code=dice.pick(CURRENCIES), tax_number=None, is_business=dice.pick((True, False, None)),
            is_tax_exempt=dice.once_in(10), payment_terms_days=dice.pick((30, 0, 14, None)),
        )  # fmt: skip
        if dice.once_in(6):
            customer.change("account", dice.pick(("A2", "A1")), dice.day())
        if dice.once_in(6):
            customer.change("country_code", "DE", dice.day())
        customer.close(name=customer.key, email=None)
        keys.append(customer.key)
    return keys


def add_rates(dice: Dice, history: History) -> None:
    """Rates to US dollars: from the beginning, from some day on, or never; some the other way round."""
    for currency, base in (("EUR", 1.1), ("GBP", 1.25)):
        day, is_reversed = dice.pick((FIRST, FIRST + timedelta(days=100))), dice.once_in(4)
        for number in range(dice.number(0, 6)):
            rate = round(base + dice.number(-9, 9) / 100, 4)
            history.add(
                "exchange_rates", f"{currency}{number}", day, dice, late=False,
                from_currency_code="USD" if is_reversed else currency,
                to_currency_code=currency if is_reversed else "USD",
                rate=round(1 / rate, 6) if is_reversed else rate, rate_on=day,
            )  # fmt: skip
            day += timedelta(days=dice.number(1, 120))
            if day > LAST:
                break
