"""The engines that score a model, each asked for the golden rows; what they make of them is left to compare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import compiler, frames, golden_rows, plpython, queries
from revlayer_udf.compiler.compilation import Form
from revlayer_udf.errors import RevlayerError
from revlayer_udf.manifest import RUNG_OUTPUT, RUNGS, Manifest
from revlayer_udf.registry import Model
from revlayer_udf.runtime import feeds_of
from revlayer_udf.signatures import Signatures, output_columns

_SQL = queries.load("revlayer_udf", "queries/certificate.sql")
# Functions of this name never stay: they are made and rolled back.
TEMPORARY = "certified_model"
GOLDEN = sql.Identifier("pg_temp", "golden_rows")

Scores = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Unavailable:
    """An engine that could not be asked, and why."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """An engine that was asked and raised an error instead of scores."""

    reason: str


Answer = Scores | Unavailable | Failed
Engine = Callable[[psycopg.Connection, Model, pa.Table], Answer]


def score_trained(conn: psycopg.Connection, model: Model, rows: pa.Table) -> Answer:
    """Return what the trained model made of the rows when they were kept."""
    expected = golden_rows.expected_outputs(rows, model.manifest)
    if not expected:
        return Unavailable("the model was registered without golden rows of its training; train it again for them")
    return expected


def score_onnxruntime(conn: psycopg.Connection, model: Model, rows: pa.Table) -> Answer:
    """Score with ONNX Runtime. What is not finite stays: here engines only have to agree."""
    manifest = model.manifest
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.artefact, options, providers=["CPUExecutionProvider"])
    try:
        results = session.run(list(manifest.outputs), feeds_of(rows, manifest))
    except Exception as error:  # onnxruntime's errors share no base class
        return Failed(f"ONNX Runtime raised an error: {error}")
    return {
        name: _rungs(array.reshape(-1)) if name == RUNG_OUTPUT else array.astype(np.float64).reshape(len(array), -1)
        for name, array in zip(manifest.outputs, results, strict=True)
    }


def score_sql(conn: psycopg.Connection, model: Model, rows: pa.Table, form: Form = "auto") -> Answer:
    """Score with compiled SQL of a form, in functions that are rolled back."""
    try:
        compiled = compiler.compile_model(model.artefact, model.manifest, form=form)
    except RevlayerError as error:  # an operator that is not translated, or too many features
        return Unavailable(error.message)
    return _score_by_function(conn, model, rows, lambda: compiler.install(conn, compiled, name=TEMPORARY))


def score_plpython(conn: psycopg.Connection, model: Model, rows: pa.Table) -> Answer:
    """Score with PL/Python, in functions that are rolled back."""
    reason = plpython.unavailable(conn)
    if reason is not None:
        return Unavailable(reason)
    return _score_by_function(conn, model, rows, lambda: plpython.install(conn, model.manifest, name=TEMPORARY))


# The last two are asked for rows with a finite score only: the others they refuse, as the job does.
ENGINES: dict[str, Engine] = {
    "trained": score_trained,
    "onnxruntime": score_onnxruntime,
    "sql": score_sql,
    "plpython": score_plpython,
}
IN_DATABASE = frozenset({"sql", "plpython"})


def _score_by_function(conn: psycopg.Connection, model: Model, rows: pa.Table, install: Callable[[], object]) -> Answer:
    try:
        signatures = Signatures.of(model.artefact, model.manifest, TEMPORARY)
        with conn.transaction(force_rollback=True):
            try:
                install()
            except psycopg.Error as error:
                return Unavailable(f"the functions could not be made: {_first_line(error)}")
            found = _call(conn, model.manifest, signatures, rows)
    except RevlayerError as error:
        return Unavailable(error.message)
    except psycopg.Error as error:
        return Failed(f"the function raised an error: {_first_line(error)}")
    return {name: _gather(found, name) for name in model.manifest.predictions}


def _call(conn: psycopg.Connection, manifest: Manifest, signatures: Signatures, rows: pa.Table) -> pa.Table:
    """Put the rows into a temporary table and call the row function for each."""
    row = signatures.row
    columns = [sql.Composed([sql.SQL("golden_row bigint")])]
    columns += [
        sql.SQL("{} {}").format(sql.Identifier(f"x{i}"), sql.SQL(kind)) for i, (_, kind) in enumerate(row.arguments)
    ]
    conn.execute(sql.SQL(_SQL["create_golden"]).format(golden=GOLDEN, columns=sql.SQL(", ").join(columns)))
    data = {"golden_row": pa.array(range(rows.num_rows), pa.int64())}
    data |= {f"x{i}": _plain(rows[name]) for i, (name, _) in enumerate(row.arguments)}
    frames.copy_in(conn, GOLDEN, pa.table(data))
    arguments = [
        sql.SQL("{} => golden.{}").format(sql.Identifier(name), sql.Identifier(f"x{i}"))
        for i, (name, _) in enumerate(row.arguments)
    ]
    query = sql.SQL(_SQL["score_golden"]).format(
        golden=GOLDEN, function=sql.Identifier("scoring", row.name), arguments=sql.SQL(", ").join(arguments)
    )
    return frames.read_table(conn, query)


def _rungs(values: np.ndarray) -> np.ndarray:
    return np.array(RUNGS, dtype=object)[values] if values.dtype.kind == "i" else values.astype(object)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def _gather(found: pa.Table, output: str) -> np.ndarray:
    if output == RUNG_OUTPUT:
        return np.array(found[output].to_pylist(), dtype=object)
    wide = [name for name in found.column_names if name == output]
    if not wide:
        width = sum(name.startswith(f"{output}_") and name[len(output) + 1 :].isdigit() for name in found.column_names)
        wide = [column.name for column in output_columns(output, width)]
    return np.column_stack([found[name].to_numpy().astype(np.float64) for name in wide])


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
