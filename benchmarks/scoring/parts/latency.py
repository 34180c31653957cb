"""One row at a time, warm: what an application that calls the function waits for."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.scoring.data import FEATURES
from benchmarks.scoring.models import first_rows
from benchmarks.scoring.parts.base import Context, Part, Run
from benchmarks.scoring.parts.in_database import SQL, arguments, compiled_name, install_compiled, install_plpython
from revlayer_udf.runtime import Inputs, Scorer

CALLS = 1_000
WARM_CALLS = 20
# Slow calls are fewer, but never so few that there is no median.
SECONDS, LEAST_CALLS = 20.0, 50


def _timed(call: Callable[[Any], object], rows: Sequence[Any]) -> list[float]:
    for row in rows[:WARM_CALLS]:
        call(row)
    seconds: list[float] = []
    started = time.perf_counter()
    for number in range(CALLS):
        moment = time.perf_counter()
        call(rows[number % len(rows)])
        seconds.append(time.perf_counter() - moment)
        if number >= LEAST_CALLS and time.perf_counter() - started > SECONDS:
            break
    return seconds


def _figures(prefix: str, seconds: list[float]) -> dict[str, float]:
    low, high = np.quantile(seconds, [0.5, 0.99]) * 1_000
    return {f"{prefix}_p50_ms": float(low), f"{prefix}_p99_ms": float(high), f"{prefix}_calls": float(len(seconds))}


def _rows(context: Context) -> np.ndarray:
    with context.connect() as conn:
        return first_rows(conn, CALLS)


def _in_process(context: Context) -> Run:
    rows = [Inputs(1, row[None, :], np.empty((1, 0), object), str) for row in _rows(context)]
    scorer = Scorer(context.model.artefact, context.model.manifest)
    return lambda: _figures("prepared", _timed(scorer.score, rows))


def _round_trip(context: Context) -> Run:
    conn = context.connect(autocommit=True)
    return lambda: _called(conn, sql.SQL("select 1::double precision").as_string(None), [()] * CALLS)


def _called(conn: psycopg.Connection, statement: str, rows: Sequence[Any]) -> Mapping[str, float]:
    """Time a statement prepared once, and parsed and planned for every call."""
    figures: dict[str, float] = {}
    for prefix, threshold in (("prepared", 0), ("planned", None)):
        conn.prepare_threshold = threshold
        seconds = _timed(lambda row: conn.execute(statement.encode(), row).fetchone(), rows)
        figures |= _figures(prefix, seconds)
    return figures


def _function(context: Context, name: str, template: str = "call", kind: str = "predict") -> Run:
    rows = [[None if np.isnan(value) else float(value) for value in row] for row in _rows(context)]
    conn = context.connect(autocommit=True)
    statement = sql.SQL(SQL[template]).format(
        function=sql.Identifier("scoring", f"{kind}_{name}"),
        arguments=arguments(sql.SQL("%s::double precision") for _ in FEATURES),
    )
    return lambda: _called(conn, statement.as_string(None), rows)


def _compiled(context: Context, form: str) -> Run:
    with context.connect("scorer") as conn:
        context.notes.append(f"{install_compiled(conn, context.model, form)} form")
        conn.commit()
    return _function(context, compiled_name(context.model, form))


def _explained(context: Context) -> Run:
    with context.connect("scorer") as conn:
        install_compiled(conn, context.model, "auto")
        conn.commit()
    return _function(context, compiled_name(context.model, "auto"), "explain_call", "explain")


def _plpython(context: Context, template: str = "call", kind: str = "predict") -> Run:
    with context.connect() as conn:
        name = install_plpython(conn, context.model)
    return _function(context, name, template, kind)


def _part(name: str, title: str, prepare: Callable[[Context], Run], server: Any = "main") -> Part:
    return Part(f"latency_{name}", title, "latency", prepare, server=server, predictions=None)


PARTS = (
    _part("in_process", "ONNX Runtime in this process, no database", _in_process),
    _part("round_trip", "select 1", _round_trip),
    _part("sql_case", "compiled SQL, CASE", lambda c: _compiled(c, "case")),
    _part("sql_table", "compiled SQL, table", lambda c: _compiled(c, "table")),
    _part("sql_explain", "compiled SQL, reasons", _explained),
    _part("round_trip_15", "select 1", _round_trip, "plpython"),
    _part("plpython", "PL/Python", _plpython, "plpython"),
    _part("plpython_explain", "PL/Python, reasons", lambda c: _plpython(c, "explain_call", "explain"), "plpython"),
    _part("sql_case_15", "compiled SQL, CASE", lambda c: _compiled(c, "case"), "plpython"),
    _part("sql_table_15", "compiled SQL, table", lambda c: _compiled(c, "table"), "plpython"),
)
