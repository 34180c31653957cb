"""Each operator of the standard domain against ONNX Runtime, over every kind of float32."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from revlayer_udf.compiler.operators import claimed
from tests.udf.compiler.running import assert_equal, run_onnx, run_sql

F, B, I = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64  # noqa: E741
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 1e-45, -1e-45, 1.17549435e-38, 3.4028235e38, -3.4028235e38, 88.5,
         -104.0, float("inf"), float("-inf"), float("nan")]  # fmt: skip
ANY = st.sampled_from(EDGES) | st.floats(width=32) | st.integers(-5, 5).map(float)
FINITE = st.floats(-1e6, 1e6, width=32)
# ONNX Runtime's reductions see NaN or not by where it stands.
ORDERED = ANY.filter(lambda number: number == number)
# The sign of a power of -0 is lost.
NO_MINUS_ZERO = ANY.map(lambda number: number or 0.0)
WIDTH = 3


def model_of(
    nodes: list, constants: dict | None = None, kind: int = F, out: int = F, inputs: int = 1
) -> onnx.ModelProto:
    names = [f"x{place}" for place in range(inputs)]
    graph = helper.make_graph(
        nodes, "case",
        [helper.make_tensor_value_info(name, kind, [None, WIDTH]) for name in names],
        [helper.make_tensor_value_info("y", out, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def node(operator: str, *inputs: str, **attributes) -> onnx.NodeProto:
    return helper.make_node(operator, list(inputs or ("x0",)), ["y"], **attributes)


MATRIX = np.array([[1.5, -2.0], [0.0, 0.25], [3.0, 1.0]], np.float32)
ROW = np.array([[0.5, 0.0, -3.0]], np.float32)

# By operator: cases of (model, elements of the data).
CASES: dict[str, list[tuple[onnx.ModelProto, st.SearchStrategy]]] = {
    **{
        name: [(model_of([node(name, "x0", "x1")], inputs=2), ANY),
               (model_of([node(name, "x0", "k")], {"k": ROW}), ANY)]
        for name in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean")
    },
    **{
        name: [(model_of([node(name, "x0", "x1")], inputs=2, out=B), ANY),
               (model_of([node(name, "k", "x0")], {"k": ROW}, out=B), ANY)]
        for name in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
    },
    **{name: [(model_of([node(name)]), ANY)] for name in (
        "Neg", "Abs", "Exp", "Log", "Sqrt", "Sigmoid", "Tanh", "Floor", "Ceil", "Round", "Reciprocal", "Identity",
        "Softsign", "Flatten", "Dropout", "Relu", "LeakyRelu", "Elu", "Softplus", "Sign", "Celu", "Selu",
        "HardSigmoid", "ThresholdedRelu")},
    **{name: [(model_of([node(name)], out=B), ANY)] for name in ("IsNaN", "IsInf")},
    **{name: [(model_of([node(name, "x0", "x1")], kind=B, out=B, inputs=2), st.booleans())]
       for name in ("And", "Or", "Xor")},
    **{name: [(model_of([node(name, axes=[1])] if name != "ReduceSum" else [node(name, "x0", "a")],
                        {"a": np.array([1])} if name == "ReduceSum" else None), ORDERED)]
       for name in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean")},
    **{name: [(model_of([node(name, axis=1)], out=I), FINITE)] for name in ("ArgMax", "ArgMin")},
    **{name: [(model_of([node(name, axis=1)]), FINITE)] for name in ("Softmax", "LogSoftmax")},
    "Not": [(model_of([node("Not")], kind=B, out=B), st.booleans())],
    "Pow": [*((model_of([node("Pow", "x0", "k")], {"k": np.float32(k)}), NO_MINUS_ZERO) for k in (0.5, 2, 3, -1)),
            (model_of([node("Pow", "x0", "x1")], inputs=2), NO_MINUS_ZERO)],
    "Clip": [(model_of([node("Clip", "x0", "a", "b")], {"a": np.float32(-1), "b": np.float32(2)}), ANY),
             (model_of([node("Clip", "x0", "a")], {"a": np.float32(-1)}), ANY)],
    "Where": [(model_of([helper.make_node("IsNaN", ["x0"], ["c"]), node("Where", "c", "k", "x1")],
                        {"k": ROW}, inputs=2), ANY)],
    "Cast": [(model_of([node("Cast", to=TensorProto.BOOL)], out=B), ANY),
             (model_of([node("Cast", to=TensorProto.DOUBLE)], out=TensorProto.DOUBLE), ANY),
             (model_of([node("Cast", to=I)], out=I), FINITE),
             (model_of([node("Cast", to=F)], kind=B), st.booleans()),
             (model_of([node("Cast", to=F)], kind=I), st.integers(-2**31, 2**31)),
             (model_of([node("Cast", to=F)], kind=TensorProto.DOUBLE),
              st.floats() | st.sampled_from([1e39, -1e300, 1e-46]))],
    "Concat": [(model_of([node("Concat", "x0", "x1", axis=1)], inputs=2), ANY)],
    "Gather": [(model_of([node("Gather", "x0", "k", axis=1)], {"k": np.array([2, 0, -1])}), ANY),
               (model_of([node("Gather", "k", "x0", axis=0)], {"k": MATRIX}, kind=I), st.integers(-3, 2))],
    "Slice": [(model_of([node("Slice", "x0", "s", "e", "a", "t")], {
        "s": np.array([-1]), "e": np.array([-10]), "a": np.array([1]), "t": np.array([-2])}), ANY)],
    "Split": [(model_of([helper.make_node("Split", ["x0", "k"], ["y", "z"], axis=1)], {"k": np.array([1, 2])}), ANY)],
    "Reshape": [(model_of([node("Reshape", "x0", "k")], {"k": np.array([-1, 3, 1])}), ANY)],
    "Unsqueeze": [(model_of([node("Unsqueeze", "x0", "k")], {"k": np.array([1])}), ANY)],
    "Squeeze": [(model_of([helper.make_node("Unsqueeze", ["x0", "k"], ["u"]), node("Squeeze", "u", "k")],
                          {"k": np.array([2])}), ANY)],
    "Transpose": [(model_of([helper.make_node("Unsqueeze", ["x0", "k"], ["u"]), node("Transpose", "u", perm=[0, 2, 1])],
                            {"k": np.array([2])}), ANY)],
    "Expand": [(model_of([helper.make_node("Slice", ["x0", "s", "e", "a"], ["one"]), node("Expand", "one", "k")], {
        "s": np.array([0]), "e": np.array([1]), "a": np.array([1]), "k": np.array([1, 3])}), ANY)],
    "Constant": [(model_of([helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(ROW)),
                            node("Mul", "x0", "k")]), ANY)],
    "ConstantOfShape": [(model_of([helper.make_node("ConstantOfShape", ["s"], ["k"]), node("Add", "x0", "k")],
                                  {"s": np.array([1, 3])}), ANY)],
    "MatMul": [(model_of([node("MatMul", "x0", "k")], {"k": MATRIX}), FINITE)],
    "Gemm": [(model_of([node("Gemm", "x0", "k", "c", alpha=0.5, beta=2.0, transB=1)],
                       {"k": MATRIX.T.copy(), "c": np.array([1.0, -1.0], np.float32)}), FINITE)],
}  # fmt: skip


def test_every_claimed_operator_has_a_case():
    of_texts = {"StringNormalizer"}  # test_ml_operators.py
    assert {name for domain, name in claimed() if domain == ""} == set(CASES) | of_texts


def rows_of(model: onnx.ModelProto, elements: st.SearchStrategy) -> Callable[[list], dict[str, np.ndarray]]:
    dtypes = {F: np.float32, B: bool, I: np.int64, TensorProto.DOUBLE: np.float64}

    def feeds(values: list) -> dict[str, np.ndarray]:
        width = WIDTH * len(model.graph.input)
        table = np.array(values, dtypes[model.graph.input[0].type.tensor_type.elem_type]).reshape(-1, width)
        return {
            entry.name: table[:, place * WIDTH : (place + 1) * WIDTH] for place, entry in enumerate(model.graph.input)
        }

    return feeds


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, found in CASES.items() for place in range(len(found))]
)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_equals_onnx_runtime(conn, name, place, data):
    model, elements = CASES[name][place]
    width = WIDTH * len(model.graph.input)
    values = data.draw(st.lists(elements, min_size=8 * width, max_size=8 * width))
    with np.errstate(all="ignore"):
        feeds = rows_of(model, elements)(values)
    expected = run_onnx(model, feeds)
    found = run_sql(conn, model, feeds)
    # Sums of float32 in another order differ by their rounding, relative to the largest term.
    atol = 1e-6 * max(1.0, float(np.abs(next(iter(feeds.values())).astype(np.float64)).max())) if name in (
        "MatMul", "Gemm") else 2e-6  # fmt: skip
    assert_equal(found, expected, rtol=2e-6, atol=atol)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6), min_size=1)
)
def test_texts_are_compared_and_quoted_whole(conn, texts):
    keys = np.array([["it's", 'a "b"', "100 %", "\\n", "{0}", "", "é", *texts[:2]]], dtype=object)
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Equal", ["x", "k"], ["y"])], "texts",
            [helper.make_tensor_value_info("x", TensorProto.STRING, [None, 1])],
            [helper.make_tensor_value_info("y", TensorProto.BOOL, None)],
            [helper.make_tensor("k", TensorProto.STRING, list(keys.shape), [key.encode() for key in keys[0]])],
        ), opset_imports=[helper.make_opsetid("", 19)],
    )  # fmt: skip
    rows = np.array([*keys[0], *texts], dtype=object)[:, None]
    (found,) = run_sql(conn, model, {"x": rows})
    np.testing.assert_array_equal(found, rows == keys)
