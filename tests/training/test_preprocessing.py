import numpy as np
import onnxruntime as ort
import pytest

from revlayer_training.graph import Graph
from revlayer_training.preprocessing import (
    NumberScaler,
    OneHotEncoder,
    TextEncoder,
    Texts,
)

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
