"""The forecast of a company's series: past origins first, by which method and interval of today are chosen."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer_training.series.intervals import half_widths
from revlayer_training.series.methods import METHODS, RUNGS
from revlayer_training.series.panel import Floats, Panel
from revlayer_training.series.reconciliation import in_cents
from revlayer_training.series.rolling import Mapped, Rolled, roll
from revlayer_training.series.serving import SERVED, Served, serve
from revlayer_udf.forecast import ALL_SEGMENTS
from revlayer_udf.forecast.months import month_end, month_start

# Months without which there is no forecast, and at the first past origin.
LEAST_MONTHS = 6
LEAST_KNOWN = 3
# Past origins at most, and months between them.
PAST_ORIGINS = 8
STEP = 3


@dataclass(frozen=True)
class PanelForecast:
    """A panel's forecasts at past origins and, last, of now."""

    rolled: Rolled
    served: Served


def forecast_panel(panel: Panel, horizon: int, mapped: Mapped = map) -> PanelForecast:
    """Forecast the months after the panel's last.

    Args:
        panel: of at least LEAST_MONTHS months.
        horizon: 1 to 12.
        mapped: see ``roll``.
    """
    origins = [panel.months - STEP * back for back in range(PAST_ORIGINS, -1, -1)]
    rolled = roll(panel, [origin for origin in origins if origin >= LEAST_KNOWN], horizon, mapped)
    return PanelForecast(rolled, serve(rolled))


def forecast_rows(made: PanelForecast, measure: str) -> pa.Table:
    """Return the forecast of now as rows of scoring.series_forecasts, in whole cents that add up.

    A segment whose method has no forecast has no rows. Quantiles are rounded by themselves: they do not add up.
    """
    panel, served = made.rolled.panel, made.served
    mean, half = served.mean[-1], served.half[-1]
    has = ~np.isnan(mean).any(axis=1)
    cents = in_cents(mean[has]) / 100
    half = np.round(half[has], 2)
    least = np.where(np.nanmin(panel.with_total()[has], axis=1, keepdims=True) < 0, -np.inf, 0.0)
    series, horizon = cents.shape
    names = np.array([ALL_SEGMENTS, *panel.names], dtype=object)[has]
    methods = served.methods[-1][has]
    last = panel.first_month + panel.months - 1
    return pa.table(
        {
            "measure": pa.array([measure] * (series * horizon), pa.string()),
            "segment_id": pa.array(np.repeat(names, horizon), pa.string()),
            "month_start_on": pa.array([month_start(last + ahead) for ahead in range(1, horizon + 1)] * series),
            "months_ahead": pa.array(np.tile(np.arange(1, horizon + 1), series), pa.int32()),
            "method": pa.array([METHODS[m] for m in methods for _ in range(horizon)], pa.string()),
            "rung": pa.array([RUNGS[METHODS[m]] for m in methods for _ in range(horizon)], pa.string()),
            "mean_amount": _column(cents),
            "p10_amount": _column(np.minimum(np.maximum(cents - half, least), cents)),
            "p50_amount": _column(np.where(np.isnan(half), np.nan, cents)),
            "p90_amount": _column(cents + half),
        }
    )


def backtest_rows(made: PanelForecast, measure: str) -> pa.Table:
    """Return forecasts of past origins beside what came as rows of scoring.series_backtests."""
    rolled = made.rolled
    tables = [_method_rows(rolled, measure, SERVED, made.served.mean, made.served.half)]
    for name, forecasts in zip(METHODS, rolled.forecasts, strict=True):
        tables.append(_method_rows(rolled, measure, name, forecasts, half_widths(forecasts, rolled)))
    return pa.concat_tables(tables)


def _method_rows(rolled: Rolled, measure: str, method: str, mean: Floats, half: Floats) -> pa.Table:
    panel = rolled.panel
    origin, series, ahead = np.nonzero(~np.isnan(mean) & ~np.isnan(rolled.actuals))
    at = (origin, series, ahead)
    names = np.array([ALL_SEGMENTS, *panel.names], dtype=object)
    last = panel.first_month + rolled.origins[origin] - 1
    months = {int(month): month_start(int(month)) for month in np.unique(last[:, None] + np.arange(rolled.horizon + 1))}
    ends = {int(month): month_end(int(month)) for month in np.unique(last)}
    return pa.table(
        {
            "measure": pa.array([measure] * len(origin), pa.string()),
            "segment_id": pa.array(names[series], pa.string()),
            "origin_on": pa.array([ends[int(month)] for month in last], pa.date32()),
            "month_start_on": pa.array([months[int(month)] for month in last + ahead + 1], pa.date32()),
            "months_ahead": pa.array(ahead + 1, pa.int32()),
            "method": pa.array([method] * len(origin), pa.string()),
            "forecast_amount": _column(mean[at]),
            "p10_amount": _column((mean - half)[at]),
            "p90_amount": _column((mean + half)[at]),
            "actual_amount": _column(rolled.actuals[at]),
            "scale_amount": _column(rolled.scales[origin, series]),
        }
    )


def _column(values: Floats) -> pa.Array:
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
    return pa.array(flat, pa.float64(), mask=np.isnan(flat))
