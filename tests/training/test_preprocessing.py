import numpy as np
import onnxruntime as ort
import pytest

from revlayer_training.graph import Graph
from revlayer_training.imputation import Imputer, Strategy
from revlayer_training.preprocessing import (
    NumberScaler,
    OneHotEncoder,
    TextEncoder,
    Texts,
)
from revlayer_training.zero_inflated import ZeroInflatedLogNormal

SEEN = Texts.of(["b", "a", None, "a", "a", "é", "b"])
HELD = Texts.of(["a", "unseen", None, "é", "b"])
LABEL = np.array([1.0, 0, 1, 1, 0, 1, 0])


@pytest.mark.parametrize(
    "encoder",
    [
        TextEncoder.ordinal(SEEN),
        TextEncoder.frequency(SEEN),
        TextEncoder.target(SEEN, LABEL, 2.0),
        TextEncoder({}, 0.25),
        OneHotEncoder.fit(SEEN),
        OneHotEncoder.fit(SEEN, minimum_count=2),
    ],
)
def test_encoders_are_the_same_in_onnx(encoder: TextEncoder | OneHotEncoder) -> None:
    expected = encoder.transform(HELD).reshape(len(HELD), -1)
    graph = Graph([], ["text"])
    content = graph.serialize({"x": (encoder.add_nodes(graph, graph.text("text")), expected.shape[1])})
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {"categorical": HELD.values()[:, None]})[0], expected)


def test_unseen_takes_the_default_and_null_is_a_category() -> None:
    encoded = TextEncoder.ordinal(SEEN).transform(HELD)
    assert encoded.tolist() == [1, -1, 0, 3, 2]  # text order: '', a, b, é
    target = TextEncoder.target(SEEN, LABEL, 0.0)
    assert target.transform(HELD)[1] == np.float32(LABEL.mean())
    assert target.transform(HELD)[2] == 1.0
    assert OneHotEncoder.fit(SEEN).transform(HELD)[1].sum() == 0


def test_numbers_are_scaled_the_same_in_onnx() -> None:
    rng = np.random.default_rng(1)
    train = rng.normal(5, 3, (500, 3)).astype(np.float32)
    train[::4, 1] = np.nan
    train[:, 2] = np.nan  # never known
    held = rng.normal(5, 30, (200, 3)).astype(np.float32)
    held[::3] = np.nan
    scaler = NumberScaler.fit(train)
    expected = scaler.transform(held)
    assert expected.shape[1] == 4  # one flag: a column that is always null says nothing
    graph = Graph(list("abc"), [])
    content = graph.serialize({"x": (scaler.add_nodes(graph, "numeric"), expected.shape[1])})
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    scored = session.run(None, {"numeric": held})[0]
    assert np.all(np.isfinite(scored))
    assert np.allclose(scored, expected, atol=1e-6)


EDGES = np.array(
    [np.nan, np.inf, -np.inf, 3.4028235e38, -3.4028235e38, 1e-45, -1e-45, 0.0, -0.0, 1.1754944e-38, 0.1], np.float32
)


def column_of_edges(columns: int) -> np.ndarray:
    """Every edge in every column, with ordinary numbers beside it."""
    held = np.random.default_rng(2).normal(size=(len(EDGES) * columns, columns)).astype(np.float32)
    for column in range(columns):
        held[column * len(EDGES) : (column + 1) * len(EDGES), column] = EDGES
    return held


@pytest.mark.parametrize("strategy", ["mean", "median", "constant"])
@pytest.mark.parametrize("indicator", [False, True])
def test_imputation_is_the_same_in_onnx(strategy: Strategy, indicator: bool) -> None:
    train = np.random.default_rng(1).normal(5, 3, (200, 4)).astype(np.float32)
    train[::4, 1] = np.nan
    train[:, 2] = np.nan  # never known
    train[3, 3] = np.inf  # known, but nothing to average
    imputer = Imputer.fit(train, strategy, 7.0, indicator)
    assert imputer.flagged == ([1, 2] if indicator else [])
    assert imputer.values[2] == 7.0 and np.isfinite(imputer.values).all()
    if strategy == "median":
        assert imputer.values[1] == np.nanmedian(train[:, 1])
    held = column_of_edges(4)
    expected = imputer.transform(held)
    assert not np.isnan(expected).any()
    graph = Graph(list("abcd"), [])
    content = graph.serialize({"x": (imputer.add_nodes(graph, "numeric"), expected.shape[1])})
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {"numeric": held})[0], expected)


def test_scaling_stays_finite_at_the_ends_of_float32() -> None:
    scaler = NumberScaler.fit(np.random.default_rng(1).normal(5, 3, (200, 2)).astype(np.float32))
    held = column_of_edges(2)
    graph = Graph(list("ab"), [])
    content = graph.serialize({"x": (scaler.add_nodes(graph, "numeric"), 2)})
    scored = ort.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"numeric": held})[0]
    assert np.isfinite(scored).all()
    assert np.array_equal(scored, scaler.transform(held))


def test_a_zero_inflated_amount_is_the_same_in_onnx() -> None:
    random = np.random.default_rng(3)
    mu = random.normal(8, 2, 4000)
    paid = random.random(4000) < 0.3
    amount = np.where(paid, np.exp(mu + random.normal(0, 0.8, 4000)), 0.0)
    head = ZeroInflatedLogNormal.fit(mu, amount)
    assert abs(head.sigma - 0.8) < 0.05
    margin = np.full(4000, np.log(0.3 / 0.7))
    assert abs(head.apply(margin, mu).sum() / amount.sum() - 1) < 0.15
    held = np.column_stack([random.normal(0, 3, 4000), mu]).astype(np.float32)
    held[:4] = [[np.inf, 3], [-np.inf, 3], [0, -np.inf], [80, 1e-45]]
    graph = Graph(["margin", "mu"], [])
    content = graph.serialize({"value": (head.add_nodes(graph, graph.number("margin"), graph.number("mu")), 1)})
    scored = ort.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"numeric": held})[0][:, 0]
    expected = head.apply(*held.astype(np.float64).T)
    assert (np.abs(scored - expected) <= 1e-5 * np.maximum(scored, amount.std())).all()


def test_without_an_amount_there_is_no_spread() -> None:
    assert ZeroInflatedLogNormal.fit(np.zeros(3), np.zeros(3)).sigma == 0.0
