"""The working clock: how fast business goes at each moment, and random streams.

Stage times, arrivals and activities all run on this clock. Quarter-end pushes, weekends and nights are
changes of its pace, so they act on every deal and outcome alike and leave win probabilities exact.
Times are float days since 1970-01-01 UTC.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from revlayer.simulator.parameters import Parameters

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

EPOCH = date(1970, 1, 1)
#: Where in a day the pace changes: morning, working hours, evening.
BANDS = np.array([0.0, 8.0 / 24.0, 18.0 / 24.0])
#: Days the grid reaches past the end, so that a draw beyond the end stays beyond it.
MARGIN_DAYS = 60


def stream(seed: int, name: str, chunk: int = 0) -> np.random.Generator:
    """Independent random numbers for one purpose and chunk; adding a purpose moves no other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), chunk])


def month_starts(start: date, count: int) -> list[date]:
    """First days of `count` months from the month of `start`."""
    first = start.year * 12 + start.month - 1
    return [date(m // 12, m % 12 + 1, 1) for m in range(first, first + count)]


def day_number(day: date) -> int:
    return (day - EPOCH).days


def history_start(end_on: date, months: int) -> date:
    """First day of the month `months` - 1 before that of `end_on`."""
    first = end_on.year * 12 + end_on.month - months
    return date(first // 12, first % 12 + 1, 1)


@dataclass(frozen=True)
class Clock:
    """Calendar time against working time, and arrivals; `nodes` and `work` rise strictly."""

    start_on: date
    end_on: date
    nodes: Array
    work: Array
    arrival: Array

    @property
    def start(self) -> float:
        return float(day_number(self.start_on))

    @property
    def end(self) -> float:
        """Midnight that ends `end_on`."""
        return float(day_number(self.end_on) + 1)

    def to_work(self, calendar: Array) -> Array:
        return np.interp(calendar, self.nodes, self.work)

    def to_calendar(self, work: Array) -> Array:
        return np.interp(work, self.work, self.nodes)

    def arrivals(self, count: int, random: np.random.Generator) -> Array:
        """`count` sorted creation times within the history."""
        return np.sort(np.interp(random.random(count), self.arrival, self.nodes))


def _pace(days: Index, parameters: Parameters) -> Array:
    """Pace of each day: weekday times place in the (calendar) quarter."""
    weekday = (days + 3) % 7
    pace = np.where(weekday >= 5, parameters.weekend_pace, 1.0)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    quarter = months - (months.astype(np.int64) % 3).astype("timedelta64[M]")
    since = (dates - quarter.astype("datetime64[D]")).astype(np.int64)
    left = ((quarter + np.timedelta64(3, "M")).astype("datetime64[D]") - dates).astype(np.int64)
    pace = pace * np.where(left <= parameters.quarter_end_days, parameters.quarter_end_pace, 1.0)
    return pace * np.where(since < parameters.quarter_end_days, parameters.quarter_start_pace, 1.0)


def build_clock(parameters: Parameters, seed: int, months: int, end_on: date) -> Clock:
    """The clock of one simulated company; raises ValueError for fewer than 3 months."""
    if months < 3:
        raise ValueError("months must be at least 3")
    start_on = history_start(end_on, months)
    first, last = day_number(start_on), day_number(end_on) + 1
    days = np.arange(first, last + MARGIN_DAYS, dtype=np.int64)
    pace = _pace(days, parameters)
    pace /= pace.mean()
    night = parameters.night_share / 2.0
    shares = np.array([night, 1.0 - parameters.night_share, night])
    nodes = np.append((days[:, None] + BANDS).ravel(), float(days[-1] + 1))
    work = np.append(0.0, np.cumsum((pace[:, None] * shares).ravel()))

    month_index = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    shocks = np.exp(parameters.month_shock * stream(seed, "arrival").standard_normal(months + 3))
    weight = np.array(parameters.month_factors)[month_index % 12] * shocks[month_index - month_index[0]]
    weight *= (1.0 + parameters.growth_per_year) ** ((days - first) / 365.25)
    weight *= np.where((days + 3) % 7 >= 5, parameters.weekend_pace, 1.0) * (days < last)
    arrival = np.append(0.0, np.cumsum((weight[:, None] * shares).ravel()))
    return Clock(start_on, end_on, nodes, work, arrival / arrival[-1])
