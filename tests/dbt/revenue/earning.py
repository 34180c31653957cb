"""How one line of a document is earned: fractions, event by event, day by day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import floor

Row = dict[str, object]
DAY = timedelta(days=1)


def day_of(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value)[:10])


def money(value: object) -> Fraction:
    return Fraction(str(value))


def cents(value: Fraction) -> Fraction:
    """To the cent, halves away from zero."""
    whole = floor(abs(value) * 100 + Fraction(1, 2))
    return Fraction(whole if value >= 0 else -whole, 100)


@dataclass
class Document:
    """A line of an invoice or credit note; credits are negative."""

    key: str
    kind: str
    invoice: str | None
    customer: str | None
    currency: object
    issued_on: date
    gone_on: date | None
    amount: Fraction
    row: Row
    names: str | None = None

    @property
    def has_period(self) -> bool:
        return self.row.get("service_started_on") is not None and self.row.get("service_ended_on") is not None

    @property
    def is_charge(self) -> bool:
        """Can other documents change it?"""
        return self.kind == "invoice_line" and (self.names is None or self.has_period)


@dataclass
class Line:
    """A document that is revenue by itself: its earning by day, and what changes its amount."""

    document: Document
    product: str | None
    method: str
    #: Days [first, last) over which a weight is earned evenly.
    pieces: list[tuple[date, date, Fraction]]
    total_weight: Fraction
    changes: dict[date, Fraction] = field(default_factory=dict)

    def left(self, day: date) -> Fraction:
        """Share that is not earned when the day begins."""
        if not self.total_weight:
            return Fraction(0)
        earned = sum(
            (weight * min(max((day - first).days, 0), (last - first).days) / (last - first).days
             for first, last, weight in self.pieces), Fraction(0))  # fmt: skip
        return 1 - earned / self.total_weight

    def consideration(self, day: date) -> Fraction:
        if self.document.gone_on is not None and day >= self.document.gone_on:
            return Fraction(0)
        return self.document.amount + sum(amount for on, amount in self.changes.items() if on <= day)

    def unearned(self, day: date) -> Fraction:
        """To the cent, at the end of a day: what remains shrinks day by day, corrections change what remains."""
        if self.document.gone_on is not None and day >= self.document.gone_on:
            return Fraction(0)
        direction = -1 if self.document.amount < 0 else 1
        rest, left = abs(self.document.amount) if self.total_weight else Fraction(0), Fraction(1)
        for on, amount in sorted(self.changes.items()):
            if on > day:
                break
            now = self.left(on)
            rest = rest * now / left if left else Fraction(0)
            rest, left = max(rest + direction * amount, Fraction(0)) if now else Fraction(0), now
        return direction * cents(rest * self.left(day + DAY) / left if left else Fraction(0))

    def recognised(self, day: date) -> Fraction:
        return self.consideration(day) - self.unearned(day)

    def billed(self, day: date) -> Fraction:
        return self.consideration(day) if day >= self.document.issued_on else Fraction(0)

    def deferred(self, day: date) -> Fraction:
        return self.unearned(day) if day >= self.document.issued_on else Fraction(0)

    def unbilled(self, day: date) -> Fraction:
        return Fraction(0) if day >= self.document.issued_on else self.recognised(day)

    @property
    def net(self) -> Fraction:
        return self.consideration(date.max)
