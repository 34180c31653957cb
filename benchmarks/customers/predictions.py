"""Predictions of customers: one by id through the functions in SQL, and all of a day by the job and by SQL."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import LiteralString

import numpy as np
import psycopg
from psycopg import sql

from revlayer import dbt, demo
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer
from revlayer_training.training import train_all
from revlayer_udf import functions, jobs, queries, registry

TARGETS = ("customer_churn", "customer_value", "customer_expansion")
CALLS = 400
WARM_CALLS = 20
BATCHES = 3
SQL = queries.load("benchmarks.customers", "predictions.sql")


@dataclass(frozen=True)
class Measured:
    """One target. Milliseconds of a call by id in one warm session, and rows a second of whole days.

    Attributes:
        rung: of the model that answers.
        prepared: 50th and 95th percentile where the statement was prepared once.
        planned: the same, parsed and planned anew for every call.
        by_job, by_job_with_reasons, by_sql: rows a second; by SQL in one backend.
    """

    target: str
    algorithm: str
    rung: str
    calls: int
    prepared: tuple[float, float]
    planned: tuple[float, float]
    rows: int
    by_job: float
    by_job_with_reasons: float
    by_sql: float


def make(settings: Settings, company: demo.Company) -> None:
    """Simulate a company, build features and labels of its customers, train the three models, install them in SQL."""
    deploy(settings)
    demo.simulate_company(settings, company, lambda what, done, total: None)
    dbt.run(settings, ["run", "--select", "+ftr_customers", "+lbl_customers"], {"as_of_date": str(company.end_on)})
    with connect(settings, "scorer") as conn:
        train_all(conn, company.end_on, TARGETS)
        conn.commit()
        for target in TARGETS:
            functions.install(conn, target, "sql")
        conn.commit()


def measure(settings: Settings, as_of_date: date, calls: int = CALLS) -> list[Measured]:
    """Measure all targets of a database that ``make`` has made."""
    with (
        connect(settings, "scorer", autocommit=True) as conn,
        connect(settings, "scorer", autocommit=True) as read_conn,
    ):
        return [_measure_one(conn, read_conn, target, as_of_date, calls) for target in TARGETS]


def _measure_one(
    conn: psycopg.Connection, read_conn: psycopg.Connection, target: str, day: date, calls: int
) -> Measured:
    manifest = registry.require_champion(conn, target).manifest
    customers = [row[0] for row in conn.execute(SQL["known_customers"], [day, calls]).fetchall()]
    [(rows,)] = conn.execute(SQL["row_count"], [day]).fetchall()

    def job(*, reasons: bool) -> None:
        jobs.score_targets(conn, day, [target], read_conn=read_conn, reasons=reasons, keep=0)

    return Measured(
        target=target,
        algorithm=manifest.algorithm,
        rung=manifest.rung,
        calls=calls,
        prepared=_called(conn, target, customers, day, calls, prepared=True),
        planned=_called(conn, target, customers, day, calls, prepared=False),
        rows=rows,
        by_job=_rate(rows, lambda: job(reasons=False)),
        by_job_with_reasons=_rate(rows, lambda: job(reasons=True)),
        by_sql=_rate(rows, lambda: conn.execute(_statement(conn, target, "of_all"), [day]).fetchall()),
    )


def _called(
    conn: psycopg.Connection, target: str, customers: Sequence[str], day: date, calls: int, *, prepared: bool
) -> tuple[float, float]:
    """Return the 50th and 95th percentile of a call, in milliseconds, the way to the server and back included."""
    conn.prepare_threshold = 0 if prepared else None
    statement = _statement(conn, target, "of_one").as_string(conn).encode()
    seconds = []
    for number in range(WARM_CALLS + calls):
        parameters = [customers[number % len(customers)], day]
        begun = time.perf_counter()
        found = conn.execute(statement, parameters).fetchall()
        seconds.append(time.perf_counter() - begun)
        if len(found) != 1:
            raise RuntimeError(f"{target} has {len(found)} predictions for {parameters[0]}")
    low, high = 1_000 * np.quantile(seconds[WARM_CALLS:], [0.5, 0.95])
    return float(low), float(high)


def _statement(conn: psycopg.Connection, target: str, name: LiteralString) -> sql.Composed:
    function = sql.Identifier("scoring", f"predict_{target}")
    found = conn.execute(
        sql.SQL(SQL["argument_names"]).format(function=sql.Literal(f"scoring.predict_{target}"))
    ).fetchall()
    arguments = [sql.SQL(SQL["argument"]).format(name=sql.Identifier(row[0])) for row in found]
    return sql.SQL(SQL[name]).format(function=function, arguments=sql.SQL(", ").join(arguments))


def _rate(rows: int, call: Callable[[], object]) -> float:
    """Rows a second of the fastest of a few runs after a first one."""
    call()
    seconds = []
    for _ in range(BATCHES):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return rows / min(seconds)


def measured_lines(company: demo.Company, workspace: Path, machine: str) -> list[str]:
    """Measure on a server of its own, and return the block of the document."""
    with TemporaryDirectory(dir=workspace) as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        settings = Settings(home=Path(folder) / "home")
        server = EmbeddedServer.of(settings)
        server.start()
        try:
            make(settings, company)
            found = measure(settings, company.end_on)
        finally:
            server.remove()
    return [machine, "", *lines(found)]


def lines(found: Sequence[Measured]) -> list[str]:
    """Return the figures as a table in Markdown."""
    body = [
        "| target | model | one customer, prepared: p50 ms | p95 ms | planned each time: p50 ms | p95 ms "
        "| rows | job, rows/s | with reasons | SQL, rows/s |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        model = row.algorithm if row.rung == "model" else f"{row.algorithm} ({row.rung})"
        body.append(
            f"| {row.target} | {model} | {row.prepared[0]:.2f} | {row.prepared[1]:.2f} | {row.planned[0]:.2f} "
            f"| {row.planned[1]:.2f} | {row.rows:,} | {row.by_job:,.0f} | {row.by_job_with_reasons:,.0f} "
            f"| {row.by_sql:,.0f} |"
        )
    return body
