"""Ensembles read from ONNX decide as ONNX Runtime does, and survive being written and read."""

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from revlayer_udf.ensemble import Ensemble, floor_float32, previous_float
from revlayer_udf.errors import ArtefactError

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
THRESHOLDS = [-1.5, -0.0, 0.0, 1e-45, 0.25, 1.0, 3.0e38]


def run(node: onnx.NodeProto, matrix: np.ndarray) -> np.ndarray:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    del copy.input[:], copy.output[:]
    copy.input.append("x")
    copy.output.append("y")
    graph = helper.make_graph(
        [copy],
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, matrix.shape[1]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)])
    model.ir_version = 8
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": matrix})[0])


@st.composite
def nodes(draw: st.DrawFn) -> onnx.NodeProto:
    """A regressor of one to three trees of depth two, one to two targets, every mode and routing of NaN."""
    columns: dict[str, list] = {name: [] for name in ("tree", "node", "feature", "mode", "value", "yes", "no", "miss")}
    targets: dict[str, list] = {name: [] for name in ("tree", "node", "id", "weight")}
    width = draw(st.integers(1, 2))
    for tree in range(draw(st.integers(1, 3))):
        for node in range(7):
            inner = node < 3
            row = [tree, node, draw(st.integers(0, 1)), draw(st.sampled_from(MODES)) if inner else "LEAF"]
            row += [draw(st.sampled_from(THRESHOLDS)), 2 * node + 1 if inner else 0, 2 * node + 2 if inner else 0]
            for name, value in zip(columns, [*row, draw(st.integers(0, 1))], strict=True):
                columns[name].append(value)
            for target in range(0 if inner else width):
                for name, value in zip(targets, [tree, node, target, draw(st.integers(-8, 8)) / 4], strict=True):
                    targets[name].append(value)
    return helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=width,
        nodes_treeids=columns["tree"], nodes_nodeids=columns["node"], nodes_featureids=columns["feature"],
        nodes_modes=columns["mode"], nodes_values=columns["value"], nodes_truenodeids=columns["yes"],
        nodes_falsenodeids=columns["no"], nodes_missing_value_tracks_true=columns["miss"],
        target_treeids=targets["tree"], target_nodeids=targets["node"], target_ids=targets["id"],
        target_weights=targets["weight"], base_values=[0.5] * width,
        aggregate_function=draw(st.sampled_from(["SUM", "AVERAGE"])),
    )  # fmt: skip


def edges() -> np.ndarray:
    near = np.array(THRESHOLDS, np.float32)
    values = np.concatenate(
        [near, previous_float(near), np.nextafter(near, np.float32(np.inf)), [np.nan, np.inf, -np.inf]]
    )
    return np.array([(a, b) for a in values for b in values], np.float32)


@settings(max_examples=60, deadline=None)
@given(node=nodes())
def test_decides_as_onnx_runtime_at_every_edge(node):
    matrix = edges()
    ensemble = Ensemble.from_onnx(node)
    # Leaves differ by quarters, so only the rounding of an average is let through.
    np.testing.assert_allclose(ensemble.score(matrix), run(node, matrix), rtol=0, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(node=nodes())
def test_written_and_read_again_it_is_the_same(node):
    plain = onnx.NodeProto()
    plain.CopyFrom(node)
    for attribute in plain.attribute:
        if attribute.name == "nodes_modes":
            attribute.strings[:] = [b"LEAF" if mode == b"LEAF" else b"BRANCH_LT" for mode in attribute.strings]
    ensemble = Ensemble.from_onnx(plain)
    again = Ensemble.from_onnx(ensemble.to_onnx())
    matrix = edges()
    np.testing.assert_array_equal(again.score(matrix), ensemble.score(matrix))
    np.testing.assert_array_equal(run(ensemble.to_onnx(), matrix), run(plain, matrix))


def test_cover_goes_through_onnx():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 2)).astype(np.float32)
    booster = lgb.train({"verbosity": -1, "num_leaves": 4}, lgb.Dataset(x, x[:, 0]), 1)
    tree = booster.dump_model()["tree_info"][0]["tree_structure"]
    left, right = np.array([1, 1, 2]), np.array([2, 1, 2])
    ensemble = Ensemble(
        roots=np.array([0]), feature=np.array([tree["split_feature"], -1, -1]),
        threshold=floor_float32(np.array([tree["threshold"], 0.0, 0.0])), left=left, right=right,
        missing_left=np.array([True, False, False]), values=np.array([[0.0], [1.0], [2.0]]),
        cover=np.array([400.0, 150.0, 250.0]), aggregate="SUM", base=np.zeros(1),
    )  # fmt: skip
    again = Ensemble.from_onnx(ensemble.to_onnx())
    assert again.cover is not None
    np.testing.assert_array_equal(again.cover, [400.0, 150.0, 250.0])
    assert (again.leaf_count, again.target_count, again.depth) == (2, 1, 1)


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_floored_threshold_splits_every_float32_alike(value):
    floored = floor_float32(np.array([value]))[0]
    near = np.array([floored, np.nextafter(floored, np.float32(np.inf)), np.nextafter(floored, np.float32(-np.inf))])
    np.testing.assert_array_equal(near.astype(np.float64) <= value, near <= floored)


def test_float64_thresholds_are_not_written_as_float32():
    leaf = Ensemble(
        np.array([0]), np.array([-1]), np.zeros(1), np.array([0]), np.array([0]), np.array([False]),
        np.ones((1, 1)), None, "SUM", np.zeros(1),
    )  # fmt: skip
    with pytest.raises(ArtefactError, match="float64"):
        leaf.to_onnx()


@pytest.mark.parametrize("mode", MODES)
def test_only_comparisons_that_some_number_could_pass_are_read(mode):
    node = stump(nodes_modes=[mode, "LEAF", "LEAF"], nodes_values=[float("-inf"), 0.0, 0.0])
    matrix = np.array([[-np.inf], [-3e38], [0.0], [np.inf], [np.nan]], np.float32)
    if mode in {"BRANCH_LEQ", "BRANCH_GT"}:
        np.testing.assert_array_equal(Ensemble.from_onnx(node).score(matrix), run(node, matrix))
        return
    with pytest.raises(ArtefactError, match="-infinity"):
        Ensemble.from_onnx(node)


@pytest.mark.parametrize(
    "changes",
    [{"target_nodeids": [1, 7]}, {"nodes_truenodeids": [1, 0]}, {"nodes_values": [0.0]}, {"nodes_modes": None}],
)
def test_attributes_that_do_not_fit_are_refused(changes):
    with pytest.raises(ArtefactError, match="attributes do not fit"):
        Ensemble.from_onnx(stump(**changes))


def stump(**changes) -> onnx.NodeProto:
    """One comparison with two leaves; an attribute that is None is left out."""
    given = {
        "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "target_treeids": [0, 0],
        "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0], "n_targets": 1,
    }  # fmt: skip
    return helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **(given | changes))
