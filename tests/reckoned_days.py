"""Days, months and cents as the reckonings in Python read and round them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any


def cents(value: Fraction) -> Decimal:
    """Round to cents, halves away from zero."""
    scaled = abs(value) * 100
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole) / 100


def instant(text: Any) -> datetime:
    """An instant, in UTC where no zone is said."""
    made = datetime.fromisoformat(str(text))
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def day_of(text: Any) -> date | None:
    """The day in UTC of a date or an instant."""
    if text is None:
        return None
    text = str(text)
    return date.fromisoformat(text) if len(text) == 10 else instant(text).astimezone(UTC).date()


def month_ends(first: date, as_of: date) -> list[tuple[date, date]]:
    """First day of each month and the day it is measured on, up to the month of `as_of`."""
    months, start = [], first.replace(day=1)
    while start <= as_of:
        following = (start + timedelta(days=32)).replace(day=1)
        months.append((start, min(following - timedelta(days=1), as_of)))
        start = following
    return months
