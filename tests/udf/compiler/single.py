"""One node of ai.onnx.ml, compiled to SQL and run over rows, beside ONNX Runtime."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import psycopg
from numpy.typing import NDArray
from onnx import helper

from revlayer_udf.compiler.forests.storage import store
from revlayer_udf.compiler.program import translate
from revlayer_udf.compiler.values import Kind
from tests.udf.compiler.forms import TYPES

_COLUMNS = {"f": "double precision", "i": "bigint", "O": "text"}


def model_of(node: onnx.NodeProto, inputs: Sequence[NDArray[Any]], version: int, constants: Any = None) -> bytes:
    """Return a graph of one node whose inputs are row batches, and constants by name."""
    constants = constants or {}
    names = [name for name in node.input if name not in constants]
    graph = helper.make_graph(
        [node], "node",
        [
            helper.make_tensor_value_info(name, TYPES[x.dtype], [None, *x.shape[1:]])
            for name, x in zip(names, inputs, strict=True)
        ],
        [helper.make_value_info(name, onnx.TypeProto()) for name in node.output],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)]
    made = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=imports, ir_version=9))
    return bytes(made.SerializeToString())


def in_sql(
    conn: psycopg.Connection, model: bytes, inputs: Sequence[NDArray[Any]], form: str = "auto"
) -> list[NDArray[Any]]:
    """Run a graph in SQL; each output [N, width]."""
    program = translate(onnx.load_from_string(model), form)
    store(conn, program.forests, "test")
    names = [name for _, columns in program.inputs.values() for name in columns]
    matrix = [column for x in inputs for column in x.reshape(len(x), -1).T]
    types = [_COLUMNS[column.dtype.kind] for column in matrix]
    declared = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
    conn.execute(b"drop table if exists inputs")
    conn.execute(f"create temporary table inputs (row_number integer, {declared})".encode())
    with conn.cursor().copy("copy inputs from stdin") as copy:
        for number, row in enumerate(zip(*(column.tolist() for column in matrix), strict=True)):
            copy.write_row([number, *row])
    cells = {name: [f"o{at}_{index}" for index in range(len(found))]
             for at, (name, (_, found)) in enumerate(program.outputs.items())}  # fmt: skip
    shown = ", ".join(
        f"{cell.text} as {alias}"
        for name, (_, found) in program.outputs.items()
        for cell, alias in zip(found, cells[name], strict=True)
    )
    # The row's number goes along as one more input that no node reads.
    query = program.select(f"select {', '.join(names)} from inputs where row_number = r.row_number", shown)
    rows = conn.execute(
        f"select o.* from inputs r cross join lateral ({query}) o order by r.row_number".encode()
    ).fetchall()
    table = list(zip(*rows, strict=True))
    found = []
    for kind, outputs in program.outputs.values():
        dtype: Any = object if kind is Kind.STRING else np.int64 if kind.is_integer else np.float64
        found.append(np.array([table.pop(0) for _ in outputs], dtype).T)
    return found


def in_onnxruntime(model: bytes, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Run a graph in ONNX Runtime with one thread; each output [N, width]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {entry.name: x for entry, x in zip(session.get_inputs(), inputs, strict=True)}
    return [np.asarray(array).reshape(len(inputs[0]), -1) for array in session.run(None, feeds)]


def check(
    conn: psycopg.Connection, node: onnx.NodeProto, *inputs: NDArray[Any], version: int = 3, form: str = "auto",
    constants: Any = None, rtol: float = 2e-6, atol: float = 2e-6,
) -> list[NDArray[Any]]:  # fmt: skip
    """Compare every output of every row; returns ONNX Runtime's."""
    model = model_of(node, inputs, version, constants)
    expected, found = in_onnxruntime(model, inputs), in_sql(conn, model, inputs, form)
    conn.rollback()
    for name, ours, theirs in zip(node.output, found, expected, strict=True):
        if ours.dtype == np.float64:
            np.testing.assert_allclose(ours, theirs.astype(np.float64), rtol=rtol, atol=atol, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
    return expected
