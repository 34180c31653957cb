"""Backtest of the revenue forecast: the same code at past as-of dates, beside baselines."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import psycopg

from revlayer_training.backtest import refit, timing
from revlayer_training.backtest.comparison import SCHEMA
from revlayer_training.backtest.replay import Options, Probabilities, Progress, Replay, replay
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
TABLES = ("forecast_backtests", "deal_timing_backtests")
# Month ends that are replayed with models fitted again, unless told otherwise.
REFIT_ORIGINS = 12

_SQL = queries.load("revlayer_training", "backtest/queries.sql")


def _silent(what: str, done: int, total: int) -> None:
    pass


def run_backtest(
    conn: psycopg.Connection,
    as_of_dates: Sequence[date] | None = None,
    *,
    through: date | None = None,
    refit_months: int | None = None,
    max_rows: int | None = None,
    horizon: int = 12,
    draws: int = 4000,
    seed: int = 0,
    fiscal_start_month: int = 1,
    others: Mapping[str, Probabilities] | None = None,
    publish: bool = True,
    progress: Progress = _silent,
) -> BacktestSummary:
    """Replay the forecast at past as-of dates and publish how it did.

    Args:
        as_of_dates: by default the month ends after everything that the serving models, as they were judged, learnt
            from; with ``refit_months`` the last twelve.
        through: last day that anything is known of; actual amounts are of months complete by then. By
            default the latest as-of date of the features.
        refit_months: fit models again at the first date and every so many months, with what was known then,
            and forecast with those; None: forecast with the models that serve now, as they were judged.
        max_rows: fit on a sample of whole deals of about this many rows.
        fiscal_start_month: month the fiscal year begins in, 1 to 12: where quarters begin.
        others: win probabilities of the same deals to hold against, by name.
        publish: write the rows to scoring as one run.
        progress: called with what, done, total.

    Returns:
        Figures by horizon and predictor; empty where no month end is honest and over.
    """
    with conn.transaction():
        through = through or _last_known_date(conn)
        if through is None:
            return BacktestSummary(None, 0, [], SCHEMA.empty_table(), timing.SCHEMA.empty_table())
        served = load_served(conn).judging
        if as_of_dates is None:
            ends = _month_ends(conn, through)
            judges_from = honest_from(served.manifests.values())
            honest = [day for day in ends if judges_from and day >= judges_from]
            as_of_dates = honest if refit_months is None else ends[-REFIT_ORIGINS:]
        served_at: Callable[[date], Served] = lambda as_of: served  # noqa: E731
        if refit_months is not None and as_of_dates:
            served_at = refit.refitted(conn, min(as_of_dates), refit_months, max_rows, progress)
        closed = read_closed_deals(conn, through)
        options = Options(through, horizon, draws, seed, fiscal_start_month, others)
        found = replay(conn, served_at, closed, as_of_dates, options, progress)
    run_id = _publish(conn, found, through, None if refit_months else served) if publish else None
    return BacktestSummary(run_id, len(found.revenue), summarise(found.revenue), found.revenue, found.timing)


def _publish(conn: psycopg.Connection, found: Replay, through: date, served: Served | None) -> int:
    win = None if served is None else served.manifests.get("deal_win")
    version = None if win is None else win.model_version
    with publish_run(conn, TARGET, through, TABLES, model_version=version) as run:
        for name, table in zip(TABLES, (found.revenue, found.timing), strict=True):
            run.write(table, name)
    return run.run_id


def _last_known_date(conn: psycopg.Connection) -> date | None:
    row = conn.execute(_SQL["last_known_date"]).fetchone()
    return row[0] if row else None


def _month_ends(conn: psycopg.Connection, through: date) -> list[date]:
    return [day for (day,) in conn.execute(_SQL["month_ends"], {"through": through}).fetchall()]
