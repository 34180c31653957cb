"""Golden rows are kept as they were made, and hold what engines may part on."""

import numpy as np
import pyarrow as pa
import pytest
from onnx import helper, numpy_helper

from revlayer_udf import golden_rows
from revlayer_udf.errors import ArtefactError


@pytest.fixture
def model(graphs, manifest_of):
    artefact = graphs["win"]()
    return artefact, manifest_of(artefact)


@pytest.mark.parametrize("values", [np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)])
def test_golden_rows_come_back_as_they_were(values, model):
    manifest = model[1].model_copy(update={"outputs": ("out", "rung")})
    features = pa.table({"amount": [1.0, None], "stage_name": ["", None]})
    rows = golden_rows.with_expected(features, {"out": values, "rung": np.array(["prior", "model"], object)})
    read = golden_rows.from_bytes(golden_rows.to_bytes(rows))
    assert read == rows
    found = golden_rows.expected_outputs(read, manifest)
    np.testing.assert_array_equal(found["out"], values.reshape(2, -1))
    assert found["rung"].tolist() == ["prior", "model"]


def test_made_rows_try_nulls_extremes_unseen_and_known_texts(model):
    rows = golden_rows.make_rows(*model)
    assert rows["amount"].null_count and rows["stage_name"].null_count
    assert {1e30, -1e30, 0.0} <= set(rows["lead_score"].to_pylist())
    assert {"proposal", "negotiation", "a value never seen"} <= set(rows["stage_name"].to_pylist())


def test_made_rows_stand_at_the_thresholds_of_every_tree_and_beside_them(build_graph, manifest_of):
    """Whichever column a tree compares: here the second, behind a node that hides it."""
    thresholds = [12.5, 40.0, 77.25]
    trees = helper.make_node(
        "TreeEnsembleRegressor", ["score"], ["win_probability"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[tree for tree in range(3) for _ in range(3)], nodes_nodeids=[0, 1, 2] * 3,
        nodes_featureids=[0] * 9, nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * 3,
        nodes_values=[value for threshold in thresholds for value in (threshold, 0.0, 0.0)],
        nodes_truenodeids=[1, 0, 0] * 3, nodes_falsenodeids=[2, 0, 0] * 3,
        target_treeids=[0, 0, 1, 1, 2, 2], target_nodeids=[1, 2] * 3, target_ids=[0] * 6,
        target_weights=[0.1, 0.2] * 3,
    )  # fmt: skip
    nodes = [helper.make_node("Gather", ["x", "second"], ["score"], axis=1), trees]
    artefact = build_graph(nodes, [numpy_helper.from_array(np.array([1]), "second")], {"win_probability": 1})
    tried = golden_rows.make_rows(artefact, manifest_of(artefact))["lead_score"].to_numpy().astype(np.float32)
    for threshold in np.float32(thresholds):
        beside = [np.nextafter(threshold, np.float32(side)) for side in (-np.inf, np.inf)]
        assert {threshold, *beside} <= set(tried)


def test_malformed_golden_rows_are_named():
    with pytest.raises(ArtefactError, match="golden rows are malformed"):
        golden_rows.from_bytes(b"nonsense")
