"""The forecast as a job: features and serving models in, one published run out."""

from datetime import date

import numpy as np
import psycopg
import pyarrow as pa

from revlayer_udf.forecast.engine import Forecast, Parts, forecast, forecast_parts
from revlayer_udf.forecast.honesty import honest_from, past_month_ends
from revlayer_udf.forecast.inputs import ClosedDeals
from revlayer_udf.forecast.months import month_start
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


def forecast_revenue(
    conn: psycopg.Connection,
    as_of_date: date,
    *,
    horizon: int = 12,
    past_months: int = 12,
    draws: int = 4000,
    seed: int = 0,
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

    Returns:
        The published run; months times segments, with the total, are its rows.
    """
    with conn.transaction():
        served = load_served(conn)
        closed = read_closed_deals(conn, as_of_date)
        past = _past_parts(conn, as_of_date, served, closed, past_months, horizon, progress)
        progress(TARGET, past_months, past_months + 1)
        deals, _ = read_open_deals(conn, as_of_date, served, closed)
    made = forecast(deals, closed, horizon=horizon, past=past, draws=draws, seed=seed)
    win = served.manifests.get("deal_win")
    version = None if win is None else win.model_version
    with publish_run(conn, TARGET, as_of_date, [TABLE], model_version=version, keep=keep, wait=wait) as run:
        run.write(forecast_table(made, served.version))
    progress(TARGET, past_months + 1, past_months + 1)
    return RunSummary(TARGET, "published", run.row_count, version, run.run_id)


def forecast_table(made: Forecast, model_version: str) -> pa.Table:
    """Return a forecast as rows of scoring.revenue_forecasts, without run_id."""
    segments, months = made.mean.shape
    figures = {
        "closed_amount": made.closed,
        "open_mean_amount": made.open_mean,
        "created_mean_amount": made.created_mean,
        "mean_amount": made.mean,
        "p10_amount": made.p10,
        "p50_amount": made.p50,
        "p90_amount": made.p90,
    }
    starts = [month_start(int(month)) for month in made.months]
    return pa.table(
        {
            "as_of_date": pa.array([made.as_of] * (segments * months), pa.date32()),
            "month_start_on": pa.array(starts * segments, pa.date32()),
            "segment_id": pa.array(np.repeat(np.array(made.segments, dtype=object), months), pa.string()),
            **{name: pa.array(values.reshape(-1)) for name, values in figures.items()},
            "model_version": pa.array([model_version] * (segments * months), pa.string()),
        }
    )


def _past_parts(
    conn: psycopg.Connection,
    as_of: date,
    served: Served,
    closed: ClosedDeals,
    months: int,
    horizon: int,
    progress: Progress,
) -> list[Parts]:
    parts = []
    days = past_month_ends(as_of, honest_from(served.manifests.values()), months)
    for done, day in enumerate(days):
        progress(TARGET, done, len(days) + 1)
        # A date whose features were not built would pass for one without open deals.
        if has_open_deals(conn, day):
            deals, _ = read_open_deals(conn, day, served, closed)
            parts.append(forecast_parts(deals, closed, horizon))
    return parts
