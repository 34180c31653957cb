"""Seconds and memory of a build of customer features, by number of customers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.customers import data
from benchmarks.memory import watch
from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer

MODELS = ("+ftr_customers", "+lbl_customers")
SLOWEST = 5


@dataclass(frozen=True)
class Measured:
    """One build; memory in GiB, of PostgreSQL; the slowest models with their seconds."""

    customers: int
    rows: int
    seconds: float
    server_gib: float
    slowest: list[tuple[str, float]]


def measure(sizes: Sequence[int], workspace: Path) -> list[Measured]:
    """Build features and labels of nine as-of dates, in a new cluster per size."""
    return [_measure_one(customers, workspace) for customers in sizes]


def _measure_one(customers: int, workspace: Path) -> Measured:
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
            with watch(server.process_id()) as peak:
                begun = time.perf_counter()
                result = dbt.run(
                    settings, ["run", "--select", *MODELS], {"as_of_date": data.AS_OF_DATE},
                    target_path=Path(folder) / "target",
                )  # fmt: skip
                seconds = time.perf_counter() - begun
            with connect(settings) as conn:
                found = conn.execute("select count(*) from features.ftr_customers").fetchone()
        finally:
            server.remove()
    slowest = sorted(result.seconds.items(), key=lambda item: -item[1])[:SLOWEST]
    print(f"{customers:>9,} {seconds:8.1f} s  {slowest}", flush=True)
    return Measured(customers, found[0] if found else 0, seconds, peak.server / 2**30, slowest)


def measured_lines(sizes: Sequence[int], workspace: Path, machine: str) -> list[str]:
    """The block of the document."""
    rows = measure(sizes, workspace)
    lines = [
        machine,
        "",
        "| customers | events | feature rows | seconds | growth | peak PostgreSQL GiB | slowest models |",
        "|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        slowest = ", ".join(f"{name} {seconds:,.0f} s" for name, seconds in row.slowest)
        lines.append(
            f"| {row.customers:,} | {data.EVENTS_PER_CUSTOMER * row.customers:,} | {row.rows:,} | {row.seconds:,.1f} "
            f"| {row.seconds / rows[0].seconds:.1f} × | {row.server_gib:.2f} | {slowest} |"
        )
    return lines
