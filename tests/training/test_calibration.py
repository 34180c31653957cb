import numpy as np
import onnxruntime as ort
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from revlayer_training.calibration import (
    STEEPEST,
    STEEPEST_PLATT,
    Calibration,
    PiecewiseLinear,
    Platt,
    choose_calibration,
)
from revlayer_training.graph import Graph

margins = hnp.arrays(np.float32, st.integers(1, 60), elements=st.floats(-8, 8, width=32))
unit = st.floats(0, 1, width=32)
knots = st.lists(st.tuples(unit, unit), min_size=1, max_size=20)


def through_onnx(calibration: Calibration, values: np.ndarray) -> np.ndarray:
    graph = Graph(["margin"], [])
    content = graph.serialize({"p": (calibration.add_nodes(graph, graph.number("margin")), 1)})
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["p"], {"numeric": values[:, None]})[0][:, 0]


@settings(deadline=None, max_examples=60)
@given(margins, st.floats(0.0625, STEEPEST_PLATT, width=32), st.floats(-5, 5, width=32))
def test_platt_is_the_same_in_onnx(values: np.ndarray, slope: float, offset: float) -> None:
    platt = Platt(slope, offset)
    assert np.allclose(through_onnx(platt, values), platt.apply(values.astype(float)), atol=3e-6)


@settings(deadline=None, max_examples=60)
@given(margins, knots)
def test_piecewise_linear_is_the_same_in_onnx_and_never_falls(values: np.ndarray, points: list) -> None:
    x, y = (sorted(column) for column in zip(*points, strict=True))
    line = PiecewiseLinear.through(x, y)
    expected = line.apply(values.astype(float))
    # Float32 noise in the sigmoid times the steepest slope.
    assert np.allclose(through_onnx(line, values), expected, atol=1e-6 + 1.2e-7 * STEEPEST)
    assert np.all(np.diff(expected[np.argsort(values, kind="stable")]) >= -1e-12)


@given(knots)
def test_no_slope_is_above_the_steepest(points: list) -> None:
    x, y = (sorted(column) for column in zip(*points, strict=True))
    slopes = PiecewiseLinear.through(x, y).slopes
    assert np.all(slopes <= STEEPEST)
    assert np.all(slopes >= 0)


def test_a_distorted_margin_is_straightened() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=8000)
    y = (rng.random(8000) < 1 / (1 + np.exp(-truth))).astype(float)
    fitted = choose_calibration(3 * truth + 1, y, np.arange(8000))
    p = fitted.apply(3 * truth + 1)
    assert abs(p.mean() - y.mean()) < 0.01
    assert np.mean((p - 1 / (1 + np.exp(-truth))) ** 2) < 1e-3


def test_few_rows_are_left_as_they_are() -> None:
    assert choose_calibration(np.zeros(10), np.ones(10), np.arange(10)).name == "none"
