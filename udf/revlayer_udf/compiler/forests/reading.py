"""From a node of a graph to an Ensemble that compares as ONNX Runtime does."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from revlayer_udf.ensemble import Ensemble
from revlayer_udf.onnx_nodes import attributes

# Codes of ai.onnx.ml 5.
_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER")
_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
_TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def read(node: onnx.NodeProto, *, is_double: bool) -> Ensemble:
    """Read a tree ensemble of any version.

    Args:
        node: TreeEnsemble, TreeEnsembleRegressor or TreeEnsembleClassifier.
        is_double: the input is float64, so that thresholds are compared as float64.

    Raises:
        ArtefactError: the node is malformed.
    """
    node = as_regressor(node) if node.op_type == "TreeEnsemble" else node
    node = _with_thresholds(node, np.float64 if is_double else np.float32)
    return Ensemble.from_onnx(node)


def scored_always(node: onnx.NodeProto) -> dict[int, bool]:
    """Tell of each target or class that has leaf values whether every row gets one, from one tree at least.

    ONNX Runtime adds a base value only to a target that the row's leaves name.
    """
    node = as_regressor(node) if node.op_type == "TreeEnsemble" else node
    found = attributes(node)
    kind = "class" if "Classifier" in node.op_type else "target"
    leaves = Counter(
        tree for tree, mode in zip(found["nodes_treeids"], found["nodes_modes"], strict=True) if mode == "LEAF"
    )
    names = zip(found[f"{kind}_treeids"], found[f"{kind}_nodeids"], found[f"{kind}_ids"], strict=True)
    named = Counter((tree, target) for tree, _, target in set(names))
    result: dict[int, bool] = {}
    for (tree, target), count in named.items():
        result[target] = result.get(target, False) or count == leaves[tree]
    return result


def same_in_every_tree(node: onnx.NodeProto) -> bool:
    """Tell whether every leaf of every tree names every target, which MIN and MAX need to be plain ones."""
    node = as_regressor(node) if node.op_type == "TreeEnsemble" else node
    found = attributes(node)
    names = set(zip(found["target_treeids"], found["target_nodeids"], found["target_ids"], strict=True))
    return len(names) == found["nodes_modes"].count("LEAF") * int(found["n_targets"])


def _with_thresholds(node: onnx.NodeProto, dtype: type[np.floating[Any]]) -> onnx.NodeProto:
    values = np.asarray(attributes(node)["nodes_values"]).astype(dtype)
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    kept = [item for item in copied.attribute if item.name.removesuffix("_as_tensor") != "nodes_values"]
    del copied.attribute[:]
    copied.attribute.extend(kept)
    copied.attribute.append(helper.make_attribute("nodes_values_as_tensor", numpy_helper.from_array(values)))
    return copied


def as_regressor(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return a TreeEnsemble (ai.onnx.ml 5) as a TreeEnsembleRegressor, whose leaves are nodes of their own."""
    found = attributes(node)
    trees = _Trees(found)
    for number, root in enumerate(np.asarray(found["tree_roots"]).tolist()):
        trees.add_tree(number, root)
    return trees.node(node, found)


class _Trees:
    """Nodes and leaf values of a TreeEnsembleRegressor, collected tree by tree."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = {name: np.asarray(value) for name, value in found.items()}
        self._members = _members(found)
        self._tracks = self._found.get("nodes_missing_value_tracks_true", np.zeros(len(found["nodes_featureids"])))
        self._nodes: list[list[Any]] = []
        self._leaves: list[tuple[int, int, int, float]] = []

    def add_tree(self, tree: int, root: int) -> None:
        """Copy a tree; each node that tests membership becomes a chain of equalities."""
        waiting = [(root, self._place(tree))]
        while waiting:
            at, place = waiting.pop()
            yes = self._child(tree, at, "true", waiting)
            no = self._child(tree, at, "false", waiting)
            mode = _MODES[int(self._found["nodes_modes"][at])]
            feature, tracks = int(self._found["nodes_featureids"][at]), int(self._tracks[at])
            if mode != "BRANCH_MEMBER":
                self._nodes[place][1:] = [feature, float(self._found["nodes_splits"][at]), mode, yes, no, tracks]
                continue
            values = self._members[at]
            for index, value in enumerate(values):
                following = no if index == len(values) - 1 else self._place(tree)
                self._nodes[place][1:] = [feature, value, "BRANCH_EQ", yes, following, tracks]
                place = following

    def _place(self, tree: int) -> int:
        self._nodes.append([tree, 0, 0.0, "LEAF", 0, 0, 0])
        return len(self._nodes) - 1

    def _child(self, tree: int, at: int, side: str, waiting: list[tuple[int, int]]) -> int:
        place = self._place(tree)
        target = int(self._found[f"nodes_{side}nodeids"][at])
        if self._found[f"nodes_{side}leafs"][at]:
            found = self._found
            self._leaves.append((tree, place, int(found["leaf_targetids"][target]), found["leaf_weights"][target]))
        else:
            waiting.append((target, place))
        return place

    def node(self, node: onnx.NodeProto, found: dict[str, Any]) -> onnx.NodeProto:
        """Return what was collected."""
        tree, feature, value, mode, yes, no, tracks = (list(column) for column in zip(*self._nodes, strict=True))
        leaf_tree, leaf_node, target, weight = (list(column) for column in zip(*self._leaves, strict=True))
        dtype = self._found["nodes_splits"].dtype
        return helper.make_node(
            "TreeEnsembleRegressor", node.input, node.output, node.name, domain=node.domain,
            nodes_treeids=tree, nodes_nodeids=list(range(len(tree))), nodes_featureids=feature, nodes_modes=mode,
            nodes_values_as_tensor=numpy_helper.from_array(np.array(value, dtype)),
            nodes_truenodeids=yes, nodes_falsenodeids=no, nodes_missing_value_tracks_true=tracks,
            target_treeids=leaf_tree, target_nodeids=leaf_node, target_ids=target,
            target_weights_as_tensor=numpy_helper.from_array(np.array(weight, dtype)),
            n_targets=int(found["n_targets"]),
            aggregate_function=_AGGREGATES[int(found.get("aggregate_function", 1))],
            post_transform=_TRANSFORMS[int(found.get("post_transform", 0))],
        )  # fmt: skip


def _members(found: dict[str, Any]) -> dict[int, list[float]]:
    """Return the values of each node that tests membership; they stand in one list, split by NaN."""
    nodes = np.flatnonzero(np.asarray(found["nodes_modes"]) == _MODES.index("BRANCH_MEMBER")).tolist()
    if not nodes:
        return {}
    values: NDArray[np.float64] = np.asarray(found["membership_values"], np.float64)
    groups = np.split(values, np.flatnonzero(np.isnan(values)))
    lists = [group[~np.isnan(group)].tolist() for group in groups]
    return dict(zip(nodes, lists, strict=False))
