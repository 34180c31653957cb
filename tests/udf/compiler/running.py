"""Run a compiled graph on rows given as arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime as ort
import psycopg
from psycopg import sql

from revlayer_udf.compiler.program import Program, translate
from revlayer_udf.compiler.values import Value, kind_of_array


def run_sql(
    conn: psycopg.Connection, model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], form: str = "auto"
) -> list[np.ndarray]:
    """Compile a graph and run it on row batches, in the order of its outputs."""
    return run_program(conn, translate(model, form), feeds)


def run_program(conn: psycopg.Connection, program: Program, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Run a program on row batches [N] or [N, W]; outputs are [N, …]."""
    names, columns = [], []
    for name, (_, column_names) in program.inputs.items():
        values = feeds[name].reshape(len(feeds[name]), -1)
        names += column_names
        columns += [
            Value(kind_of_array(values, name), array=values[:, place]).flat() for place in range(values.shape[1])
        ]
    count = len(next(iter(feeds.values())))
    rows = ", ".join(
        "(" + ", ".join([str(row), *(column[row].text for column in columns)]) + ")" for row in range(count)
    )
    shown, widths = [], []
    for place, (_, cells) in enumerate(program.outputs.values()):
        widths.append(len(cells))
        shown += [f"{found.text} as o{place}_{column}" for column, found in enumerate(cells)]
    source = "select " + ", ".join(f"v.{name} as {name}" for name in names)
    query = (
        f"select p.* from (values {rows}) as v (place, {', '.join(names)})"
        f" cross join lateral ({program.select(source, ', '.join(shown))}) as p order by v.place"
    )
    found = conn.execute(sql.SQL(query)).fetchall()
    outputs, start = [], 0
    for width in widths:
        outputs.append(np.array([row[start : start + width] for row in found]))
        start += width
    return outputs


def run_onnx(model: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Run a graph with ONNX Runtime, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, dict(feeds))]


def assert_equal(
    found: Sequence[np.ndarray], expected: Sequence[np.ndarray], rtol: float = 1e-5, atol: float = 1e-7
) -> None:
    """Compare outputs: numbers within a tolerance, NaN and infinity alike, all else exactly."""
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        ours = ours.reshape(theirs.shape)
        if theirs.dtype.kind == "f":
            np.testing.assert_allclose(ours.astype(np.float64), theirs.astype(np.float64), rtol=rtol, atol=atol)
        elif theirs.dtype.kind in "iub":
            np.testing.assert_array_equal(ours.astype(theirs.dtype), theirs)
        else:
            assert ours.astype(str).tolist() == theirs.astype(str).tolist()
