"""The interval of an amount: coverage, order, the graph, amounts that are all alike."""

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlayer_training.graph import Graph
from revlayer_training.value_interval import ValueInterval


def spent(customers: int = 20_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, and amounts whose mean they are: two thirds spend nothing."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(3, 1, customers))
    return mean, np.where(rng.random(customers) < 2 / 3, 0.0, rng.gamma(1.5, 2 * mean))


def test_it_covers_eight_of_ten_at_every_size():
    mean, amount = spent()
    held_mean, held = spent(seed=2)
    low, high = ValueInterval.fit(mean, amount).apply(held_mean)
    inside = (held >= low) & (held <= high)
    # Two thirds are zero, so the lower end is zero and covers them all: nine of ten are inside.
    assert inside.mean() == pytest.approx(0.9, abs=0.01)
    for size in np.array_split(np.argsort(held_mean), 5):
        assert (held[size] <= high[size]).mean() == pytest.approx(0.9, abs=0.04)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e4, 1e6)), min_size=1, max_size=300),
    st.lists(st.floats(0, 1e9), min_size=1, max_size=20),
)
def test_its_ends_are_in_order_and_rise(rows, values):
    predicted, happened = np.array(rows).T
    found = ValueInterval.fit(predicted, happened)
    low, high = found.apply(np.sort(values))
    assert np.all(low <= high + 1e-6 * np.abs(high))
    assert np.all(np.diff(low) >= 0)
    assert np.all(np.diff(high) >= 0)
    assert np.all(low >= 0)


def test_the_graph_gives_the_same():
    mean, amount = spent(2000)
    found = ValueInterval.fit(mean, amount)
    graph = Graph(["value"], [])
    low, high = found.add_nodes(graph, graph.number("value"))
    session = ort.InferenceSession(graph.serialize({"low": (low, 1), "high": (high, 1)}))
    values = np.array([0, 0.5, 5, 20, 100, 1e4, 1e6], np.float32)
    shown = session.run(None, {"numeric": values[:, None]})
    for column, wanted in zip(shown, found.apply(values.astype(np.float64)), strict=True):
        np.testing.assert_allclose(column[:, 0], wanted, rtol=1e-5)


def test_nothing_but_zeros():
    low, high = ValueInterval.fit(np.zeros(50), np.zeros(50)).apply(np.array([0.0, 10.0]))
    assert np.all(low == 0)
    assert np.all(high == 0)
