"""Backtest of the revenue forecast: the same code at past as-of dates, beside baselines."""

from collections.abc import Sequence
from datetime import date

import psycopg
import pyarrow as pa

from revlayer_training.backtest.replay import SCHEMA, Progress, replay
from revlayer_training.backtest.summary import (
    BacktestSummary,
    CoverageReport,
    HorizonFigures,
    coverage_report,
    summarise,
)
from revlayer_udf import queries
from revlayer_udf.forecast.honesty import honest_from
from revlayer_udf.forecast.reading import Served, load_served, read_closed_deals
from revlayer_udf.publishing import publish_run

__all__ = [
    "BacktestSummary",
    "CoverageReport",
    "HorizonFigures",
    "coverage_report",
    "run_backtest",
    "summarise",
]

TARGET = "forecast_backtest"
TABLE = "forecast_backtests"

_SQL = queries.load("revlayer_training", "backtest/queries.sql")


def _silent(what: str, done: int, total: int) -> None:
    pass


def run_backtest(
    conn: psycopg.Connection,
    as_of_dates: Sequence[date] | None = None,
    *,
    through: date | None = None,
    horizon: int = 12,
    draws: int = 4000,
    seed: int = 0,
    publish: bool = True,
    progress: Progress = _silent,
) -> BacktestSummary:
    """Replay the forecast at past as-of dates with the serving models and publish how it did.

    Args:
        as_of_dates: by default the month ends after everything the serving models learnt from.
        through: last day that anything is known of; actual amounts are of months complete by then. By
            default the latest as-of date of the features.
        publish: write the rows to scoring.forecast_backtests as one run.
        progress: called with what, done, total.

    Returns:
        Figures by horizon and predictor; empty where no month end is honest and over.
    """
    with conn.transaction():
        through = through or _last_known_date(conn)
        if through is None:
            return BacktestSummary(None, 0, [], SCHEMA.empty_table())
        served = load_served(conn)
        judges_from = honest_from(served.manifests.values())
        if as_of_dates is None:
            as_of_dates = [day for day in _month_ends(conn, through) if judges_from and day >= judges_from]
        closed = read_closed_deals(conn, through)
        table = replay(
            conn,
            served,
            closed,
            as_of_dates,
            through,
            judges_from=judges_from,
            horizon=horizon,
            draws=draws,
            seed=seed,
            progress=progress,
        )
    run_id = _publish(conn, table, through, served) if publish else None
    return BacktestSummary(run_id, len(table), summarise(table), table)


def _publish(conn: psycopg.Connection, table: pa.Table, through: date, served: Served) -> int:
    win = served.manifests.get("deal_win")
    version = None if win is None else win.model_version
    with publish_run(conn, TARGET, through, [TABLE], model_version=version) as run:
        run.write(table)
    return run.run_id


def _last_known_date(conn: psycopg.Connection) -> date | None:
    row = conn.execute(_SQL["last_known_date"]).fetchone()
    return row[0] if row else None


def _month_ends(conn: psycopg.Connection, through: date) -> list[date]:
    return [day for (day,) in conn.execute(_SQL["month_ends"], {"through": through}).fetchall()]
