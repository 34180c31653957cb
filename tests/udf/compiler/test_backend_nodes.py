"""ONNX's own node tests, for every operator the compiler claims.

A case runs when its data are row batches: rank 1 or 2, the first dimension the batch, of a type SQL has. Whatever else
an operator takes (a shape, bounds, a matrix) becomes a constant. Cases of claimed operators that cannot run stand with
their reason in golden/excluded_node_tests.txt.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from revlayer_udf.compiler.operators import claimed
from revlayer_udf.errors import UnsupportedOperator
from tests.udf.compiler.running import assert_equal, run_sql

GOLDEN = Path(__file__).parent / "golden" / "excluded_node_tests.txt"
TYPES = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.STRING,
         TensorProto.BOOL}  # fmt: skip
# Inputs that are parameters of the operator, not data.
PARAMETERS = {
    "Reshape": {1}, "Slice": {1, 2, 3, 4}, "Gather": {1}, "Clip": {1, 2}, "Squeeze": {1}, "Unsqueeze": {1},
    "Split": {1}, "MatMul": {1}, "Gemm": {1}, "Dropout": {1, 2}, "ReduceSum": {1}, "ReduceMean": {1},
    "ReduceMax": {1}, "ReduceMin": {1}, "ArrayFeatureExtractor": {1}, "Expand": {1}, "ConstantOfShape": {0},
}  # fmt: skip


class ExcludedError(Exception):
    """A case that cannot run, and why."""


def cases():
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy, computing what the cases expect
        found = load_model_tests(kind="node")
    known = claimed()
    for case in found:
        nodes = case.model.graph.node
        if nodes and all((node.domain, node.op_type) in known for node in nodes):
            yield case


def prepared(case):
    """Return the model with its parameters as constants, and the feeds that are left."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    (inputs, expected), *_ = case.data_sets
    _check_types(model)
    parameters = {
        name
        for node in model.graph.node
        for place, name in enumerate(node.input)
        if place in PARAMETERS.get(node.op_type, ())
    }
    arrays = {entry.name: _array(value) for entry, value in zip(model.graph.input, inputs, strict=True)}
    batches = {name: value for name, value in arrays.items() if name not in parameters}
    most = max((value.ndim for value in batches.values()), default=0)
    rows = {len(value) for value in batches.values() if value.ndim == most > 0}
    feeds = {}
    for name, value in batches.items():
        is_batch = value.ndim == most and value.ndim in (1, 2) and len(value) == max(rows)
        if value.ndim > 2:
            raise ExcludedError("its data have more than two dimensions")
        if is_batch:
            feeds[name] = value
        else:
            parameters.add(name)
    if not feeds:
        raise ExcludedError("it has no row batch among its inputs")
    if 0 in next(iter(feeds.values())).shape:
        raise ExcludedError("its batch is empty")
    kept = [entry for entry in model.graph.input if entry.name in feeds]
    for name in parameters & set(arrays):
        model.graph.initializer.append(numpy_helper.from_array(arrays[name], name))
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return model, feeds, [_array(value) for value in expected]


def _array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def _check_types(model):
    for entry in [*model.graph.input, *model.graph.output]:
        kind = entry.type.WhichOneof("value")
        if kind != "tensor_type":
            raise ExcludedError(f"it takes or returns a {kind.removesuffix('_type')}")
        element = entry.type.tensor_type.elem_type
        if element not in TYPES:
            raise ExcludedError(f"it takes or returns {TensorProto.DataType.Name(element).lower()}")


def test_node_tests_pass_and_the_excluded_are_known(conn):
    passed, excluded, failed = [], {}, {}
    for case in cases():
        try:
            model, feeds, expected = prepared(case)
            with conn.transaction():
                found = run_sql(conn, model, feeds)
            assert_equal(found, expected, rtol=max(case.rtol, 1e-5), atol=max(case.atol, 1e-7))
            passed.append(case.name)
        except ExcludedError as reason:
            excluded[case.name] = str(reason)
        except UnsupportedOperator as error:
            excluded[case.name] = error.message.partition(": ")[2]
        except Exception as error:
            failed[case.name] = f"{type(error).__name__}: {error}"[:400]
    assert failed == {}
    assert len(passed) >= 100
    text = "".join(f"{name}: {reason}\n" for name, reason in sorted(excluded.items()))
    assert text == GOLDEN.read_text(), f"if the change is meant, write this to {GOLDEN}:\n{text}"


@pytest.mark.parametrize("name", ["Conv", "LSTM", "SVMClassifier", "ZipMap"])
def test_other_operators_are_refused_by_name(name):
    domain = "ai.onnx.ml" if name in ("SVMClassifier", "ZipMap") else ""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(name, ["x"], ["y"], domain=domain)], "g",
        [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])],
    )  # fmt: skip
    from revlayer_udf.compiler.program import translate

    with pytest.raises(UnsupportedOperator, match=name):
        translate(onnx.helper.make_model(graph))


def test_the_documentation_lists_what_is_claimed():
    text = (Path(__file__).parents[3] / "docs" / "compiled-sql.md").read_text()
    listed = text.partition("<!-- operators -->")[2].partition("<!-- /operators -->")[0]
    standard, ml = listed.split("Of `ai.onnx.ml`:")
    found = {("", name) for name in re.findall(r"\w+", standard)}
    assert found | {("ai.onnx.ml", name) for name in re.findall(r"\w+", ml)} == claimed()
