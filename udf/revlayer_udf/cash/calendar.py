"""Weeks and months after a date."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Periods:
    """Periods that follow each other from the day after a date.

    Attributes:
        kind: week or month.
        starts: first day of each, and the day after the last of them.
    """

    kind: str
    starts: tuple[date, ...]

    @property
    def ends(self) -> list[date | None]:
        """Last day of each; None for what comes after them all."""
        return [*(start - timedelta(days=1) for start in self.starts[1:]), None]

    def days_ahead(self, as_of: date) -> list[int]:
        """Days from the date to the end of each, the last left out."""
        return [(end - as_of).days for end in self.ends if end is not None]


def weeks(as_of: date, count: int) -> Periods:
    """Return calendar weeks, Monday to Sunday; the first begins on the day after the date."""
    return _periods("week", as_of, count, lambda day: day + timedelta(days=7 - day.weekday()))


def months(as_of: date, count: int) -> Periods:
    """Return calendar months; the first begins on the day after the date."""
    return _periods("month", as_of, count, lambda day: (day.replace(day=1) + timedelta(days=31)).replace(day=1))


def _periods(kind: str, as_of: date, count: int, following: Callable[[date], date]) -> Periods:
    starts = [as_of + timedelta(days=1)]
    while len(starts) <= count:
        starts.append(following(starts[-1]))
    return Periods(kind, tuple(starts))
