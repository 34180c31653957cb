"""Expected close dates: set at creation, pushed when they pass, reset on negotiation and reopening."""

from __future__ import annotations

import numpy as np

from revlayer.simulator import text
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.fates import Fates
from revlayer.simulator.journey import Journey
from revlayer.simulator.parameters import LOST, OPEN_STAGES, WON

FIELD = "expected_close_on"
#: Median days to close that owners expect at creation, on negotiation and on reopening.
FIRST_GUESS, LATE_GUESS, REOPEN_GUESS = 75.0, 16.0, 50.0
GUESS_SIGMA = 0.4
RESET_RATE = 0.6
MONTH_END_RATE = 0.35
PUSH_RATE = 0.88
MAX_PUSHES = 8


def _month_end(day: Index) -> Index:
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    return ((month + np.timedelta64(1, "M")).astype("datetime64[D]")).astype(np.int64) - 1


def _guess(at: Array, median: float, random: np.random.Generator) -> Index:
    """A date `median` days or so after `at`, often the end of a month."""
    days = median * np.exp(GUESS_SIGMA * random.standard_normal(len(at)))
    day = np.floor(at + 1 + days).astype(np.int64)
    return np.where(random.random(len(at)) < MONTH_END_RATE, _month_end(day), day)


def _phase(rows: Index, at: Array, until: Array, median: float, random: np.random.Generator, ledger: Ledger) -> None:
    """Set a date for deals `rows` at times `at`; push it each time it passes before `until`."""
    expected = _guess(at, median, random)
    ledger.add(FIELD, rows, at, text.dates(expected))
    for _ in range(MAX_PUSHES):
        # The owner notices during working hours, on the day after or some days later.
        noticed = expected + 1.4 + np.floor(random.exponential(2.0, len(rows))) + 0.3 * random.random(len(rows))
        goes_on = np.flatnonzero((noticed < until) & (random.random(len(rows)) < PUSH_RATE))
        rows, until, noticed = rows[goes_on], until[goes_on], noticed[goes_on]
        if len(rows) == 0:
            return
        expected = _guess(noticed, 28.0, random)
        ledger.add(FIELD, rows, noticed, text.dates(expected))


def add_close_dates(
    clock: Clock,
    created_at: Array,
    journey: Journey,
    fates: Fates,
    random: np.random.Generator,
    ledger: Ledger,
) -> None:
    """All values of the expected close date; a won deal ends with the day it was won."""
    rows = np.arange(len(created_at))
    close = fates.closed_first_at
    negotiation = journey.first_entry(OPEN_STAGES - 1)
    resets = (random.random(len(rows)) < RESET_RATE) & (negotiation < np.minimum(close, clock.end))
    until = np.minimum(np.where(resets, negotiation, close), clock.end)
    _phase(rows, created_at, until, FIRST_GUESS, random, ledger)
    reset = np.flatnonzero(resets)
    _phase(reset, negotiation[reset], np.minimum(close, clock.end)[reset], LATE_GUESS, random, ledger)

    reopened_at, closed_again_at = second_run(journey)
    again = np.flatnonzero(reopened_at < clock.end)
    until = np.minimum(closed_again_at[again], clock.end)
    _phase(again, reopened_at[again], until, REOPEN_GUESS, random, ledger)

    won_at = journey.first_entry(WON)
    won = np.flatnonzero(won_at < clock.end)
    ledger.add(FIELD, won, won_at[won], text.dates(np.floor(won_at[won]).astype(np.int64)))


def second_run(journey: Journey) -> tuple[Array, Array]:
    """When reopened deals were opened again and closed again; inf where that never happens."""
    lost_before = np.cumsum(journey.stage == LOST, axis=1) - (journey.stage == LOST)
    later = (lost_before > 0) & (journey.stage >= 0)
    is_end = (journey.stage == WON) | (journey.stage == LOST)
    opened = np.where(later, journey.at, np.inf).min(axis=1)
    closed = np.where(later & is_end, journey.at, np.inf).min(axis=1)
    return opened, closed
