"""Replay of the production forecast at past as-of dates, beside forecasts that need no model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa

from revlayer_training.backtest import timing
from revlayer_training.backtest.comparison import SCHEMA, compare
from revlayer_udf.forecast import ClosedDeals, OpenDeals, baselines
from revlayer_udf.forecast.job import Made, past_parts
from revlayer_udf.forecast.months import is_month_end
from revlayer_udf.forecast.reading import CrmView, Served, read_open_deals
from revlayer_udf.forecast.timing import read_life_table

Progress = Callable[[str, int, int], None]
# Other probabilities for the same deals, from what else is known of them: [N] for an as-of date.
Probabilities = Callable[[date, OpenDeals, CrmView], np.ndarray]


@dataclass(frozen=True)
class Options:
    """What a replay is asked for; see ``run_backtest``."""

    through: date
    horizon: int = 12
    draws: int = 4000
    seed: int = 0
    fiscal_start_month: int = 1
    others: Mapping[str, Probabilities] | None = None


@dataclass(frozen=True)
class Replay:
    """Rows of scoring.forecast_backtests and scoring.deal_timing_backtests, without run_id."""

    revenue: pa.Table
    timing: pa.Table


def replay(
    conn: psycopg.Connection,
    served_at: Callable[[date], Served],
    closed: ClosedDeals,
    as_of_dates: Sequence[date],
    options: Options,
    progress: Progress,
) -> Replay:
    """Forecast at each date with what was known then; one row per date, period, segment and predictor.

    Args:
        served_at: the models that serve at a date; asked for dates in their order.
        closed: closed deals known by ``options.through``; the forecast at a date uses those known by that date.
    """
    revenue, timings = [SCHEMA.empty_table()], [timing.SCHEMA.empty_table()]
    made: Made = {}
    outcomes = timing.read_outcomes(conn, options.through)
    for done, as_of in enumerate(sorted(as_of_dates)):
        progress("backtest", done, len(as_of_dates))
        served = served_at(as_of)
        past = past_parts(conn, as_of, served, closed, horizon=options.horizon, made=made)
        deals, view = read_open_deals(conn, as_of, served, closed, with_names=True)
        others = {
            name: replace(deals, win_probability=probabilities(as_of, deals, view))
            for name, probabilities in (options.others or {}).items()
        }
        table = read_life_table(conn, as_of)
        others["crm_probability"] = baselines.by_crm_probability(deals, view, closed.known_by(as_of), table)
        revenue.append(compare(deals, view, others, closed, past, options))
        if is_month_end(as_of):
            timings.append(timing.compare(deals, view, table, outcomes, options.through, options.horizon))
    progress("backtest", len(as_of_dates), len(as_of_dates))
    return Replay(pa.concat_tables(revenue), pa.concat_tables(timings))
