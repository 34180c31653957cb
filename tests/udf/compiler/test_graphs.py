"""Graphs of several operators: no row raises an error, and where a step follows both engines step alike."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from revlayer_udf.compiler.program import translate
from tests.udf.compiler.running import run_onnx, run_sql

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
# Their float32 results are the nearest to the true ones, so any two engines agree to the last bit.
EXACT = {
    "Neg": 1,
    "Abs": 1,
    "Sqrt": 1,
    "Relu": 1,
    "Floor": 1,
    "Add": 2,
    "Sub": 2,
    "Mul": 2,
    "Div": 2,
    "Max": 2,
    "Min": 2,
}
SMOOTH = {"Exp": 1, "Log": 1, "Sigmoid": 1, "Tanh": 1, "Softplus": 1, "Reciprocal": 1, "Round": 1, "Sign": 1, "Pow": 2}
CONSTANTS = [0.0, 1.0, -1.0, 2.0, -0.1, 1e-45, 1e30, -1e30, 3.4028235e38, float("inf"), float("nan")]
SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 3.4028235e38, float("inf"), float("-inf"), float("nan"), 88.7, -104.0, 600.0]


@dataclass(frozen=True)
class Grown:
    """A graph of x and w, [N, 2] each, with a comparison ``is_less`` of its last two tensors, and the last, ``y``."""

    model: onnx.ModelProto
    feeds: dict[str, np.ndarray]


@st.composite
def grown(draw: st.DrawFn, operators: dict[str, int], kind: int) -> Grown:
    dtype: Any = np.float32 if kind == TensorProto.FLOAT else np.float64
    names, nodes, constants = ["x", "w"], [], []
    for place in range(draw(st.integers(2, 9))):
        operator = draw(st.sampled_from(sorted(operators)))
        inputs = [draw(st.sampled_from(names)) for _ in range(operators[operator])]
        if len(inputs) == 2 and draw(st.booleans()):
            constants.append(numpy_helper.from_array(np.array([draw(st.sampled_from(CONSTANTS))], dtype), f"k{place}"))
            inputs[1] = f"k{place}"
        nodes.append(helper.make_node(operator, inputs, [f"t{place}"]))
        names.append(f"t{place}")
    nodes.append(helper.make_node("LessOrEqual", [names[-1], names[-2]], ["is_less"]))
    nodes.append(helper.make_node("Identity", [names[-1]], ["y"]))
    graph = helper.make_graph(
        nodes, "grown", [helper.make_tensor_value_info(name, kind, [None, 2]) for name in ("x", "w")],
        [helper.make_tensor_value_info("is_less", TensorProto.BOOL, None),
         helper.make_tensor_value_info("y", kind, None)],
        constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return Grown(model, _feeds(draw(st.integers(0, 2**32 - 1)), dtype))


def _feeds(seed: int, dtype: Any) -> dict[str, np.ndarray]:
    """Return 30 rows of numbers of every size."""
    random, shape = np.random.default_rng(seed), (30, 4)
    largest = 38.5 if dtype is np.float32 else 308.2
    with np.errstate(all="ignore"):
        sizes = 10.0 ** random.uniform(-largest - 7, largest, shape) * random.choice([-1.0, 1.0], shape)
        table = np.where(random.random(shape) < 0.4, random.normal(size=shape) * 3, sizes)
        table = np.where(random.random(shape) < 0.15, random.choice(SPECIAL, shape), table).astype(dtype)
    return {"x": table[:, :2], "w": table[:, 2:]}


@EXAMPLES
@given(case=grown(EXACT, TensorProto.FLOAT))
def test_comparisons_see_the_same_float32(conn: psycopg.Connection, case: Grown) -> None:
    expected, number = run_onnx(case.model, case.feeds)
    found, ours = run_sql(conn, case.model, case.feeds)
    np.testing.assert_array_equal(found.astype(bool), expected)
    np.testing.assert_array_equal(ours.astype(np.float64), number.astype(np.float64))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE], ids=["float32", "float64"])
@EXAMPLES
@given(data=st.data())
def test_no_row_raises_an_error(conn: psycopg.Connection, kind: int, data: st.DataObject) -> None:
    case = data.draw(grown(EXACT | SMOOTH, kind))
    for array in run_sql(conn, case.model, case.feeds):
        assert array.shape == (30, 2)


@pytest.mark.parametrize(("operator", "count"), [("Add", 2000), ("Sigmoid", 100)])
def test_long_chains_are_cut(conn: psycopg.Connection, operator: str, count: int) -> None:
    names = ["x", *(f"t{place}" for place in range(count))]
    nodes = [
        helper.make_node(operator, [before, "one"] if operator == "Add" else [before], [after])
        for before, after in pairwise(names)
    ]
    graph = helper.make_graph(
        nodes, "chain", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(1, np.float32), "one")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = onnx.shape_inference.infer_shapes(model)  # without, ONNX Runtime takes long to load it
    feeds = {"x": np.array([[1.0], [-2.0]], np.float32)}
    np.testing.assert_allclose(run_sql(conn, model, feeds)[0].astype(float), run_onnx(model, feeds)[0], rtol=1e-6)


def test_what_repeats_is_computed_once() -> None:
    """A tensor added to itself thirty times: written out, the text would double every time."""
    names = ["x", *(f"t{place}" for place in range(30))]
    nodes = [helper.make_node("Add", [a, a], [b]) for a, b in pairwise(names)]
    graph = helper.make_graph(
        nodes, "doubled", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)],
    )  # fmt: skip
    program = translate(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
    assert len(program.select("select 1 as i0_0", "1 as y")) < 5_000
