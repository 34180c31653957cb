"""The cash forecast as a job: published predictions of open invoices in, one published run out."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa

from revlayer_udf.cash.calendar import Periods, months, weeks
from revlayer_udf.cash.expectation import (
    QUANTILES,
    Floats,
    amounts_due,
    mean_by_period,
    quantiles_by_period,
    sample_size,
)
from revlayer_udf.cash.reading import FALLBACK, OpenRead, read_open_invoices
from revlayer_udf.jobs import RunSummary
from revlayer_udf.publishing import KEEP_RUNS, publish_run

TARGET, TABLE = "cash_forecast", "cash_forecasts"


@dataclass(frozen=True)
class CashRun:
    """What was published, and the rung it comes from."""

    summary: RunSummary
    rung: str


def forecast_cash(
    conn: psycopg.Connection,
    as_of_date: date,
    *,
    week_count: int = 13,
    month_count: int = 6,
    draws: int = 2000,
    seed: int = 0,
    wait: bool = True,
    keep: int = KEEP_RUNS,
) -> CashRun:
    """Forecast the cash from invoices open at a date, by week and by month, and publish it.

    Args:
        conn: of the role scorer, outside a transaction.
        as_of_date: a day whose features were built, and scored where a model serves.
        week_count, month_count: periods ahead; one more row holds what comes later.
        draws, seed: of the sample behind the quantiles.

    Raises:
        FeatureError: features were not built, or some invoices were not scored.
    """
    with conn.transaction():
        read = read_open_invoices(conn, as_of_date)
    series = [weeks(as_of_date, week_count), months(as_of_date, month_count)]
    tables = _tables(read, as_of_date, series, draws, seed)
    with publish_run(
        conn, TARGET, as_of_date, [TABLE], model_version=read.model_version, keep=keep, wait=wait
    ) as run:  # fmt: skip
        run.write(pa.concat_tables(tables))
    summary = RunSummary(TARGET, "published", run.row_count, read.model_version, run.run_id)
    return CashRun(summary, read.rung)


def _tables(read: OpenRead, as_of: date, series: list[Periods], draws: int, seed: int) -> list[pa.Table]:
    past_due, amount = read.column("days_past_due"), read.column("amount")
    ends = [periods.days_ahead(as_of) for periods in series]
    due = [amounts_due(past_due, amount, each) for each in ends]
    if read.model_version is None:
        return [_table(read, as_of, p, d, d, None) for p, d in zip(series, due, strict=True)]
    invoices = read.invoices
    draws = sample_size(len(amount), draws)
    means = [mean_by_period(invoices, each, read.shift) for each in ends]
    quantiles = quantiles_by_period(invoices, ends, read.shift, draws, seed)
    return [_table(read, as_of, *each) for each in zip(series, due, means, quantiles, strict=True)]


def _table(
    read: OpenRead, as_of: date, periods: Periods, due: Floats, mean: Floats, quantiles: Floats | None
) -> pa.Table:
    count = len(periods.starts)
    nothing = np.full((len(QUANTILES), count), None)
    low, middle, high = nothing if quantiles is None else quantiles
    return pa.table(
        {
            "as_of_date": pa.array([as_of] * count, pa.date32()),
            "period": pa.array([periods.kind] * count, pa.string()),
            "period_start_on": pa.array(periods.starts, pa.date32()),
            "period_end_on": pa.array(periods.ends, pa.date32()),
            "due_amount": pa.array(due, pa.float64()),
            "mean_amount": pa.array(mean, pa.float64()),
            "p10_amount": pa.array(low, pa.float64()),
            "p50_amount": pa.array(middle, pa.float64()),
            "p90_amount": pa.array(high, pa.float64()),
            "rung": pa.array([read.rung] * count, pa.string()),
            "model_version": pa.array([read.model_version or FALLBACK] * count, pa.string()),
        }
    )
