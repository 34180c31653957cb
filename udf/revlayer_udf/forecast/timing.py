"""When open deals are won and lost: competing risks in discrete time, with what is still open counted as such.

The serving models say how likely a deal is won (p) and, if it is, when. When it is lost, if it is not won, comes
from the life table of past open deals by stage and days in it: what stays in a stage is lost sooner than what just
entered it. Each past month end's open deals are followed until they were won, were lost, or went out of view: at the
as-of date, or when they were deleted or merged (censored). In each interval the hazards are

    wins / exposed,  losses / exposed,  exposed = at risk at its start - censored in it / 2

and the cumulative incidence of losing is the sum of survival x hazard (Kalbfleisch and Prentice; the actuarial
estimate of exposure). Divided by 1 - incidence of winning it is the distribution of a deal that is not won, so

    P(lost by t) = (1 - p) x incidence of losing(t) / (1 - incidence of winning)

and winning, losing and staying open add up to 1 for every deal. Hazards of few deals are drawn to others': those of a
stage, and of a class of days, to those of all; those of both together to stage x class / all.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
from numpy.typing import NDArray

from revlayer_udf import queries
from revlayer_udf.forecast.months import Floats
from revlayer_udf.targets import CLOSE_DAYS

# Deals of the hazards that a group's own are drawn to, per interval.
_PRIOR_DEALS = 30.0
# Without history: losses follow an exponential with this mean, in days.
_PRIOR_DAYS = 90.0
INTERVALS = len(CLOSE_DAYS)
OUTCOMES = ("won", "lost", "censored")
# Last days of the classes of days in the stage; what stays longer is the last class.
STAGE_DAYS = (14, 30, 60, 90)
CLASSES = len(STAGE_DAYS) + 1


@dataclass(frozen=True)
class LifeTable:
    """Cumulative incidence by stage and class of days in it, at the ends of the intervals, ``CLOSE_DAYS``.

    Attributes:
        stages: names, in order; the last row of every array is of all, for stages not among them.
        deals: [stages + 1, classes + 1], open deals followed; the last column is of any days, also unknown ones.
        won, lost: [stages + 1, classes + 1, intervals], probability of having been won or lost by then.
    """

    stages: list[str]
    deals: NDArray[np.int64]
    won: Floats
    lost: Floats

    @property
    def lost_unless_won(self) -> Floats:
        """Probability of having been lost by then, given that it is not won: [stages + 1, classes + 1, intervals]."""
        never_won = np.maximum(1.0 - self.won[..., -1:], 1e-9)
        return np.minimum(self.lost / never_won, 1.0)

    def rows_of(self, stages: NDArray[np.str_]) -> NDArray[np.int64]:
        """Return the row of each deal's stage, [N]."""
        if not self.stages:
            return np.zeros(len(stages), dtype=np.int64)
        place = np.minimum(np.searchsorted(self.stages, stages), len(self.stages) - 1)
        return np.where(np.array(self.stages)[place] == stages, place, len(self.stages)).astype(np.int64)

    def places_of(self, stages: NDArray[np.str_], days: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return row and column of each deal's stage and days in it, [N] each; NaN where these are unknown."""
        columns = np.where(np.isnan(days), CLASSES, np.searchsorted(STAGE_DAYS, days))
        return self.rows_of(stages), columns.astype(np.int64)


def read_life_table(conn: psycopg.Connection, as_of: date) -> LifeTable:
    """Read what became, by the as-of date, of deals that were open at earlier ones."""
    statement = queries.load("revlayer_udf", "forecast/queries.sql")["past_open_deals"]
    parameters = {"as_of": as_of, "ends": list(CLOSE_DAYS), "stage_days": list(STAGE_DAYS)}
    rows = conn.execute(statement, parameters).fetchall()
    stages = sorted({row[0] for row in rows})
    counts = np.zeros((len(stages), CLASSES + 1, INTERVALS + 1, len(OUTCOMES)))
    places = {stage: number for number, stage in enumerate(stages)}
    for stage, days_class, place, outcome, count in rows:
        column = CLASSES if days_class is None else days_class
        counts[places[stage], column, place, OUTCOMES.index(outcome)] += count
    return life_table(stages, counts)


def life_table(stages: list[str], counts: Floats) -> LifeTable:
    """Estimate the incidences.

    Args:
        stages: names, sorted.
        counts: [stages, classes + 1, intervals + 1, 3], deals won, lost and censored in each interval; the last
            class is of unknown days, the last interval what outlived all.
    """
    counts = np.concatenate([counts, counts.sum(axis=0, keepdims=True)])
    counts = np.concatenate([counts[:, :CLASSES], counts.sum(axis=1, keepdims=True)], axis=1)
    overall = _hazards(counts[-1, -1], np.tile(_prior_hazards(), (INTERVALS, 1)))
    of_stages, of_classes = _hazards(counts[:-1, -1:], overall), _hazards(counts[-1:, :-1], overall)
    expected = of_stages * of_classes / overall
    expected /= np.maximum(expected.sum(axis=-1, keepdims=True), 1.0)
    own = np.concatenate([_hazards(counts[:-1, :-1], expected), of_stages], axis=1)
    of_all = np.concatenate([of_classes, overall[None, None]], axis=1)
    incidence = _incidence(np.concatenate([own, of_all]))
    return LifeTable(stages, counts.sum(axis=(2, 3)).astype(np.int64), incidence[..., 0], incidence[..., 1])


def _hazards(counts: Floats, prior: Floats) -> Floats:
    """Return hazards of winning and losing by interval, drawn to a prior's: [..., intervals, 2]."""
    leaves = counts.sum(axis=-1)
    at_risk = leaves.sum(axis=-1, keepdims=True) - np.cumsum(leaves, axis=-1) + leaves
    exposed = np.maximum(at_risk[..., :INTERVALS] - counts[..., :INTERVALS, 2] / 2, 0.0)[..., None]
    return np.asarray((counts[..., :INTERVALS, :2] + _PRIOR_DEALS * prior) / (exposed + _PRIOR_DEALS))


def _prior_hazards() -> Floats:
    # One won of four, as the forecast's own prior has it; only the relation of the two matters where nothing is known.
    return np.array([0.25, 0.75]) * (1.0 - np.exp(-30.0 / _PRIOR_DAYS)) * 0.5


def _incidence(hazards: Floats) -> Floats:
    alive = np.cumprod(np.maximum(1.0 - hazards.sum(axis=-1), 0.0), axis=-1)
    before = np.concatenate([np.ones_like(alive[..., :1]), alive[..., :-1]], axis=-1)
    return np.asarray(np.cumsum(before[..., None] * hazards, axis=-2))
