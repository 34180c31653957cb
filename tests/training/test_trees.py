import lightgbm as lgb
import numpy as np
import onnxruntime as ort
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from revlayer_training.graph import Graph
from revlayer_training.trees import (
    floor_float32,
    margins,
    tree_nodes,
    with_float32_thresholds,
)

finite = st.floats(-1e30, 1e30)
single = finite.map(lambda value: float(np.float32(value)))


@given(finite, single)
def test_the_rewritten_threshold_parts_float32_as_before(threshold: float, x: float) -> None:
    rewritten = floor_float32(np.array([threshold]))[0]
    assert (x <= threshold) == (np.float32(x) <= rewritten)


@given(hnp.arrays(np.float64, 5, elements=finite))
def test_it_is_the_largest_float32_not_above(thresholds: np.ndarray) -> None:
    low = floor_float32(thresholds)
    assert np.all(low.astype(float) <= thresholds)
    assert np.all(np.nextafter(low, np.float32(np.inf)).astype(float) > thresholds)


def compare(objective: str, classes: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2000, 4)).astype(np.float32)
    x[:, 3] = rng.integers(0, 3, 2000)
    x[rng.random(2000) < 0.2, 0] = np.nan
    y = (np.nan_to_num(x).sum(axis=1) > 0).astype(int) if classes < 3 else rng.integers(0, classes, 2000)
    settings = {"objective": objective, "num_class": classes, "verbosity": -1, "num_threads": 1}
    booster = with_float32_thresholds(lgb.train(settings, lgb.Dataset(x, y), 20))
    graph = Graph(list("abcd"), [])
    content = graph.serialize({"margin": (tree_nodes(graph, booster, "numeric"), classes)})
    held = rng.normal(size=(3000, 4)).astype(np.float32)
    held[rng.random(held.shape) < 0.2] = np.nan  # also where training saw no null
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert np.allclose(session.run(None, {"numeric": held})[0], margins(booster, held), atol=2e-6)


def test_binary_margins_are_the_same_in_onnx() -> None:
    compare("binary", 1)


def test_regression_margins_are_the_same_in_onnx() -> None:
    compare("regression", 1)


def test_class_margins_are_the_same_in_onnx() -> None:
    compare("multiclass", 4)


def test_rewriting_changes_no_prediction_of_float32_rows() -> None:
    rng = np.random.default_rng(4)
    x = (1.6e9 + rng.normal(size=(3000, 1)) * 1e6).astype(np.float32)  # seconds since 1970: coarse in float32
    fitted = lgb.train({"objective": "regression", "verbosity": -1}, lgb.Dataset(x, x[:, 0] % 7), 10)
    assert np.array_equal(fitted.predict(x), with_float32_thresholds(fitted).predict(x))
