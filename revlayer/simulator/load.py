"""Write a simulated company into the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import psycopg
from psycopg import sql

from revlayer.simulator.clock import history_start
from revlayer.simulator.extent import Extent
from revlayer.simulator.generation import generate
from revlayer.simulator.parameters import CHUNK_DEALS, SOURCE_NAME
from revlayer_udf import queries
from revlayer_udf.frames import copy_in

DEFAULT_END = date(2025, 12, 31)
#: Called after every chunk with what is being done, deals done and deals in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SimulationSummary:
    """What was written: rows by schema-qualified table."""

    deals: int
    seed: int
    start_on: date
    end_on: date
    rows: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        changes, activities = self.rows.get("raw.deal_changes", 0), self.rows.get("raw.activities", 0)
        return (
            f"{self.deals:,} deals from {self.start_on} to {self.end_on} (seed {self.seed}), "
            f"{changes:,} changes, {activities:,} activities, {self.rows.get('raw.invoices', 0):,} invoices, "
            f"{self.rows.get('raw.orders', 0):,} orders, {self.rows.get('raw.installs', 0):,} installs"
        )


def simulate(
    conn: psycopg.Connection,
    deals: int = 20_000,
    seed: int = 1,
    months: int = 48,
    end_on: date = DEFAULT_END,
    progress: Progress | None = None,
    shoppers: int | None = None,
    installs: int | None = None,
) -> SimulationSummary:
    """Replace the source 'simulator' with a company of `deals` deals over `months` months up to `end_on`.

    All in one transaction, so readers see the old company or the new one; where the caller has one open, the
    caller commits. Rows of other sources stay. The same arguments write the same rows, but for loaded_at.
    Needs write access to raw and truth. Raises ValueError for sizes out of range.

    Args:
        shoppers: people who buy in its shop; None for a number in proportion to the deals.
        installs: installs of its app, likewise.
    """
    extent = Extent.of(deals, shoppers, installs)
    rows: dict[str, int] = {}
    done = 0
    with conn.transaction():
        for statement in queries.load("revlayer.simulator", "queries/clear.sql").values():
            conn.execute(statement, {"source_name": SOURCE_NAME})
        for name, table in generate(deals, seed, months, end_on, extent=extent):
            if table.num_rows:
                copy_in(conn, sql.Identifier(*name.split(".")), table)
            rows[name] = rows.get(name, 0) + table.num_rows
            if name == "truth.deal_win_probability":
                done = min(done + CHUNK_DEALS, deals)
                if progress is not None:
                    progress("simulate deals", done, deals)
            elif name == "truth.install_revenue" and progress is not None and installs is not None:
                progress("simulate installs", rows[name], extent.installs)
    return SimulationSummary(deals, seed, history_start(end_on, months), end_on, rows)
