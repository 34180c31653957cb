"""Days as whole numbers since 1970, and steps of billing periods."""

from __future__ import annotations

import numpy as np

from revlayer.simulator.billing.parameters import PERIODS
from revlayer.simulator.clock import Index

PERIOD_MONTHS = np.array([period[3] for period in PERIODS])
PERIOD_DAYS = np.array([period[4] for period in PERIODS])
#: Larger than any day number, so that entity * SPAN + day sorts by entity, then day.
SPAN = 2**20


def add_months(day: Index, months: Index) -> Index:
    """The same day of a later month, or that month's last day where it is shorter."""
    dates = day.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    offset = (dates - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months.astype("timedelta64[M]")
    first = target.astype("datetime64[D]").astype(np.int64)
    length = (target + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - first
    return first + np.minimum(offset, length - 1)


def next_month(day: Index) -> Index:
    """First day of the month after."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    return (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64)


def step(anchor: Index, period: Index, count: Index) -> Index:
    """First day of the `count`-th billing period from `anchor`, counted from 0."""
    by_month = add_months(anchor, PERIOD_MONTHS[period] * count)
    return np.where(PERIOD_DAYS[period] > 0, anchor + PERIOD_DAYS[period] * count, by_month)


def place(owner: Index, day: Index, owners: Index, days: Index) -> Index:
    """Position of the last entry of `owners` (sorted, with their sorted `days`) on or before `day`; -1: none."""
    found = np.searchsorted(owners * SPAN + days, owner * SPAN + day, side="right") - 1
    return np.where((found >= 0) & (owners[np.maximum(found, 0)] == owner), found, -1)
