"""Both forms of an ensemble in SQL over a table of inputs, and ONNX Runtime."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import psycopg
from numpy.typing import NDArray
from onnx import TensorProto, helper

from revlayer_udf.compiler.forests.case import combine, tree_expressions
from revlayer_udf.compiler.forests.slots import Slots, slot_expression
from revlayer_udf.compiler.forests.storage import store
from revlayer_udf.compiler.forests.table import StoredForest
from revlayer_udf.ensemble import Ensemble

TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("float64"): TensorProto.DOUBLE,
         np.dtype("int64"): TensorProto.INT64, np.dtype("O"): TensorProto.STRING}  # fmt: skip


def onnxruntime_scores(node: onnx.NodeProto, x: NDArray[Any], *, version: int = 3) -> list[NDArray[Any]]:
    """Run one node of ai.onnx.ml with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = helper.make_graph(
        [node], "node",
        [helper.make_tensor_value_info(node.input[0], TYPES[x.dtype], [None, x.shape[1]])],
        [helper.make_value_info(name, onnx.TypeProto()) for name in node.output],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)]
    model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=imports, ir_version=9))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {node.input[0]: x}))


def fill(conn: psycopg.Connection, x: NDArray[Any]) -> None:
    """Write the inputs to a temporary table."""
    columns = ", ".join(f"f{index} double precision" for index in range(x.shape[1]))
    conn.execute(b"drop table if exists inputs")
    conn.execute(f"create temporary table inputs (row_number integer, {columns})".encode())
    with conn.cursor().copy("copy inputs from stdin") as copy:
        for number, row in enumerate(x.astype(np.float64).tolist()):
            copy.write_row([number, *row])


def sql_scores(conn: psycopg.Connection, ensemble: Ensemble, form: str) -> NDArray[np.float64]:
    """Score what ``fill`` wrote, float64 [N, M]."""
    slots, targets = Slots.of(ensemble), range(ensemble.target_count)
    pairs = list(zip(slots.features.tolist(), slots.missing_left.tolist(), strict=True)) or [(0, False)]
    named = ", ".join(f"{slot_expression(f'i.f{feature}', left)} as s{at}" for at, (feature, left) in enumerate(pairs))
    source = f"(select i.row_number, {named} from inputs i offset 0) q"
    columns = [f"q.s{at}" for at in range(len(pairs))]
    if form == "case":
        totals = [combine(tree_expressions(ensemble, slots, columns, target), ensemble.aggregate) for target in targets]
        statement = f"select {', '.join(totals)} from {source} order by q.row_number"
    else:
        forest = StoredForest.of(ensemble, slots)
        store(conn, [forest], "test")
        query = forest.query(columns, [f"t{target}" for target in targets])
        statement = f"select t.* from {source} cross join lateral ({query}) t order by q.row_number"
    return np.array(conn.execute(statement.encode()).fetchall(), np.float64) + ensemble.base
