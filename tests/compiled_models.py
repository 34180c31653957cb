"""dbt models as plain SQL: built once over empty tables, then filled within one transaction that is rolled back.

A property test runs hundreds of histories through the models' own text this way, without a dbt process for each.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from revlayer import dbt


@dataclass(frozen=True)
class CompiledModel:
    """A model that is a table: its relation and the query that fills it."""

    name: str
    relation: str
    query: str


@dataclass(frozen=True)
class CompiledModels:
    """Models in an order in which each finds what it reads.

    Views are in the database and need no filling, nor does what hangs on no source, such as the calendar.
    """

    database: Any
    # Left out of what a failing history prints.
    models: Sequence[CompiledModel] = field(repr=False)

    @contextmanager
    def filled(self, rows: Mapping[str, Sequence[Mapping[str, object]]]) -> Iterator[psycopg.Connection]:
        """Give a connection that sees the models built from these raw rows; everything is rolled back afterwards.

        Args:
            rows: by raw table, rows as column → value; what a row leaves out takes the column's default.
        """
        with self.database.connect() as conn:
            for table, records in rows.items():
                _insert(conn, table, records)
            for model in self.models:
                _fill(conn, model)
            try:
                yield conn
            finally:
                conn.rollback()


def compile_models(
    database: Any,
    selection: Sequence[str],
    as_of: str,
    target_path: Path,
    variables: Mapping[str, object] | None = None,
) -> CompiledModels:
    """Build the selected models over the empty tables of a migrated database, and keep their compiled text.

    Args:
        selection: arguments of dbt's ``--select``; what the models read must be among them.
    """
    dbt.run(
        database.settings,
        ["run", "--full-refresh", "--select", *selection],
        {"as_of_date": as_of, **(variables or {})},
        target_path=target_path,
    )
    nodes = json.loads((target_path / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((target_path / "run_results.json").read_text(encoding="utf-8"))["results"]
    tables = {
        item["unique_id"]: CompiledModel(nodes[item["unique_id"]]["name"], item["relation_name"], item["compiled_code"])
        for item in results
        if nodes[item["unique_id"]]["config"]["materialized"] in ("table", "incremental")
    }
    graph = {item["unique_id"]: nodes[item["unique_id"]]["depends_on"]["nodes"] for item in results}
    models = [tables[name] for name in _fed_by_sources(graph) if name in tables]
    with database.connect() as conn:
        for model in models:  # the build over no rows may leave some, such as the rate of the reporting currency
            conn.execute(f"truncate {model.relation}".encode())
        conn.commit()
    return CompiledModels(database, models)


def _fed_by_sources(graph: Mapping[str, Sequence[str]]) -> list[str]:
    """What reads a source, directly or not, after all that it reads itself."""
    fed: dict[str, None] = {}
    for name in TopologicalSorter(graph).static_order():
        if name.startswith("source.") or any(parent in fed for parent in graph.get(name, ())):
            fed[name] = None
    return list(fed)


def _insert(conn: psycopg.Connection, table: str, records: Sequence[Mapping[str, object]]) -> None:
    """One statement for all rows of a shape: values travel as JSON and take their columns' types."""
    shapes: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    for record in records:
        shapes.setdefault(tuple(record), []).append(record)
    for columns, alike in shapes.items():
        statement = sql.SQL(
            "insert into raw.{table} ({columns}) select {columns} from json_populate_recordset(null::raw.{table}, %s)"
        ).format(table=sql.Identifier(table), columns=sql.SQL(", ").join(map(sql.Identifier, columns)))
        conn.execute(statement, [json.dumps(alike, default=str)])


def _fill(conn: psycopg.Connection, model: CompiledModel) -> None:
    # The text is the model's own, compiled by dbt; percent signs in it are not placeholders without parameters.
    statement = f"insert into {model.relation} {model.query}"
    conn.execute(statement.encode())
