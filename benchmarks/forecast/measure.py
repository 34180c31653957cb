"""Seconds and memory of the job that forecasts revenue, by the number of open deals."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks.memory import watch
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer
from revlayer_udf import queries
from revlayer_udf.forecast import forecast_revenue

AS_OF = date(2025, 12, 31)
DRAWS, HORIZON = 10_000, 12
SQL = queries.load("benchmarks.forecast", "data.sql")


@dataclass(frozen=True)
class Measured:
    """One forecast; memory in GiB."""

    deals: int
    seconds: float
    client_gib: float
    server_gib: float
    rows: int


def measure(sizes: Sequence[int], workspace: Path) -> list[Measured]:
    """Forecast twelve months with 10,000 draws, in a new cluster per size; every month end has past open deals."""
    return [_measure_one(deals, workspace) for deals in sizes]


def _measure_one(deals: int, workspace: Path) -> Measured:
    with TemporaryDirectory(dir=workspace) as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        settings = Settings(home=Path(folder) / "home")
        server = EmbeddedServer.of(settings)
        server.start()
        try:
            deploy(settings)
            with connect(settings, "transformer") as conn:
                _fill(conn, deals)
            with connect(settings, "scorer") as conn, watch(server.process_id()) as peak:
                begun = time.perf_counter()
                summary = forecast_revenue(conn, AS_OF, horizon=HORIZON, past_months=0, draws=DRAWS)
                seconds = time.perf_counter() - begun
        finally:
            server.remove()
    print(f"{deals:>9,} open deals {seconds:8.1f} s", flush=True)
    return Measured(deals, seconds, peak.client / 2**30, peak.server / 2**30, summary.row_count)


def _fill(conn: psycopg.Connection, deals: int) -> None:
    values = {"as_of": AS_OF, "deals": deals}
    for name in ("tables", "numbers"):
        conn.execute(SQL[name])
    for name in ("open_deals", "closed_deals", "past_open_deals"):
        conn.execute(SQL[name], values)
    conn.execute(SQL["indexes"])
    conn.commit()


def measured_lines(sizes: Sequence[int], workspace: Path, machine: str) -> list[str]:
    """The block of the document."""
    lines = [machine, "", "| open deals | seconds | seconds per 100,000 | peak Python GiB | peak PostgreSQL GiB |",
             "|---:|---:|---:|---:|---:|"]  # fmt: skip
    for row in measure(sizes, workspace):
        lines.append(
            f"| {row.deals:,} | {row.seconds:,.1f} | {row.seconds / row.deals * 1e5:,.1f} | {row.client_gib:.2f} "
            f"| {row.server_gib:.2f} |"
        )
    return lines
