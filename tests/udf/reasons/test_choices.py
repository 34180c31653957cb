"""Raw scores that choose between two sums by a condition: reasons are those of the side a row takes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from udf.reasons.boosted import boosted, ensemble_of, finished, sample, tree_artefact

from revlayer_training.graph import Graph
from revlayer_udf.manifest import Manifest
from revlayer_udf.reasons import ReasonScorer, UnexplainedError, exact_contributions, explained, top_reasons

COLUMNS = 4


def frame(x: np.ndarray) -> pa.Table:
    return pa.table({f"n{i}": pa.array(x[:, i], pa.float32(), from_pandas=True) for i in range(x.shape[1])})


def chosen(graph: Graph, yes: str, no: str) -> tuple[bytes, Manifest]:
    condition = graph.add("Greater", graph.number("n0"), graph.constant([[0.0]]))
    return finished(graph, graph.add("Where", condition, yes, no))


@pytest.fixture(scope="module")
def sides():
    x, y = sample(3000, COLUMNS)
    return x, [ensemble_of(boosted(x[:, :], y, 30, seed=seed, feature_fraction=0.5)) for seed in (1, 2)]


def test_each_row_has_the_reasons_of_its_side(sides):
    x, ensembles = sides
    graph = Graph([f"n{i}" for i in range(COLUMNS)], [])
    artefact, manifest = chosen(graph, *(graph.add_node(each.to_onnx(), "numeric") for each in ensembles))
    found = ReasonScorer(artefact, manifest).score(frame(x))
    base, exact = exact_contributions(artefact, manifest, frame(x[:200]))
    holds = np.nan_to_num(x[:, 0]) > 0
    for ensemble, rows in zip(ensembles, (holds, ~holds), strict=True):
        alone = ReasonScorer(*tree_artefact(ensemble, COLUMNS)).score(frame(x[rows]))
        np.testing.assert_array_equal(found.contributions[rows], alone.contributions)
        np.testing.assert_array_equal(found.base_score[rows], alone.base_score)
        np.testing.assert_array_equal(found.raw_score[rows], alone.raw_score)
        own = exact_contributions(*tree_artefact(ensemble, COLUMNS), frame(x[:200][rows[:200]]))
        np.testing.assert_allclose(base[rows[:200]], own[0])
        np.testing.assert_allclose(exact[rows[:200]], own[1])


def test_a_choice_within_a_choice_and_a_constant(sides):
    x, ensembles = sides
    graph = Graph([f"n{i}" for i in range(COLUMNS)], [])
    inner = graph.add(
        "Where", graph.add("Less", graph.number("n1"), graph.constant([[0.5]])),
        graph.add_node(ensembles[0].to_onnx(), "numeric"), graph.constant([[-2.5]]),
    )  # fmt: skip
    artefact, manifest = chosen(graph, inner, graph.add_node(ensembles[1].to_onnx(), "numeric"))
    found = ReasonScorer(artefact, manifest).score(frame(x))
    total = found.base_score + found.contributions.astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(total, found.raw_score, atol=1e-5)
    constant = (np.nan_to_num(x[:, 0]) > 0) & ~(x[:, 1] < 0.5)
    assert 100 < constant.sum() < len(x)
    assert not found.contributions[constant].any() and (found.raw_score[constant] == -2.5).all()
    base, exact = exact_contributions(artefact, manifest, frame(x[:300]))
    np.testing.assert_allclose(base + exact.sum(axis=1), found.raw_score[:300], atol=1e-5)


def test_two_constants_have_no_reasons():
    graph = Graph(["n0", "n1"], [])
    both = graph.add(
        "And", *(graph.add("Greater", graph.number(name), graph.constant([[0.0]])) for name in graph.numbers)
    )
    raw = graph.add("Where", both, graph.constant([[1.0]]), graph.constant([[2.0]]))
    artefact, manifest = finished(graph, raw)
    with pytest.raises(UnexplainedError, match="two constants"):
        explained(artefact, manifest)


def test_what_is_unknown_is_no_reason_where_the_model_says_so(sides):
    x, ensembles = sides
    artefact, manifest = tree_artefact(replace(ensembles[0]), COLUMNS)
    assert np.isnan(x).any(axis=1).sum() > 100
    plain = ReasonScorer(artefact, manifest).score(frame(x)).top(COLUMNS).codes
    told = manifest.model_copy(update={"extra": {"reasons_skip_unknown": True}})
    skipped = ReasonScorer(artefact, told).score(frame(x))
    codes, rows = skipped.top(COLUMNS).codes, np.arange(len(x))
    shown = 0
    for rank in range(COLUMNS):
        named = codes[:, rank] >= 0
        assert not np.isnan(x[rows[named], codes[named, rank]]).any()
        shown += int(named.sum())
    assert shown == ((skipped.contributions != 0) & ~np.isnan(x)).sum()
    assert np.isnan(x[rows[plain[:, 0] >= 0], plain[plain[:, 0] >= 0, 0]]).any()  # others have such reasons
    # The next in size moves up.
    found = top_reasons(np.array([[3.0, -2.0, 1.0]], np.float32), list("abc"), 2, np.array([[False, True, True]]))
    assert found.codes.tolist() == [[1, 2]]
