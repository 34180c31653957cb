"""Forecasts of one as-of date by every predictor, held against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from revlayer_udf.forecast import (
    ALL_SEGMENTS,
    ClosedDeals,
    Forecast,
    OpenDeals,
    Parts,
    baselines,
    forecast,
    forecast_parts,
)
from revlayer_udf.forecast.distribution import share_below
from revlayer_udf.forecast.engine import probability_index, with_total
from revlayer_udf.forecast.months import Floats, Ints, is_month_end, last_complete_month, month_number, month_start
from revlayer_udf.forecast.reading import CrmView

if TYPE_CHECKING:
    from revlayer_training.backtest.replay import Options

MODEL = "model"
PREDICTORS = (MODEL, "stage_weighted", "crm_probability", "naive", "seasonal_naive")
QUANTILES = {"p025": 0.025, "p10": 0.1, "p50": 0.5, "p90": 0.9, "p975": 0.975}

SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("month_start_on", pa.date32()),
        ("months_ahead", pa.int32()),
        ("segment_id", pa.string()),
        ("predictor", pa.string()),
        ("forecast_amount", pa.float64()),
        *((f"{name}_amount", pa.float64()) for name in QUANTILES),
        ("actual_amount", pa.float64()),
        ("period_type", pa.string()),
        ("actual_probability", pa.float64()),
        ("naive_error_amount", pa.float64()),
    ]
)


@dataclass(frozen=True)
class _Periods:
    """Months or quarters that are over: their kind, months ahead of their first month, and which months add up."""

    kind: str
    ahead: Ints
    belongs: Floats


def compare(
    deals: OpenDeals,
    view: CrmView,
    others: Mapping[str, OpenDeals],
    closed: ClosedDeals,
    past: Sequence[Parts],
    options: Options,
) -> pa.Table:
    """Forecast at one date by every predictor and hold it against what came by ``options.through``.

    Args:
        others: the same deals with other probabilities, by predictor; only their mean is held against it.
    """
    as_of, horizon = deals.as_of, options.horizon
    known, final = closed.known_by(as_of), closed.known_by(options.through)
    made = forecast(
        deals, closed, horizon=horizon, past=past, draws=options.draws, seed=options.seed,
        fiscal_start_month=options.fiscal_start_month,
    )  # fmt: skip
    segments = sorted({*made.segments[1:], *np.unique(final.segment).tolist()})
    means = {
        MODEL: _aligned(made.segments[1:], made.mean[1:], segments),
        "stage_weighted": baselines.stage_weighted(view, known, as_of, segments, horizon),
        "naive": baselines.naive(known, as_of, segments, horizon),
        "seasonal_naive": baselines.seasonal_naive(known, as_of, segments, horizon),
    }
    for name, changed in others.items():
        parts = forecast_parts(changed, closed, horizon)
        means[name] = _aligned(parts.segments, parts.closed + parts.remaining_mean, segments)
    actual = with_total(baselines.actuals(final, as_of, segments, horizon))
    scale = baselines.naive_error(known, as_of, segments)
    tables = []
    for periods in _judged(made, options):
        quantiles = _quantiles(made, periods, segments)
        for name in [*PREDICTORS, *sorted(set(others) - set(PREDICTORS))]:
            held = quantiles if name == MODEL else None
            tables.append(_table(made, periods, segments, name, with_total(means[name]), held, actual, scale))
    return pa.concat_tables(tables)


def _judged(made: Forecast, options: Options) -> list[_Periods]:
    """Months that are over, and quarters whose months are all of them."""
    now = month_number(made.as_of)
    # At a month end the month itself is closed: nothing is left to forecast.
    first = 1 if is_month_end(made.as_of) else 0
    ahead = np.arange(first, min(options.horizon, last_complete_month(options.through) - now) + 1)
    starts = made.quarters - now
    starts = starts[(starts >= first) & np.isin(starts + 2, ahead)]
    every = np.arange(options.horizon + 1)[None, :]
    months = (every == ahead[:, None]).astype(np.float64)
    quarters = ((every >= starts[:, None]) & (every < starts[:, None] + 3)).astype(np.float64)
    return [_Periods("month", ahead, months), _Periods("quarter", starts, quarters)]


def _quantiles(made: Forecast, periods: _Periods, segments: list[str]) -> Floats:
    """Return the quantiles of the periods: [segments + 1, periods, P]; 0 for a segment that did not exist yet."""
    now = month_number(made.as_of)
    if periods.kind == "month":
        held = made.distribution.months[:, periods.ahead]
    else:
        held = made.distribution.quarters[:, np.searchsorted(made.quarters, now + periods.ahead)]
    return np.concatenate([held[:1], _aligned(made.segments[1:], held[1:], segments)])


def _aligned(names: list[str], values: Floats, segments: list[str]) -> Floats:
    """Rows in the order of ``segments``; 0 for a segment that did not exist yet."""
    result = np.zeros((len(segments), *values.shape[1:]))
    result[np.searchsorted(segments, names)] = values
    return result


def _table(
    made: Forecast,
    periods: _Periods,
    segments: list[str],
    predictor: str,
    mean: Floats,
    quantiles: Floats | None,
    actual: Floats,
    scale: Floats,
) -> pa.Table:
    count, rows, now = len(periods.ahead), len(segments) + 1, month_number(made.as_of)
    forecasts, came = (mean @ periods.belongs.T).reshape(-1), (actual @ periods.belongs.T).reshape(-1)
    nothing = pa.nulls(count * rows, pa.float64())
    held = dict.fromkeys(QUANTILES, nothing)
    rank = nothing
    if quantiles is not None:
        held = {name: pa.array(quantiles[:, :, probability_index(p)].reshape(-1)) for name, p in QUANTILES.items()}
        rank = pa.array(share_below(quantiles.reshape(-1, quantiles.shape[2]), came))
    starts = [month_start(now + int(months)) for months in periods.ahead]
    # A quarter's forecast is scaled by three months of errors: MASE of quarters is of their mean month.
    errors = np.repeat(scale * (1.0 if periods.kind == "month" else 3.0), count)
    columns = [
        pa.array([made.as_of] * (count * rows), pa.date32()),
        pa.array(starts * rows, pa.date32()),
        pa.array(np.tile(periods.ahead, rows), pa.int32()),
        pa.array(np.repeat(np.array([ALL_SEGMENTS, *segments], dtype=object), count), pa.string()),
        pa.array([predictor] * (count * rows), pa.string()),
        pa.array(forecasts),
        *held.values(),
        pa.array(came),
        pa.array([periods.kind] * (count * rows), pa.string()),
        rank,
        pa.array(errors, mask=np.isnan(errors)),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
