"""The time-series forecast as a job: monthly series in, one published run out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from revlayer_training.series.forecasting import LEAST_MONTHS, backtest_rows, forecast_panel, forecast_rows
from revlayer_training.series.methods import METHODS
from revlayer_training.series.panel import SEASON, TOTAL, Panel
from revlayer_udf import frames, queries
from revlayer_udf.errors import FeatureError
from revlayer_udf.forecast.months import month_of
from revlayer_udf.publishing import KEEP_RUNS, publish_run

TARGET = "series_forecast"
TABLES = ("series_forecasts", "series_backtests")
MEASURES = ("bookings", "revenue", "mrr")
Progress = Callable[[str, int, int], None]

_SQL = queries.load("revlayer_training", "series/queries.sql")


@dataclass(frozen=True)
class SeriesSummary:
    """What became of the forecasts.

    Attributes:
        run_id: of the published run; None where no measure has enough history.
        row_count: rows of forecasts.
        served: by measure, the method that serves its total.
        notes: what was left out, and why.
    """

    run_id: int | None
    row_count: int
    served: dict[str, str]
    notes: tuple[str, ...]


def forecast_series(
    conn: psycopg.Connection,
    as_of_date: date,
    *,
    horizon: int = SEASON,
    progress: Progress = lambda what, done, total: None,
    wait: bool = True,
    keep: int = KEEP_RUNS,
) -> SeriesSummary:
    """Forecast bookings, revenue and recurring revenue by segment from their own past, and publish it.

    Args:
        conn: of the role scorer, outside a transaction.
        as_of_date: day whose features were built.
        horizon: months after the last complete one; at most 12 of them are forecast.

    Raises:
        FeatureError: the features are not built.
        Busy: see ``publish_run``.
    """
    panels, notes = read_panels(conn, as_of_date)
    tables: list[tuple[pa.Table, pa.Table]] = []
    served = {}
    for done, (measure, panel) in enumerate(panels.items()):
        progress(TARGET, done, len(panels))
        made = forecast_panel(panel, min(horizon, SEASON))
        tables.append((forecast_rows(made, measure), backtest_rows(made, measure)))
        served[measure] = METHODS[made.served.methods[-1, TOTAL]]
    if not tables:
        return SeriesSummary(None, 0, {}, notes)
    with publish_run(conn, TARGET, as_of_date, TABLES, keep=keep, wait=wait) as run:
        for place, parent in enumerate(TABLES):
            run.write(_dated(pa.concat_tables([pair[place] for pair in tables]), as_of_date), parent)
    progress(TARGET, len(panels), len(panels))
    return SeriesSummary(run.run_id, sum(len(pair[0]) for pair in tables), served, notes)


def read_panels(conn: psycopg.Connection, as_of_date: date) -> tuple[dict[str, Panel], tuple[str, ...]]:
    """Read the series of a day; what is too short to forecast, or incomplete, is named in the notes."""
    with conn.transaction():
        row = conn.execute(_SQL["exists"]).fetchone()
        if row is None or not row[0]:
            raise FeatureError("features.ftr_monthly_series does not exist", "Run: revlayer build")
        table = frames.read_table(conn, _SQL["series"], {"as_of": as_of_date})
    panels, notes = {}, []
    for measure in MEASURES:
        rows = table.filter(pc.equal(table["measure"], measure))
        panel = _panel(rows) if len(rows) else None
        if panel is None or panel.months < LEAST_MONTHS:
            months = "no complete month" if panel is None else f"{panel.months} complete months"
            notes.append(f"{measure}: {months}, a forecast needs {LEAST_MONTHS}")
            continue
        panels[measure] = panel
        if left_out := pc.sum(rows["left_out_count"]).as_py():
            notes.append(f"{measure}: {left_out:,} amounts unknown or without an exchange rate are in no sum")
    return panels, tuple(notes)


def _panel(rows: pa.Table) -> Panel:
    names, series = np.unique(rows["segment_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    months = month_of(rows["month_start_on"].to_numpy())
    first = int(months.min())
    values = np.full((len(names), int(months.max()) - first + 1), np.nan)
    values[series, months - first] = rows["amount"].to_numpy()
    return Panel.of([str(name) for name in names], first, values)


def _dated(table: pa.Table, as_of: date) -> pa.Table:
    return table.add_column(0, "as_of_date", pa.array([as_of] * len(table), pa.date32()))
