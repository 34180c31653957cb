"""One forecast from the feature tables: what publishing it and making it again have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg

from revlayer_udf.forecast import baselines
from revlayer_udf.forecast.engine import Forecast, forecast, forecast_parts, with_total
from revlayer_udf.forecast.inputs import ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import Floats
from revlayer_udf.forecast.parts import Parts
from revlayer_udf.forecast.reading import CrmView, Served, read_open_deals
from revlayer_udf.forecast.timing import LifeTable, read_life_table


@dataclass(frozen=True)
class Options:
    """What a forecast is asked for; see ``forecast``."""

    horizon: int = 12
    draws: int = 4000
    seed: int = 0
    fiscal_start_month: int = 1


@dataclass(frozen=True)
class Inputs:
    """Counts and sums that tell whether the data of a day are those of an earlier forecast."""

    open_deal_count: int
    open_amount: float
    closed_deal_count: int
    won_amount: float


@dataclass(frozen=True)
class Made:
    """A forecast, and what stands beside it.

    Attributes:
        rivals: [S + 1, M] by name: what the CRM and naive forecasts say of the same months.
        losses: when open deals of each stage are lost.
        past_as_of_dates: earlier forecasts whose errors set the width of the intervals.
    """

    forecast: Forecast
    options: Options
    rivals: dict[str, Floats]
    losses: LifeTable
    inputs: Inputs
    past_as_of_dates: list[date]


def make(
    conn: psycopg.Connection,
    as_of: date,
    served: Served,
    closed: ClosedDeals,
    past: Sequence[Parts],
    options: Options,
) -> Made:
    """Score the open deals of a day and forecast.

    Args:
        closed: history; rows not known by ``as_of`` are not used.
        past: parts of forecasts of earlier dates; see ``forecast``.
    """
    deals, view = read_open_deals(conn, as_of, served, closed, with_names=True)
    losses = read_life_table(conn, as_of)
    known = closed.known_by(as_of)
    made = forecast(
        deals, closed, horizon=options.horizon, past=past, draws=options.draws, seed=options.seed,
        fiscal_start_month=options.fiscal_start_month,
    )  # fmt: skip
    rivals = _rivals(made, deals, view, known, losses, options.horizon)
    inputs = Inputs(len(deals), float(np.nansum(view.amount)), len(known), float(known.amount.sum()))
    return Made(made, options, rivals, losses, inputs, [parts.as_of for parts in past])


def _rivals(
    made: Forecast, deals: OpenDeals, view: CrmView, known: ClosedDeals, losses: LifeTable, horizon: int
) -> dict[str, Floats]:
    as_of, segments = made.as_of, made.segments[1:]
    # The same deals and closings, so the same segments in the same order.
    by_crm = forecast_parts(baselines.by_crm_probability(deals, view, known, losses), known, horizon)
    return {
        "stage_weighted": with_total(baselines.stage_weighted(view, known, as_of, segments, horizon)),
        "crm_probability": with_total(by_crm.closed + by_crm.remaining_mean),
        "naive": with_total(baselines.naive(known, as_of, segments, horizon)),
        "seasonal_naive": with_total(baselines.seasonal_naive(known, as_of, segments, horizon)),
    }
