"""dbt models as plain SQL: compiled over tables without rows, then filled within one transaction that is rolled back.

A property test runs hundreds of histories through the models' own text this way, without a dbt process for each.
"""

import json
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg import sql

from revlayer import dbt

# Histories until their dead rows are swept away.
SWEEP_EVERY = 100
# Nobody looks at the events of these rows.
UNWATCHED = """
do $$
declare
    v_table regclass;
begin
    for v_table in select tgrelid::regclass from pg_trigger where tgname = 'audit_insert' loop
        execute format('alter table %s disable trigger user', v_table);
    end loop;
end $$
"""


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

    @cached_property
    def _session(self) -> "_Session":
        return _Session(self.database, self.models)

    @contextmanager
    def filled(self, rows: Mapping[str, Sequence[Mapping[str, object]]]) -> Iterator[psycopg.Connection]:
        """Give a connection that sees the models built from these raw rows; everything is rolled back afterwards.

        Args:
            rows: by raw table, rows as column → value; what a row leaves out takes the column's default.
        """
        conn = self._session.conn
        try:
            self._session.fill(rows)
            yield conn
        finally:
            conn.execute("rollback")
            self._session.sweep()

    def refill(self, rows: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
        """Within ``filled``: build the models again, from other rows of the tables that are named."""
        self._session.refill(rows)


class _Session:
    """One connection for all histories, so that what one of them planned and looked up serves the next."""

    def __init__(self, database: Any, models: Sequence[CompiledModel]) -> None:
        self.conn = database.connect(autocommit=True)
        self.conn.prepare_threshold = None  # or psycopg would forget all prepared statements with every rollback
        weakref.finalize(self, self.conn.close)
        self._inserts: dict[tuple[str, ...], sql.Identifier] = {}
        self._relations = [_written(model.relation) for model in models]
        self._fills = [sql.SQL("execute {}").format(sql.Identifier(f"model_{n}")) for n in range(len(models))]
        self._rolled_back = 0
        for number, model in enumerate(models):
            statement = sql.SQL("prepare {} as insert into {} {}").format(
                sql.Identifier(f"model_{number}"), _written(model.relation), _written(model.query)
            )
            self.conn.execute(statement)

    def fill(self, rows: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
        """Begin a transaction, insert the rows and build the models, in one message to the server."""
        inserts = [self._insert(table, alike) for table, records in rows.items() for alike in _shapes(records)]
        self.conn.execute(sql.SQL("; ").join([sql.SQL("begin"), *inserts, *self._fills]))

    def refill(self, rows: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
        """Put other rows and what follows from them in place of those that the transaction has."""
        emptied = [*(sql.Identifier("raw", table) for table in rows), *self._relations]
        inserts = [self._insert(table, alike) for table, records in rows.items() for alike in _shapes(records)]
        self.conn.execute(sql.SQL("; ").join(sql.SQL("delete from {}").format(name) for name in emptied))
        self.conn.execute(sql.SQL("; ").join([*inserts, *self._fills]))

    def sweep(self) -> None:
        """Remove what earlier histories left in the tables' files, now and then."""
        self._rolled_back += 1
        if self._rolled_back % SWEEP_EVERY == 0:
            raw = [sql.Identifier("raw", table) for table in sorted({table for table, *_ in self._inserts})]
            self.conn.execute(sql.SQL("vacuum {}").format(sql.SQL(", ").join([*self._relations, *raw])))

    def _insert(self, table: str, alike: Sequence[Mapping[str, object]]) -> sql.Composable:
        """One statement for rows of a shape: values travel as JSON and take their columns' types."""
        shape = (table, *alike[0])
        if shape not in self._inserts:
            name = self._inserts[shape] = sql.Identifier(f"insert_{len(self._inserts)}")
            statement = sql.SQL(
                "prepare {name} (json) as insert into raw.{table} ({columns})"
                " select {columns} from json_populate_recordset(null::raw.{table}, $1)"
            ).format(
                name=name,
                table=sql.Identifier(table),
                columns=sql.SQL(", ").join(map(sql.Identifier, shape[1:])),
            )
            self.conn.execute(statement)
        values = sql.Literal(json.dumps(alike, default=str))
        return sql.SQL("execute {}({})").format(self._inserts[shape], values)


def compile_models(
    database: Any,
    selection: Sequence[str],
    as_of: str,
    target_path: Path,
    variables: Mapping[str, object] | None = None,
    made_by_hand: Sequence[str] = (),
) -> CompiledModels:
    """Compile the selected models, and empty their tables.

    Args:
        database: a copy of one with every model over empty tables (fixture ``built``): compiling takes a tenth of
            building.
        selection: arguments of dbt's ``--select``; what the models read must be among them.
        made_by_hand: models that tables stand in for; what reads them is filled as what reads a source is.
    """
    given = {"as_of_date": as_of, **(variables or {})}
    command = ["compile", "--full-refresh", "--select", *selection, "--exclude", "resource_type:test"]
    with patch.object(dbt, "_collect", wraps=dbt._collect) as collected:  # the artefacts are 20 MB of JSON
        dbt.run(database.settings, command, given, target_path=target_path)
    nodes = {item.node.unique_id: item.node for item in collected.call_args.args[0].results}
    models = {name: node for name, node in nodes.items() if node.resource_type == "model"}
    compiled = {name: CompiledModel(node.name, node.relation_name, node.compiled_code) for name, node in models.items()}
    views = {name for name, node in models.items() if node.config.materialized == "view"}
    graph = {name: node.depends_on.nodes for name, node in models.items()}
    fed = _fed_by_sources(graph, made_by_hand)
    with database.connect("transformer") as conn:
        for name in TopologicalSorter(graph).static_order():
            if name in compiled:
                _make(conn, compiled[name], is_view=name in views, is_filled=name not in fed)
        conn.commit()
    with database.connect() as conn:
        conn.execute(UNWATCHED)
        conn.commit()
    return CompiledModels(database, [compiled[name] for name in fed if name in compiled and name not in views])


def _make(conn: psycopg.Connection, model: CompiledModel, *, is_view: bool, is_filled: bool) -> None:
    """Bring a relation of another day, or of other variables, to what it is with these."""
    relation, query = _written(model.relation), _written(model.query)
    if is_view:
        conn.execute(sql.SQL("create or replace view {} as {}").format(relation, query))
        return
    conn.execute(sql.SQL("truncate {}").format(relation))
    if is_filled:
        conn.execute(sql.SQL("insert into {} {}").format(relation, query))


def _written(text: str) -> sql.SQL:
    """Name or query of a model as dbt has written it."""
    return sql.SQL(text)


def _fed_by_sources(graph: Mapping[str, Sequence[str]], made_by_hand: Sequence[str]) -> list[str]:
    """What reads a source or a table made by hand, directly or not, after all that it reads itself."""
    fed: dict[str, None] = {}
    for name in TopologicalSorter(graph).static_order():
        is_given = name.startswith("source.") or name.rpartition(".")[2] in made_by_hand
        if is_given or any(parent in fed for parent in graph.get(name, ())):
            fed[name] = None
    return list(fed)


def _shapes(records: Sequence[Mapping[str, object]]) -> Iterable[list[Mapping[str, object]]]:
    """Rows that name the same columns together."""
    shapes: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    for record in records:
        shapes.setdefault(tuple(record), []).append(record)
    return shapes.values()
