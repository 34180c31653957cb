"""The chain from deals to cash as a job: forecasts, contracts and open invoices in, one published run out."""

from datetime import date, timedelta

import numpy as np
import psycopg
import pyarrow as pa
from numpy.random import default_rng

from revlayer_udf import queries
from revlayer_udf.cash.calendar import Periods, months
from revlayer_udf.cash.chain import Bookings, Contracts, Flow, chain, collected
from revlayer_udf.cash.expectation import QUANTILES, Floats, amounts_due, draw_by_period, mean_by_period, sample_size
from revlayer_udf.cash.reading import FALLBACK, OpenRead, read_open_invoices
from revlayer_udf.errors import FeatureError
from revlayer_udf.frames import read_table
from revlayer_udf.jobs import RunSummary
from revlayer_udf.publishing import KEEP_RUNS, publish_run

TARGET, TABLE = "revenue_chain", "revenue_chains"
# Between months of won revenue, of a forecast that does not say.
_USUAL_CORRELATION = 0.5
# Of a company without an open invoice nothing tells its terms.
_USUAL_TERMS = 30.0


def forecast_chain(
    conn: psycopg.Connection,
    as_of_date: date,
    *,
    draws: int = 2000,
    seed: int = 0,
    wait: bool = True,
    keep: int = KEEP_RUNS,
) -> RunSummary:
    """Forecast bookings, billings, revenue and cash by month, and publish them.

    Args:
        conn: of the role scorer, outside a transaction.
        as_of_date: a day with a published forecast of won revenue, which gives the months ahead.
        draws, seed: of the sample behind the quantiles.

    Raises:
        FeatureError: features were not built, or no forecast of won revenue of the day is published.
    """
    statements = queries.load("revlayer_udf", "cash/queries.sql")
    first = (as_of_date + timedelta(days=1)).replace(day=1)
    with conn.transaction():
        opened = read_open_invoices(conn, as_of_date)
        won = read_table(conn, statements["bookings"], {"as_of": as_of_date, "first": first})
        levels = read_table(conn, statements["bookings_quantiles"], {"as_of": as_of_date, "first": first})
        flows = read_table(conn, statements["revenue_flows"], {"as_of": as_of_date})
    if not len(won) or not len(levels):
        raise FeatureError(f"no forecast of won revenue as of {as_of_date} is published", "Run: revlayer score")
    periods = months(as_of_date, len(won))
    # Not the generator of the payments' common shift: bookings would go up where payments are late.
    draws, rng = sample_size(len(opened.table), draws), default_rng([seed, 1])
    bookings = _bookings(won, levels)
    contracts, scheduled = _contracts(flows, periods)
    count = len(won)
    parts = chain(
        Flow(bookings.mean, bookings.draw(draws, rng)),
        contracts,
        Flow(contracts.mean_kept(count), contracts.draw_kept(count, draws, rng)),
        scheduled,
        _issued_cash(opened, as_of_date, periods, draws, seed),
        _collection(opened, count),
    )
    with publish_run(
        conn, TARGET, as_of_date, [TABLE], model_version=opened.model_version, keep=keep, wait=wait
    ) as run:  # fmt: skip
        run.write(_table(parts, as_of_date, periods, opened.model_version or FALLBACK))
    return RunSummary(TARGET, "published", run.row_count, opened.model_version, run.run_id)


def _bookings(won: pa.Table, levels: pa.Table) -> Bookings:
    learnt = won["month_correlation"][0].as_py()
    correlation = _USUAL_CORRELATION if learnt is None else float(np.clip(learnt, 0.0, 1.0))
    mean, probability, amount = (
        np.asarray(table[name].to_numpy(), np.float64)
        for table, name in ((won, "mean"), (levels, "probability"), (levels, "amount"))
    )
    held = amount.reshape(len(won), -1)
    return Bookings(mean, probability[: held.shape[1]], held, correlation)


def _contracts(flows: pa.Table, periods: Periods) -> tuple[Contracts, Floats]:
    starts = [start.replace(day=1) for start in periods.starts[:-1]]
    renewals: dict[int, Floats] = {}
    won: dict[int, float] = {}
    scheduled, retention = np.zeros(len(starts)), []
    for row in flows.to_pylist():
        month, period, amount = row["month_start_on"], row["period_months"], row["amount"]
        if row["flow"] == "retention":
            retention.append(amount)
        elif row["flow"] == "won":
            won[period] = amount
        elif month in starts and row["flow"] == "renewal":
            renewals.setdefault(period, np.zeros(len(starts)))[starts.index(month)] += amount
        elif month in starts:
            scheduled[starts.index(month)] += amount
    total = sum(won.values())
    shares = {period: amount / total for period, amount in sorted(won.items())}
    return Contracts(dict(sorted(renewals.items())), np.sort(np.array(retention)), shares), scheduled


def _issued_cash(opened: OpenRead, as_of: date, periods: Periods, draws: int, seed: int) -> Flow:
    ends = periods.days_ahead(as_of)
    if opened.model_version is None:
        due = amounts_due(opened.column("days_past_due"), opened.column("amount"), ends)[:-1]
        return Flow(due, np.broadcast_to(due, (draws, len(due))))
    mean = mean_by_period(opened.invoices, ends, opened.shift)
    (drawn,) = draw_by_period(opened.invoices, [ends], opened.shift, draws, seed)
    return Flow(mean[:-1], drawn[:-1].T)


def _collection(opened: OpenRead, count: int) -> Floats:
    """Invoices to come are paid as those open now would be, weighted by their amounts."""
    weights = opened.column("amount")
    if not weights.sum() > 0:
        return collected(_USUAL_TERMS, 0.0, 0.0, count)

    def mean(name: str) -> float:
        return float(np.average(opened.column(name), weights=weights))

    terms = mean("payment_terms_days")
    if opened.model_version is None:
        return collected(terms, 0.0, 0.0, count)
    return collected(terms, mean("location_days"), mean("scale_days"), count)


def _table(parts: dict[tuple[str, str], Flow], as_of: date, periods: Periods, version: str) -> pa.Table:
    starts = [start.replace(day=1) for start in periods.starts[:-1]]
    count = len(starts)
    quantiles = {key: flow.quantiles(QUANTILES) for key, flow in parts.items()}
    keys = [key for key in parts for _ in range(count)]
    return pa.table(
        {
            "as_of_date": pa.array([as_of] * len(keys), pa.date32()),
            "stage": pa.array([stage for stage, _ in keys], pa.string()),
            "part": pa.array([part for _, part in keys], pa.string()),
            "month_start_on": pa.array(starts * len(parts), pa.date32()),
            "mean_amount": pa.array(np.concatenate([flow.mean for flow in parts.values()])),
            **{
                f"p{round(100 * level)}_amount": pa.array(np.concatenate([found[row] for found in quantiles.values()]))
                for row, level in enumerate(QUANTILES)
            },
            "model_version": pa.array([version] * len(keys), pa.string()),
        }
    )
