"""Replay of the production forecast at past as-of dates, beside forecasts that need no model."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa

from revlayer_training.backtest import baselines
from revlayer_udf.forecast import (
    ALL_SEGMENTS,
    ClosedDeals,
    Forecast,
    OpenDeals,
    Parts,
    forecast,
    forecast_parts,
)
from revlayer_udf.forecast.months import Floats, is_month_end, last_complete_month, month_number, month_start
from revlayer_udf.forecast.reading import CrmView, Served, read_open_deals

PREDICTORS = ("model", "stage_weighted", "naive", "seasonal_naive")
Progress = Callable[[str, int, int], None]
# Mean, p10 and p90, each [segments, months].
Figures = tuple[Floats, Floats | None, Floats | None]

SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("month_start_on", pa.date32()),
        ("months_ahead", pa.int32()),
        ("segment_id", pa.string()),
        ("predictor", pa.string()),
        ("forecast_amount", pa.float64()),
        ("p10_amount", pa.float64()),
        ("p90_amount", pa.float64()),
        ("actual_amount", pa.float64()),
    ]
)


def replay(
    conn: psycopg.Connection,
    served: Served,
    closed: ClosedDeals,
    as_of_dates: Sequence[date],
    through: date,
    *,
    judges_from: date | None,
    horizon: int,
    draws: int,
    seed: int,
    progress: Progress,
) -> pa.Table:
    """Forecast at each date with what was known then; one row per date, month, segment and predictor.

    Args:
        closed: closed deals known by ``through``; the forecast at a date uses those known by that date.
        through: months complete by this day have an actual amount; others are left out.
        judges_from: forecasts at this date and later judge the spread of those that follow.
    """
    tables: list[pa.Table] = [SCHEMA.empty_table()]
    past: list[Parts] = []
    for done, as_of in enumerate(sorted(as_of_dates)):
        progress("backtest", done, len(as_of_dates))
        deals, view = read_open_deals(conn, as_of, served, closed)
        tables.append(compare(deals, view, closed, past, through, horizon=horizon, draws=draws, seed=seed))
        if judges_from is not None and as_of >= judges_from and is_month_end(as_of):
            past.append(forecast_parts(deals, closed, horizon))
    progress("backtest", len(as_of_dates), len(as_of_dates))
    return pa.concat_tables(tables)


def compare(
    deals: OpenDeals,
    view: CrmView,
    closed: ClosedDeals,
    past: Sequence[Parts],
    through: date,
    *,
    horizon: int,
    draws: int,
    seed: int,
) -> pa.Table:
    """Forecast at one date by every predictor and hold it against what came by ``through``."""
    as_of = deals.as_of
    known = closed.known_by(as_of)
    final = closed.known_by(through)
    made = forecast(deals, closed, horizon=horizon, past=past, draws=draws, seed=seed)
    segments = sorted({*made.segments[1:], *np.unique(final.segment).tolist()})
    forecasts = {
        "stage_weighted": baselines.stage_weighted(view, known, as_of, segments, horizon),
        "naive": baselines.naive(known, as_of, segments, horizon),
        "seasonal_naive": baselines.seasonal_naive(known, as_of, segments, horizon),
    }
    actual = _with_total(baselines.actuals(final, as_of, segments, horizon))
    figures: dict[str, Figures] = {name: (_with_total(v), None, None) for name, v in forecasts.items()}
    mean, low, high = (_aligned(made, values, segments) for values in (made.mean, made.p10, made.p90))
    figures["model"] = (mean, low, high)
    rows = _judged_rows(as_of, through, horizon, len(segments) + 1)
    names = [ALL_SEGMENTS, *segments]
    return pa.concat_tables([_table(as_of, names, name, figures[name], actual, rows) for name in PREDICTORS])


def _judged_rows(as_of: date, through: date, horizon: int, segments: int) -> tuple[np.ndarray, np.ndarray]:
    # At a month end the month itself is closed: nothing is left to forecast.
    first = 1 if is_month_end(as_of) else 0
    last = min(horizon, last_complete_month(through) - month_number(as_of))
    ahead = np.arange(first, last + 1)
    return np.repeat(np.arange(segments), len(ahead)), np.tile(ahead, segments)


def _aligned(made: Forecast, values: Floats, segments: list[str]) -> Floats:
    """Rows in the order of (all) and ``segments``; 0 for a segment that did not exist yet."""
    result = np.zeros((len(segments) + 1, values.shape[1]))
    result[0] = values[0]
    result[1 + np.searchsorted(segments, made.segments[1:])] = values[1:]
    return result


def _with_total(values: Floats) -> Floats:
    return np.vstack([values.sum(axis=0), values])


def _table(
    as_of: date,
    names: list[str],
    predictor: str,
    figures: Figures,
    actual: Floats,
    rows: tuple[np.ndarray, np.ndarray],
) -> pa.Table:
    segment, ahead = rows
    count, now = len(segment), month_number(as_of)
    mean, low, high = (pa.nulls(count, pa.float64()) if f is None else pa.array(f[rows]) for f in figures)
    columns = [
        pa.array([as_of] * count, pa.date32()),
        pa.array([month_start(now + int(months)) for months in ahead], pa.date32()),
        pa.array(ahead, pa.int32()),
        pa.array([names[code] for code in segment], pa.string()),
        pa.array([predictor] * count, pa.string()),
        mean,
        low,
        high,
        pa.array(actual[rows]),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
