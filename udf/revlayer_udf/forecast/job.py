"""The forecast as a job: features and serving models in, one published run out."""

from datetime import date

import psycopg

from revlayer_udf.forecast import ledger, rows, scenario
from revlayer_udf.forecast.engine import forecast_parts
from revlayer_udf.forecast.honesty import honest_from, past_month_ends
from revlayer_udf.forecast.inputs import ClosedDeals
from revlayer_udf.forecast.making import Options, make
from revlayer_udf.forecast.parts import Parts
from revlayer_udf.forecast.reading import (
    Served,
    has_open_deals,
    load_served,
    read_closed_deals,
    read_open_deals,
)
from revlayer_udf.jobs import Progress, RunSummary
from revlayer_udf.publishing import KEEP_RUNS, publish_run

TARGET = "revenue_forecast"
TABLE = "revenue_forecasts"
# One run publishes all of them at once.
TABLES = (TABLE, "revenue_forecast_quantiles", "revenue_forecast_parts", "deal_loss_timings", *scenario.TABLES)
PAST_MONTHS = 12
# Parts of forecasts of earlier dates by the models that made them, so that a replay makes each once.
Made = dict[tuple[str, date], Parts]


def forecast_revenue(
    conn: psycopg.Connection,
    as_of_date: date,
    *,
    horizon: int = 12,
    past_months: int = PAST_MONTHS,
    draws: int = 4000,
    seed: int = 0,
    fiscal_start_month: int = 1,
    currency: str | None = None,
    progress: Progress = lambda what, done, total: None,
    wait: bool = True,
    keep: int = KEEP_RUNS,
) -> RunSummary:
    """Forecast won revenue of the as-of date's month and the next ``horizon`` ones, and publish it.

    Open deals are scored in memory with the serving models; where none serves a target, with the CRM's own
    figures and the company's history, and the row says so. The same scores at up to ``past_months`` earlier
    month ends, after everything the models learnt from, tell how wide the intervals must be.

    Args:
        conn: of the role scorer, outside a transaction.
        as_of_date: any day whose features were built.
        horizon: months after the one of ``as_of_date``.
        draws: size of the sample behind the quantiles.
        seed: same data and seed, same forecast.
        fiscal_start_month: month the fiscal year begins in, 1 to 12: where quarters begin.
        currency: reporting currency of the amounts, for the ledger.

    Returns:
        The published run; months times segments, with the total, are its rows.
    """
    with conn.transaction():
        served = load_served(conn)
        closed = read_closed_deals(conn, as_of_date)
        past = past_parts(conn, as_of_date, served, closed, months=past_months, horizon=horizon, progress=progress)
        progress(TARGET, past_months, past_months + 1)
        made = make(conn, as_of_date, served, closed, past, Options(horizon, draws, seed, fiscal_start_month))
    version = served.version_of("deal_win")
    tables = (
        rows.forecast_table(made.forecast, served.version),
        rows.quantile_table(made.forecast),
        rows.parts_table(made.forecast),
        rows.loss_table(made.losses, as_of_date),
        scenario.basis_table(made.forecast),
        scenario.horizon_table(made.forecast),
    )
    with publish_run(
        conn, TARGET, as_of_date, TABLES, model_version=version, keep=keep, wait=wait,
        alongside=lambda run: ledger.write(conn, run.run_id, made, served, currency),
    ) as run:  # fmt: skip
        for name, table in zip(TABLES, tables, strict=True):
            run.write(table, name)
    progress(TARGET, past_months + 1, past_months + 1)
    return RunSummary(TARGET, "published", len(tables[0]), version, run.run_id)


def past_parts(
    conn: psycopg.Connection,
    as_of: date,
    served: Served,
    closed: ClosedDeals,
    *,
    months: int = PAST_MONTHS,
    horizon: int,
    progress: Progress = lambda what, done, total: None,
    made: Made | None = None,
) -> list[Parts]:
    """Return the parts of forecasts at earlier month ends that may judge the models that serve.

    Args:
        months: at most so many month ends before ``as_of``, after everything that the models, as they were judged,
            learnt from.
        made: parts that exist already; those made now are added.
    """
    made, served = {} if made is None else made, served.judging
    parts = []
    days = past_month_ends(as_of, honest_from(served.manifests.values()), months)
    for done, day in enumerate(days):
        progress(TARGET, done, len(days) + 1)
        # A date whose features were not built would pass for one without open deals.
        if (served.version, day) not in made and has_open_deals(conn, day):
            deals, _ = read_open_deals(conn, day, served, closed)
            made[served.version, day] = forecast_parts(deals, closed, horizon)
        if (served.version, day) in made:
            parts.append(made[served.version, day])
    return parts
