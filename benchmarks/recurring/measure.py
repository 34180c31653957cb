"""Seconds of whole and partial builds of recurring revenue, and whether both give the same tables."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg import sql

from benchmarks.memory import watch
from benchmarks.recurring import data
from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer

MODELS = ("+fct_mrr_movements", "+fct_mrr_movements_daily", "+fct_mrr_movements_reporting")
VARIABLES = {"as_of_date": data.AS_OF_DATE}
SHARE = 0.01


@dataclass(frozen=True)
class Measured:
    """One build at one size; memory in GiB, of PostgreSQL."""

    customers: int
    build: str
    seconds: float
    server_gib: float
    rows: int


def measure(sizes: Sequence[int], workspace: Path) -> list[Measured]:
    """Build, change 1 % of the customers, build again, then rebuild whole, in a new cluster per size.

    Raises:
        SystemExit: the partial build and the whole one differ.
    """
    return [row for customers in sizes for row in _measure_one(customers, workspace)]


def _measure_one(customers: int, workspace: Path) -> list[Measured]:
    rows: list[Measured] = []
    with TemporaryDirectory(dir=workspace) as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        settings = Settings(home=Path(folder) / "home")
        server = EmbeddedServer.of(settings)
        server.start()
        try:
            deploy(settings)
            with connect(settings, "loader") as conn:
                data.fill(conn, customers)
                conn.commit()
            with connect(settings, autocommit=True) as conn:
                conn.execute("vacuum analyze")  # what autovacuum would have done by and by

            def build(name: str, *arguments: str) -> dict[str, tuple[int, int]]:
                with watch(server.process_id()) as peak:
                    seconds = _build(settings, Path(folder) / "target", arguments)
                found = _contents(settings)
                rows.append(Measured(customers, name, seconds, peak.server / 2**30, found["fct_mrr_items_monthly"][0]))
                print(f"{customers:>9,} {name:<28} {seconds:8.1f} s", flush=True)
                return found

            build("the first, whole")
            build("nothing changed")
            with connect(settings, "loader") as conn:
                data.change_some(conn, SHARE)
                conn.commit()
            partial = build(f"{SHARE:.0%} of customers changed")
            if build("the same, whole", "--full-refresh") != partial:
                raise SystemExit("the partial build differs from the whole one")
        finally:
            server.remove()
    return rows


def _build(settings: Settings, target: Path, arguments: Sequence[str]) -> float:
    begun = time.perf_counter()
    dbt.run(settings, ["run", "--select", *MODELS, *arguments], VARIABLES, target_path=target)
    return time.perf_counter() - begun


def _contents(settings: Settings) -> dict[str, tuple[int, int]]:
    """Rows of every table kept by customer, and a sum of their hashes."""
    with connect(settings) as conn:
        return {
            name: conn.execute(sql.SQL(data.SQL["content"]).format(table=sql.Identifier(schema, name))).fetchone()
            for name, schema in conn.execute(data.SQL["tables"]).fetchall()
        }


def measured_lines(sizes: Sequence[int], workspace: Path, machine: str) -> list[str]:
    """The block of the document."""
    rows = measure(sizes, workspace)
    lines = [machine, "", "| customers | build | item months | seconds | of the whole | peak PostgreSQL GiB |",
             "|---:|---|---:|---:|---:|---:|"]  # fmt: skip
    whole = {row.customers: row.seconds for row in rows if row.build == "the same, whole"}
    for row in rows:
        lines.append(
            f"| {row.customers:,} | {row.build} | {row.rows:,} | {row.seconds:,.1f} "
            f"| {row.seconds / whole[row.customers]:.1%} | {row.server_gib:.2f} |"
        )
    return lines
