"""Calendar months as integers: months since January 1970, so that arithmetic is plain subtraction."""

import calendar
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def month_of(days: Any) -> Ints:
    """Return the month number of each day; not-a-time becomes a number below every real month."""
    return np.asarray(days, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_number(day: date) -> int:
    """Return the month number of one day."""
    return (day.year - 1970) * 12 + day.month - 1


def month_start(month: int) -> date:
    """Return the first day of a month."""
    return date(1970 + month // 12, month % 12 + 1, 1)


def month_end(month: int) -> date:
    """Return the last day of a month."""
    first = month_start(month)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def is_month_end(day: date) -> bool:
    """Tell whether a day is the last of its month."""
    return day == month_end(month_number(day))


def last_complete_month(as_of: date) -> int:
    """Return the latest month that is over at the end of ``as_of``."""
    return month_number(as_of) - (0 if is_month_end(as_of) else 1)


def shift_as_of(as_of: date, months: int) -> date:
    """Return the day in the same position of another month; a month end stays a month end."""
    month = month_number(as_of) + months
    last = month_end(month)
    return last if is_month_end(as_of) else last.replace(day=min(as_of.day, last.day))


def days_to_month_ends(as_of: date, horizon: int) -> Floats:
    """Return days from ``as_of`` to the end of its own month and of the next ``horizon`` months.

    Returns:
        Shape [horizon + 1]; the first is 0 where ``as_of`` is a month end.
    """
    first = month_number(as_of)
    return np.array([(month_end(first + h) - as_of).days for h in range(horizon + 1)], dtype=np.float64)


def quarter_start(month: int, fiscal_start_month: int = 1) -> int:
    """Return the first month of a month's quarter, where a fiscal year begins in the given month, 1 to 12."""
    return month - (month - (fiscal_start_month - 1)) % 3
