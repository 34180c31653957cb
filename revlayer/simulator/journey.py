"""The stage process: a semi-Markov chain with one reopening, and its exact win probabilities.

In open stage k a deal advances with probability s_k = (1 - r_k) sigmoid(a_k + b_k z), falls back with r_k
and is lost otherwise. Time in the stage is Weibull with a scale that depends on what will happen, cut off at
a cap. A lost deal is reopened, once, with a fixed probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, stream
from revlayer.simulator.deals import Deals
from revlayer.simulator.parameters import LOST, OPEN_STAGES, STAGES, Parameters

INTERCEPT = np.array([stage.intercept for stage in STAGES])
SLOPE = np.array([stage.slope for stage in STAGES])
BACK = np.array([stage.back_probability for stage in STAGES])
ADVANCE_SCALE = np.array([stage.advance_scale_days for stage in STAGES])
LOSE_SCALE = np.array([stage.lose_scale_days for stage in STAGES])


@dataclass(frozen=True)
class Journey:
    """Stage entries by deal (rows) and step (columns): stage (-1: no such step), working and calendar time.

    Steps after the end of the simulated time are kept until the first one past it; `at` of a step that does
    not exist is inf.
    """

    stage: Index
    work: Array
    at: Array

    def step_at(self, moment: float | Array) -> Index:
        """Index of the last step entered by `moment`; -1 before creation."""
        limit = np.broadcast_to(np.asarray(moment), (len(self.at),))
        return (self.at <= limit[:, None]).sum(axis=1) - 1

    def first_entry(self, stage: int, reopened: bool = False) -> Array:
        """When each deal first entered `stage` (inf: never)."""
        return np.where(self.stage == stage, self.at, np.inf).min(axis=1)


def advance_probability(z: Array, stage: Index) -> Array:
    """s_k of the deals' current stages."""
    return np.asarray((1 - BACK[stage]) / (1 + np.exp(-(INTERCEPT[stage] + SLOPE[stage] * z))))


def win_from_entry(z: Array) -> Array:
    """P(win in this run) on entering each open stage: shape (deals, stages + 1), last column 1.

    V_k = s_k V_(k+1) + r_k V_(k-1) solved by elimination: V_k = c_k V_(k+1), c_k = s_k / (1 - r_k c_(k-1)).
    """
    ratio = np.zeros((len(z), OPEN_STAGES))
    previous = np.zeros(len(z))
    for k in range(OPEN_STAGES):
        here = np.full(len(z), k)
        previous = advance_probability(z, here) / (1 - BACK[k] * previous)
        ratio[:, k] = previous
    values = np.ones((len(z), OPEN_STAGES + 1))
    for k in reversed(range(OPEN_STAGES)):
        values[:, k] = ratio[:, k] * values[:, k + 1]
    return values


def survival(days: Array, scale: Array | float, shape: float, cap: float) -> Array:
    """P(time in stage > days) of a Weibull cut off at `cap`."""
    beyond = np.exp(-((cap / np.asarray(scale)) ** shape))
    plain = np.exp(-((np.clip(days, 0, cap) / np.asarray(scale)) ** shape))
    return np.asarray((plain - beyond) / (1 - beyond))


def draw_time(uniform: Array, scale: Array | float, shape: Array | float, cap: float) -> Array:
    """Inverse of `survival`: days in stage for uniforms in (0, 1)."""
    beyond = np.exp(-((cap / np.asarray(scale)) ** shape))
    return np.asarray(np.asarray(scale) * (-np.log(beyond + uniform * (1 - beyond))) ** (1 / shape))


def walk(parameters: Parameters, deals: Deals, clock: Clock, seed: int, chunk: int) -> Journey:
    """Send every deal through the stages until it is closed for good or the simulated time ends."""
    random = stream(seed, "journey", chunk)
    p, count = parameters, len(deals)
    stage, work = np.zeros(count, dtype=np.int64), clock.to_work(deals.created_at)
    end = float(clock.to_work(np.array([clock.end]))[0])
    reopened = np.zeros(count, dtype=bool)
    stages, works = [stage], [work]
    while True:
        outcome, uniform, again = random.random((3, count))
        delay = random.exponential(p.reopen_delay_days[1], count) + p.reopen_delay_days[0]
        is_open = (stage >= 0) & (stage < OPEN_STAGES)
        here = np.where(is_open, stage, 0)
        advance = advance_probability(deals.z, here)
        goes_on, goes_back = outcome < advance, outcome >= 1 - BACK[here]
        scale = np.where(goes_on, ADVANCE_SCALE[here], np.where(goes_back, p.back_scale_days, LOSE_SCALE[here]))
        shape = np.where(goes_on, p.advance_shape, p.lose_shape)
        after_open = np.where(goes_on, here + 1, np.where(goes_back, here - 1, LOST))
        reopens = (stage == LOST) & ~reopened & (again < p.reopen_probability)
        following = np.where(is_open, after_open, np.where(reopens, p.reopen_stage, -1))
        wait = np.where(is_open, draw_time(uniform, scale, shape, p.stage_cap_days), delay)
        following = np.where(work > end, -1, following)
        if (following < 0).all():
            break
        work = np.where(following >= 0, work + wait, np.inf)
        stage, reopened = following, reopened | reopens
        stages.append(stage)
        works.append(work)
    stage_steps, work_steps = np.stack(stages, axis=1), np.stack(works, axis=1)
    at = np.where(np.isfinite(work_steps), clock.to_calendar(work_steps), np.inf)
    return Journey(stage_steps, work_steps, at)
