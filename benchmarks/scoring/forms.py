"""Which form of a tree ensemble in SQL is the faster one, by its number of leaves: nested CASE or rows of a table.

The compiler's threshold (``revlayer_udf.compiler.forests.choice``) is read from what this writes.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.scoring import servers
from revlayer.database import deploy
from revlayer_udf import queries
from revlayer_udf.compiler.forests.case import combine, tree_expressions
from revlayer_udf.compiler.forests.choice import CASE_LEAF_LIMIT
from revlayer_udf.compiler.forests.slots import Slots, slot_expression
from revlayer_udf.compiler.forests.storage import store
from revlayer_udf.compiler.forests.table import StoredForest
from revlayer_udf.ensemble import LEAF, Ensemble

SQL = queries.load("benchmarks.scoring", "forms.sql")
COMMA = sql.SQL(", ")
# Of so many rows.
Statement = Callable[[int], sql.Composed]
FEATURES = 30
ROWS = 1_000
SIZES = {
    "depth 5": [(trees, 32) for trees in (30, 100, 300, 600, 1_000)],
    "leaf-wise 31": [(trees, 31) for trees in (30, 100, 300, 600, 1_000)],
    "depth 10": [(trees, 1_024) for trees in (3, 10, 20, 30, 60, 100)],
}


@dataclass(frozen=True)
class FormRow:
    """One ensemble in one form. Times in milliseconds, medians of warm statements.

    Attributes:
        one_row: a statement that scores one row, parsed and planned anew as most clients do.
        thousand_rows: a statement that scores a thousand.
        megabytes: of the statement's text.
    """

    shape: str
    trees: int
    leaves: int
    form: str
    one_row: float
    thousand_rows: float
    megabytes: float


def grow(trees: int, leaves: int, *, level_wise: bool, seed: int = 0) -> Ensemble:
    """Return random trees over FEATURES standard normal features, grown level by level or at a random leaf."""
    random = np.random.default_rng(seed)
    count = 2 * leaves - 1
    children = np.tile(np.arange(count), (2, trees, 1))
    is_leaf = np.ones((trees, count), bool)
    for tree in range(trees):
        growing = [0]
        for step in range(leaves - 1):
            node = growing.pop(0 if level_wise else int(random.integers(len(growing))))
            pair = [2 * step + 1, 2 * step + 2]
            children[:, tree, node], is_leaf[tree, node] = pair, False
            growing += pair
    offsets = np.arange(trees)[:, None] * count
    left, right = ((side + offsets).ravel() for side in children)
    leaf = is_leaf.ravel()
    return Ensemble(
        roots=np.arange(trees) * count,
        feature=np.where(leaf, LEAF, random.integers(FEATURES, size=len(leaf))),
        threshold=random.normal(size=len(leaf)).astype(np.float32),
        left=left,
        right=right,
        missing_left=np.zeros(len(leaf), bool),
        values=np.where(leaf, random.normal(size=len(leaf)), 0)[:, None],
        cover=None,
        aggregate="SUM",
        base=np.zeros(1),
    )


def measure(conn: psycopg.Connection, sizes: dict[str, list[tuple[int, int]]] | None = None) -> list[FormRow]:
    """Measure both forms of every size; writes temporary rows that are rolled back."""
    _fill(conn)
    found: list[FormRow] = []
    for shape, pairs in (sizes or SIZES).items():
        for trees, leaves in pairs:
            ensemble = grow(trees, leaves, level_wise=shape.startswith("depth"))
            slots = Slots.of(ensemble)
            for form, statement in (("CASE", _case(ensemble, slots)), ("table", _table(conn, ensemble, slots))):
                statements = {rows: statement(rows).as_string(conn).encode() for rows in (1, ROWS)}
                found.append(_measured(conn, shape, ensemble, form, statements))
    conn.rollback()
    return found


def _fill(conn: psycopg.Connection) -> None:
    columns = COMMA.join(sql.SQL("{} double precision").format(sql.Identifier(f"f{at}")) for at in range(FEATURES))
    conn.execute(sql.SQL(SQL["create_form_rows"]).format(columns=columns))
    matrix = np.random.default_rng(1).normal(size=(ROWS, FEATURES))
    with conn.cursor().copy(SQL["copy_form_rows"]) as copy:
        for number, row in enumerate(matrix.tolist()):
            copy.write_row([number, *row])
    conn.execute(SQL["analyze_form_rows"])


def _source(slots: Slots, rows: int) -> sql.Composed:
    columns = (
        sql.SQL("{} as {}").format(sql.SQL(slot_expression(f"r.f{feature}", missing)), sql.Identifier(f"s{at}"))
        for at, (feature, missing) in enumerate(zip(slots.features, slots.missing_left, strict=True))
    )
    return sql.SQL(SQL["form_slots"]).format(columns=COMMA.join(columns), rows=sql.Literal(rows))


def _case(ensemble: Ensemble, slots: Slots) -> Statement:
    columns = [f"q.s{at}" for at in range(len(slots.features))]
    total = sql.SQL(combine(tree_expressions(ensemble, slots, columns, 0), "SUM"))
    return lambda rows: sql.SQL(SQL["form_case"]).format(total=total, source=_source(slots, rows))


def _table(conn: psycopg.Connection, ensemble: Ensemble, slots: Slots) -> Statement:
    forest = StoredForest.of(ensemble, slots)
    store(conn, [forest], "benchmark of forms")
    columns = [f"q.s{at}" for at in range(len(slots.features))]
    query = sql.SQL(forest.query(columns, ["total"]))
    return lambda rows: sql.SQL(SQL["form_table"]).format(source=_source(slots, rows), forest=query)


def _measured(
    conn: psycopg.Connection, shape: str, ensemble: Ensemble, form: str, statements: Mapping[int, bytes]
) -> FormRow:
    def run(rows: int) -> Callable[[], object]:
        return lambda: conn.execute(statements[rows]).fetchall()

    one, thousand = _median(run(1)), _median(run(ROWS))
    return FormRow(
        shape=shape,
        trees=len(ensemble.roots),
        leaves=ensemble.leaf_count,
        form=form,
        one_row=1_000 * one,
        thousand_rows=1_000 * thousand,
        megabytes=len(statements[1]) / 1e6,
    )


def _median(call: Callable[[], object], times: int = 3) -> float:
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def lines(found: list[FormRow]) -> list[str]:
    """Return the figures as a table in Markdown."""
    head = [
        "| trees | leaves | form | one row ms | 1,000 rows ms | statement MB |",
        "|---|---:|---|---:|---:|---:|",
    ]
    return head + [
        f"| {row.trees:,} × {row.shape} | {row.leaves:,} | {row.form} | {row.one_row:,.1f} | {row.thousand_rows:,.0f} "
        f"| {row.megabytes:.2f} |"
        for row in found
    ]


def measured_lines(workspace: Path) -> list[str]:
    """Measure on a server of its own, and return the table with what it says of the compiler's choice."""
    with servers.main_server(workspace / "revlayer-forms") as url:
        try:
            deploy(servers.Database(url, ROWS).settings)
            with psycopg.connect(url) as conn:
                conn.execute("set local jit = off")
                found = measure(conn)
        finally:
            servers.remove(workspace / "revlayer-forms")
    return [*lines(found), "", verdict(found)]


def verdict(found: list[FormRow]) -> str:
    """The largest ensemble for which CASE is the faster form over a thousand rows, beside the compiler's limit."""
    pairs: dict[tuple[str, int], dict[str, FormRow]] = {(row.shape, row.trees): {} for row in found}
    for row in found:
        pairs[row.shape, row.trees][row.form] = row
    wins = [pair["CASE"].leaves for pair in pairs.values() if pair["CASE"].thousand_rows < pair["table"].thousand_rows]
    losses = [
        pair["CASE"].leaves for pair in pairs.values() if pair["CASE"].thousand_rows >= pair["table"].thousand_rows
    ]
    return (
        f"CASE was the faster form over a thousand rows up to {max(wins, default=0):,} leaves, the table from "
        f"{min(losses, default=0):,}; the compiler takes CASE up to {CASE_LEAF_LIMIT:,}."
    )
