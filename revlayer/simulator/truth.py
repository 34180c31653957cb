"""Exact P(win) of open deals, given the whole state of the simulated world."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask, day_number, month_starts
from revlayer.simulator.deals import Deals
from revlayer.simulator.journey import (
    ADVANCE_SCALE,
    BACK,
    LOSE_SCALE,
    Journey,
    advance_probability,
    survival,
    win_from_entry,
)
from revlayer.simulator.parameters import LOST, OPEN_STAGES, Parameters


def truth_dates(clock: Clock, months: int) -> list[date]:
    """Month ends of the history, then the last day if it is not one of them."""
    following = month_starts(clock.start_on, months + 1)[1:]
    ends = [first - timedelta(days=1) for first in following]
    return sorted({day for day in ends if day <= clock.end_on} | {clock.end_on})


def win_probability(parameters: Parameters, z: Array, stage: Index, days: Array, was_reopened: Mask) -> Array:
    """P(win) after `days` working days in open `stage`, for deals with score `z`; all arrays of one length.

    Bayes: each way out counts with its probability times the chance of not having left yet. A loss may still
    be reopened once, which restarts the deal at a known stage.
    """
    p, cap = parameters, parameters.stage_cap_days
    value = win_from_entry(z)
    rows = np.arange(len(z))
    advance = advance_probability(z, stage)
    back = BACK[stage]
    weight_advance = advance * survival(days, ADVANCE_SCALE[stage], p.advance_shape, cap)
    weight_back = back * survival(days, p.back_scale_days, p.lose_shape, cap)
    weight_lose = (1 - advance - back) * survival(days, LOSE_SCALE[stage], p.lose_shape, cap)
    total = np.maximum(weight_advance + weight_back + weight_lose, 1e-300)
    back_value = value[rows, np.maximum(stage - 1, 0)]
    win = (weight_advance * value[rows, stage + 1] + weight_back * back_value) / total
    again = np.where(was_reopened, 0.0, p.reopen_probability * value[:, p.reopen_stage])
    return np.asarray(np.clip(win + (1 - win) * again, 0.0, 1.0))


def open_truth(
    parameters: Parameters, deals: Deals, journey: Journey, clock: Clock, on: date, gone: Mask
) -> tuple[Index, Array]:
    """Positions in the chunk of deals open at the end of `on`, and their P(win).

    `gone`: deals deleted or merged away at that moment.
    """
    moment = float(day_number(on) + 1)
    step = journey.step_at(moment)
    stage = journey.stage[np.arange(len(deals)), np.maximum(step, 0)]
    rows = np.flatnonzero((step >= 0) & (stage >= 0) & (stage < OPEN_STAGES) & ~gone)
    step, stage = step[rows], stage[rows]
    entered = journey.work[rows, step]
    days = clock.to_work(np.full(len(rows), moment)) - entered
    earlier = np.arange(journey.stage.shape[1])[None, :] < step[:, None]
    was_reopened = ((journey.stage[rows] == LOST) & earlier).any(axis=1)
    return rows, win_probability(parameters, deals.z[rows], stage, days, was_reopened)
