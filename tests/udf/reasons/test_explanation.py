"""Contributions add up to the raw score, belong to the right feature, and change no prediction."""

from dataclasses import replace

import numpy as np
import onnx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from udf.reasons.boosted import boosted, ensemble_of, finished, manifest_of, sample, tree_artefact

from revlayer_training.graph import Graph
from revlayer_training.preprocessing import NumberScaler, OneHotEncoder, TextEncoder, Texts
from revlayer_udf.errors import ArtefactError
from revlayer_udf.manifest import Manifest
from revlayer_udf.reasons import (
    Explained,
    ReasonScorer,
    UnexplainedError,
    exact_contributions,
    explain_graph,
    tree_shap,
)
from revlayer_udf.runtime import Scorer

COLUMNS = 30


@pytest.fixture(scope="module")
def large():
    x, y = sample(6000, COLUMNS)
    return x, ensemble_of(boosted(x, y, 300))


def frame(x: np.ndarray, **texts: list[str | None]) -> pa.Table:
    columns = {f"n{i}": pa.array(x[:, i], pa.float32()) for i in range(x.shape[1])}
    return pa.table(columns | {name: pa.array(values, pa.string()) for name, values in texts.items()})


def gap(found: Explained) -> np.ndarray:
    """Distance of base + sum to the raw score, in units of what is allowed."""
    contributions = found.contributions.astype(np.float64)
    distance = np.abs(found.base_score.astype(np.float64) + contributions.sum(axis=1) - found.raw_score)
    return distance / (1e-5 * np.maximum(1.0, np.abs(contributions).sum(axis=1)))


def extremes(columns: int) -> np.ndarray:
    values = [np.nan, np.inf, -np.inf, 0.0, -0.0, 3.4e38, -3.4e38, 1e-45]
    rows = [[value] * columns for value in values]
    random = np.random.default_rng(1)
    return np.array(rows + random.choice(values, size=(500, columns)).tolist(), np.float32)


def test_every_row_adds_up_and_scores_stay_the_same_bits(large):
    x, ensemble = large
    artefact, manifest = tree_artefact(ensemble, COLUMNS)
    for rows in (x, extremes(COLUMNS), x[:1], x[:0]):
        batch = frame(rows)
        found = ReasonScorer(artefact, manifest).score(batch)
        plain = Scorer(artefact, manifest).score(batch, manifest.outputs)
        assert gap(found).max(initial=0.0) <= 1.0
        np.testing.assert_array_equal(found.outputs["win_probability"], plain["win_probability"])
        np.testing.assert_array_equal(found.raw_score, plain["raw_score"][:, 0])
    assert len(np.unique(ReasonScorer(artefact, manifest).score(frame(x)).base_score)) == 1


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), columns=st.integers(1, 6), trees=st.integers(1, 12), leaves=st.integers(2, 40),
    missing=st.sampled_from([0.0, 0.2, 0.9]), average=st.booleans(), shift=st.sampled_from([0.0, 5.0, 2e6]),
)  # fmt: skip
def test_any_ensemble_adds_up(seed, columns, trees, leaves, missing, average, shift):
    x, y = sample(400, max(columns, 4), seed, missing)
    x = x[:, :columns]
    ensemble = ensemble_of(boosted(x, y, trees, leaves, min_data_in_leaf=3))
    if shift > 5:  # amounts: the base is large against what features move it by
        ensemble = replace(ensemble, values=ensemble.values * 1e4)
    ensemble = replace(ensemble, aggregate="AVERAGE" if average else "SUM", base=np.array([shift]))
    artefact, manifest = tree_artefact(ensemble, columns)
    found = ReasonScorer(artefact, manifest).score(frame(np.vstack([x, extremes(columns)])))
    assert gap(found).max() <= 1.0


def test_deep_trees_add_up_and_agree():
    x, y = sample(6000, 8)
    ensemble = replace(ensemble_of(boosted(x, y, 20, 400, min_data_in_leaf=3)), aggregate="AVERAGE")
    artefact, manifest = tree_artefact(ensemble, 8)
    found = ReasonScorer(artefact, manifest).score(frame(x[:300]))
    assert gap(found).max() <= 1.0
    _, exact = tree_shap(ensemble, x[:300])
    assert (np.abs(exact).argmax(axis=1) == np.abs(found.contributions).argmax(axis=1)).mean() >= 0.8


def test_a_model_of_one_number_credits_it_with_everything():
    x, y = sample(2000, 4)
    artefact, manifest = tree_artefact(ensemble_of(boosted(x[:, :1], y, 20)), 1)
    found = ReasonScorer(artefact, manifest).score(frame(np.vstack([x[:, :1], extremes(1)])))
    np.testing.assert_allclose(found.contributions[:, 0], found.raw_score - found.base_score, rtol=0, atol=1e-5)


def test_the_top_reason_is_mostly_that_of_exact_treeshap(large):
    x, ensemble = large
    artefact, manifest = tree_artefact(ensemble, COLUMNS)
    found = ReasonScorer(artefact, manifest).score(frame(x[:500]))
    _, exact = tree_shap(ensemble, x[:500])
    assert (np.abs(exact).argmax(axis=1) == np.abs(found.contributions).argmax(axis=1)).mean() >= 0.85


def encoded_model() -> tuple[bytes, Manifest, pa.Table]:
    """Mean of a linear model over scaled numbers and one-hot texts and of trees over target-encoded ones."""
    x, y = sample(3000, 4)
    stage = np.array(["new", "open", "late"])[np.digitize(np.nan_to_num(x[:, 3]), [-0.5, 0.5])].tolist()
    texts = Texts.of(stage)
    graph = Graph([f"n{i}" for i in range(4)], ["stage", "unused"])
    scaler, one_hot = NumberScaler.fit(x), OneHotEncoder.fit(texts)
    parts = [scaler.add_nodes(graph, "numeric"), one_hot.add_nodes(graph, graph.text("stage"))]
    design = np.hstack([scaler.transform(x), one_hot.transform(texts)])
    weights = np.linspace(-1, 1, design.shape[1])[:, None]
    linear = graph.add("MatMul", graph.add("Concat", *parts, axis=1), graph.constant(weights))
    linear = graph.add("Add", linear, graph.constant(0.25))
    encoder = TextEncoder.target(texts, y)
    matrix = np.column_stack([x, encoder.transform(texts)])
    joined = graph.add("Concat", "numeric", encoder.add_nodes(graph, graph.text("stage")), axis=1)
    trees = graph.add_node(ensemble_of(boosted(matrix, y, 40)).to_onnx(), joined)
    raw = graph.add("Mul", graph.add("Add", linear, trees), graph.constant(0.5))
    artefact, manifest = finished(graph, raw)
    return artefact, manifest, frame(x, stage=stage, unused=[None] * len(x))


def test_encoded_columns_count_for_their_feature():
    artefact, manifest, batch = encoded_model()
    found = ReasonScorer(artefact, manifest).score(batch)
    assert gap(found).max() <= 1.0
    names = [feature.name for feature in manifest.features]
    moved = dict(zip(names, np.abs(found.contributions).max(axis=0), strict=True))
    assert moved["unused"] == 0
    assert min(moved[name] for name in names if name != "unused") > 0.05
    # A change in one text alone moves the score by the change of contributions, and mostly by its own.
    other = batch.set_column(batch.column_names.index("stage"), "stage", pa.array(["late"] * batch.num_rows))
    change = ReasonScorer(artefact, manifest).score(other)
    rows = np.array(batch["stage"].to_pylist()) == "new"
    linear_part = change.contributions[rows] - found.contributions[rows]
    assert (np.abs(linear_part).argmax(axis=1) == names.index("stage")).mean() > 0.95


def test_exact_contributions_of_a_mean_of_models_add_up_and_mostly_agree():
    artefact, manifest, batch = encoded_model()
    chosen = batch.slice(0, 200)
    base, exact = exact_contributions(artefact, manifest, chosen)
    quick = ReasonScorer(artefact, manifest).score(chosen)
    np.testing.assert_allclose(base + exact.sum(axis=1), quick.raw_score, rtol=0, atol=1e-5)
    assert base == pytest.approx(float(quick.base_score[0]), abs=1e-6)
    assert (np.abs(exact).argmax(axis=1) == np.abs(quick.contributions).argmax(axis=1)).mean() > 0.9


def test_a_linear_model_is_split_exactly():
    graph = Graph(["n0", "n1"], [])
    raw = graph.add("Gemm", "numeric", graph.constant([[2.0, -3.0]]), graph.constant([0.5]), transB=1, alpha=2.0)
    artefact, manifest = finished(graph, raw)
    found = ReasonScorer(artefact, manifest).score(frame(np.array([[1.0, 2.0], [0.0, -1.0]], np.float32)))
    np.testing.assert_array_equal(found.contributions, [[4.0, -12.0], [0.0, 6.0]])
    np.testing.assert_array_equal(found.base_score, [0.5, 0.5])


def test_what_is_no_sum_by_feature_has_no_reasons(large):
    graph = Graph(["n0", "n1"], [])
    first, second = graph.number("n0"), graph.number("n1")
    artefact, manifest = finished(graph, graph.add("Mul", first, second))
    assert explain_graph(artefact, manifest) is None
    with pytest.raises(UnexplainedError, match="Mul of two computed tensors"):
        ReasonScorer(artefact, manifest)
    _, ensemble = large
    artefact, manifest = tree_artefact(replace(ensemble, cover=None), COLUMNS)
    with pytest.raises(UnexplainedError, match="nodes_hitrates"):
        ReasonScorer(artefact, manifest)
    artefact, manifest = tree_artefact(ensemble, COLUMNS)
    assert explain_graph(artefact, manifest.model_copy(update={"raw_output": None})) is None


@pytest.mark.parametrize("opset", [9, 10, 12, 13])
def test_graphs_of_older_opsets_have_reasons_or_say_why_not(large, opset):
    ensemble = replace(large[1], base=np.array([500.0]))  # so large a base takes every kind of node
    artefact, manifest = tree_artefact(ensemble, COLUMNS)
    model = onnx.load_model_from_string(artefact)
    next(each for each in model.opset_import if not each.domain).version = opset
    older = model.SerializeToString()
    manifest = manifest_of(older, [feature.name for feature in manifest.features], [])
    if opset == 9:
        with pytest.raises(UnexplainedError, match="opset 9"):
            ReasonScorer(older, manifest)
        return
    assert gap(ReasonScorer(older, manifest).score(frame(large[0][:50]))).max() <= 1.0


def test_trees_that_do_not_fit_have_no_reasons(large):
    artefact, manifest = tree_artefact(large[1], COLUMNS)
    model = onnx.load_model_from_string(artefact)
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    next(each for each in trees.attribute if each.name == "target_nodeids").ints[0] = 10**6
    assert explain_graph(model.SerializeToString(), manifest) is None


def test_a_changed_artefact_is_refused(large):
    artefact, manifest = tree_artefact(large[1], COLUMNS)
    changed = onnx.load_model_from_string(artefact)
    changed.doc_string = "changed"
    with pytest.raises(ArtefactError, match="was changed"):
        ReasonScorer(changed.SerializeToString(), manifest)


def test_the_same_model_gives_the_same_bytes(large):
    artefact, manifest = tree_artefact(large[1], COLUMNS)
    assert explain_graph(artefact, manifest) == explain_graph(artefact, manifest)
