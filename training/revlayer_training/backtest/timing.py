"""Whether deals are won, lost and slip when the forecast says so: predicted against actual, by bins."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from revlayer_udf import queries
from revlayer_udf.forecast.inputs import OpenDeals
from revlayer_udf.forecast.months import (
    Days,
    Floats,
    Ints,
    days_to_month_ends,
    last_complete_month,
    month_number,
    month_of,
)
from revlayer_udf.forecast.pipeline import month_probabilities
from revlayer_udf.forecast.reading import CrmView
from revlayer_udf.forecast.timing import LifeTable
from revlayer_udf.frames import read_table

# Inner ends of the bins of probability: finer where most of them lie.
BIN_ENDS = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
PREDICTORS = ("model", "life_table")

SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("months_ahead", pa.int32()),
        ("outcome", pa.string()),
        ("predictor", pa.string()),
        ("probability_bin", pa.int32()),
        ("deal_count", pa.int64()),
        ("predicted_sum", pa.float64()),
        ("happened_count", pa.int64()),
        ("squared_error_sum", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Outcomes:
    """What became of deals: sorted ids [N], the day they closed, and whether they were won."""

    deal_id: NDArray[np.str_]
    closed_on: Days
    is_won: NDArray[np.bool_]


@dataclass(frozen=True)
class Chances:
    """Probability of winning and losing in each month, [N, M], from the month of the as-of date."""

    won: Floats
    lost: Floats

    @property
    def still_open(self) -> Floats:
        """Probability of being open at the end of each month."""
        return np.asarray(np.maximum(1.0 - np.cumsum(self.won + self.lost, axis=1), 0.0))


def read_outcomes(conn: psycopg.Connection, through: date) -> Outcomes:
    """Read the deals whose closing was known by a day."""
    statement = queries.load("revlayer_training", "backtest/queries.sql")["outcomes"]
    table = read_table(conn, statement, {"through": through})
    ids = np.array(table["deal_id"].to_pylist(), dtype=np.str_)
    order = np.argsort(ids)
    closed_on = np.asarray(table["closed_on"].to_numpy(), dtype="datetime64[D]")
    return Outcomes(ids[order], closed_on[order], np.asarray(table["is_won"].to_numpy(), dtype=np.bool_)[order])


def chances(deals: OpenDeals, losses: LifeTable, view: CrmView, horizon: int) -> Chances:
    """Return what the models say of every deal: winning by p and its timing, losing by the life table."""
    days = days_to_month_ends(deals.as_of, horizon)
    probability = np.clip(np.nan_to_num(deals.win_probability), 0.0, 1.0)[:, None]
    lost = month_probabilities(losses.lost_unless_won[losses.places_of(view.stage_name, view.days_in_stage)], days)
    return Chances(probability * month_probabilities(deals.close_cdf, days), (1.0 - probability) * lost)


def life_table_chances(as_of: date, losses: LifeTable, view: CrmView, horizon: int) -> Chances:
    """Return what the stage and the days in it say, without any model."""
    days, places = days_to_month_ends(as_of, horizon), losses.places_of(view.stage_name, view.days_in_stage)
    return Chances(month_probabilities(losses.won[places], days), month_probabilities(losses.lost[places], days))


def compare(
    deals: OpenDeals, view: CrmView, losses: LifeTable, outcomes: Outcomes, through: date, horizon: int
) -> pa.Table:
    """Hold the chances of deals open at a month end against what became of them in months that are over."""
    as_of = deals.as_of
    last = min(horizon, last_complete_month(through) - month_number(as_of))
    if last < 1 or not len(deals):
        return SCHEMA.empty_table()
    closed, won = _became(view, outcomes, as_of)
    # A deal whose expected close is over slips where it outlives the first month that has days left.
    expected = np.maximum(month_of(view.expected_close_on) - month_number(as_of), 1)
    dated = ~np.isnat(view.expected_close_on)
    tables = []
    for name, said in (
        ("model", chances(deals, losses, view, horizon)),
        ("life_table", life_table_chances(as_of, losses, view, horizon)),
    ):
        still_open = said.still_open
        for ahead in range(1, last + 1):
            happened = {"won": won & (closed == ahead), "lost": ~won & (closed == ahead), "open": closed > ahead}
            said_of = {"won": said.won[:, ahead], "lost": said.lost[:, ahead], "open": still_open[:, ahead]}
            for outcome, happening in happened.items():
                tables.append(_binned(as_of, ahead, outcome, name, said_of[outcome], happening))
            slipping = dated & (expected == ahead)
            tables.append(
                _binned(as_of, ahead, "slipped", name, still_open[slipping, ahead], (closed > ahead)[slipping])
            )
    return pa.concat_tables(tables)


def _became(view: CrmView, outcomes: Outcomes, as_of: date) -> tuple[Ints, NDArray[np.bool_]]:
    """Return months from the as-of date's to the one of closing, far off where it is open, and who was won."""
    closed = np.full(len(view.deal_id), 10_000)
    won = np.zeros(len(view.deal_id), dtype=bool)
    if len(outcomes.deal_id):
        ids = view.deal_id.astype(np.str_)
        place = np.minimum(np.searchsorted(outcomes.deal_id, ids), len(outcomes.deal_id) - 1)
        found = outcomes.deal_id[place] == ids
        # What was closed by the as-of date but not known yet could only be learnt in the next month.
        months = np.maximum(month_of(outcomes.closed_on[place]) - month_number(as_of), 1)
        closed, won = np.where(found, months, closed), found & outcomes.is_won[place]
    return closed.astype(np.int64), won


def _binned(
    as_of: date, ahead: int, outcome: str, predictor: str, said: Floats, happened: NDArray[np.bool_]
) -> pa.Table:
    bins = np.searchsorted(BIN_ENDS, said, side="right")
    size = len(BIN_ENDS) + 1
    count = np.bincount(bins, minlength=size)
    used = np.flatnonzero(count)
    columns = [
        pa.array([as_of] * len(used), pa.date32()),
        pa.array([ahead] * len(used), pa.int32()),
        pa.array([outcome] * len(used), pa.string()),
        pa.array([predictor] * len(used), pa.string()),
        pa.array(used + 1, pa.int32()),
        pa.array(count[used], pa.int64()),
        pa.array(np.bincount(bins, said, minlength=size)[used]),
        pa.array(np.bincount(bins, happened, minlength=size)[used].astype(np.int64)),
        pa.array(np.bincount(bins, (said - happened) ** 2, minlength=size)[used]),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
