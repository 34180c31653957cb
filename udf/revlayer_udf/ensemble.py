"""Tree ensembles as flat arrays: what export writes, reasons are derived from and SQL is compiled from.

One rule decides at every inner node: left when ``x <= threshold``, right otherwise, and NaN where the node says.
ONNX's six comparisons are brought to that rule, which is possible because a float has a next smaller float:
``x < t`` is ``x <= t'`` with ``t'`` the largest float below ``t``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from revlayer_udf.errors import ArtefactError
from revlayer_udf.onnx_nodes import (
    EQUALITY,
    STRICT,
    SWAPPED,
    attributes,
    base_values,
    check_comparisons,
    children,
    leaf_values,
    roots,
)

LEAF = -1
Aggregate = Literal["SUM", "AVERAGE", "MIN", "MAX"]
Floats = NDArray[np.floating[Any]]

ONNX_DOMAIN = "ai.onnx.ml"


@dataclass(frozen=True)
class Ensemble:
    """n nodes of T trees with M targets.

    Attributes:
        roots: int64 [T], index of each tree's first node.
        feature: int64 [n], column of the input matrix; -1 for a leaf.
        threshold: float32 or float64 [n], in the type of the input matrix.
        left, right: int64 [n], index of the child; a leaf's own index.
        missing_left: bool [n], whether NaN goes left.
        values: float64 [n, M], what a leaf adds; zero in inner nodes.
        cover: float64 [n], training rows (or their weight) that reached the node; None when unknown.
        base: float64 [M], added to the aggregate.
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    values: NDArray[np.float64]
    cover: NDArray[np.float64] | None
    aggregate: Aggregate
    base: NDArray[np.float64]

    @classmethod
    def from_onnx(cls, node: onnx.NodeProto) -> "Ensemble":
        """Read a TreeEnsembleRegressor, or the class scores of a TreeEnsembleClassifier, without post-transform.

        Raises:
            ArtefactError: attributes are missing or do not fit each other, or a node is compared in a way ONNX does
                not define, or asks for numbers below -infinity.
        """
        try:
            return _read(node)
        except (LookupError, ValueError, TypeError) as error:
            raise ArtefactError(
                f"{node.op_type} {node.name} is no tree ensemble, its attributes do not fit: {error}",
                "Export it again.",
            ) from error

    @property
    def leaf_count(self) -> int:
        """Leaves of all trees together."""
        return int((self.feature == LEAF).sum())

    @property
    def target_count(self) -> int:
        """M."""
        return int(self.values.shape[1])

    @property
    def depth(self) -> int:
        """Comparisons on the longest path."""
        return sum(1 for _ in self.levels()) - 1

    def levels(self) -> Iterator[NDArray[np.int64]]:
        """Yield the nodes at each distance from the roots, roots first."""
        nodes = np.unique(self.roots)
        while len(nodes):
            yield nodes
            inner = nodes[self.feature[nodes] != LEAF]
            nodes = np.unique(np.concatenate([self.left[inner], self.right[inner]]))

    def leaves_of(self, matrix: Floats) -> NDArray[np.int64]:
        """Return the leaf each row reaches in each tree, int64 [N, T].

        Args:
            matrix: [N, features] in the type of the thresholds.
        """
        rows = np.arange(len(matrix))[:, None]
        nodes = np.broadcast_to(self.roots, (len(matrix), len(self.roots))).copy()
        while (self.feature[nodes] != LEAF).any():
            x = matrix[rows, np.maximum(self.feature[nodes], 0)]
            goes_left = np.where(np.isnan(x), self.missing_left[nodes], x <= self.threshold[nodes])
            nodes = np.where(goes_left, self.left[nodes], self.right[nodes])
        return nodes

    def score(self, matrix: Floats) -> NDArray[np.float64]:
        """Return the aggregate plus base, float64 [N, M]: the reference that other engines are compared with."""
        reached = self.values[self.leaves_of(matrix)]
        reduce = {"SUM": np.sum, "AVERAGE": np.mean, "MIN": np.min, "MAX": np.max}[self.aggregate]
        return np.asarray(reduce(reached, axis=1)) + self.base  # type: ignore[operator]

    def with_values(self, values: NDArray[np.float64], base: NDArray[np.float64]) -> "Ensemble":
        """Return the same trees with other leaf values [n, M] and base [M]."""
        return replace(self, values=values, base=base)

    def to_onnx(self) -> onnx.NodeProto:
        """Return a TreeEnsembleRegressor (ai.onnx.ml 3) for a float32 matrix, without input and output names.

        Raises:
            ArtefactError: thresholds are float64; round them down to float32 first.
        """
        return _write(self)


def previous_float(values: Floats) -> Floats:
    """Return the largest float below each value, in the same type."""
    with np.errstate(over="ignore"):  # below the lowest lies -infinity
        return np.asarray(np.nextafter(values, np.asarray(-np.inf, values.dtype)))


def floor_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 not above each value: ``x <= t`` is then the same for every float32 ``x``."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    return np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near)


def _read(node: onnx.NodeProto) -> Ensemble:
    found = attributes(node)
    kind = "class" if "Classifier" in node.op_type else "target"
    tree, number = np.asarray(found["nodes_treeids"]), np.asarray(found["nodes_nodeids"])
    place = {key: index for index, key in enumerate(zip(tree.tolist(), number.tolist(), strict=True))}
    count = len(tree)
    modes = np.asarray(found["nodes_modes"])
    inner = modes != "LEAF"
    values = found["nodes_values"]  # a list of float32, or a tensor of either type
    is_double = isinstance(values, np.ndarray) and values.dtype == np.float64
    threshold: Floats = np.asarray(values, np.float64 if is_double else np.float32)
    yes, no = (children(found[f"nodes_{name}nodeids"], tree, place, inner) for name in ("true", "false"))
    lengths = {count, len(modes), len(threshold), len(found["nodes_featureids"])}
    if len(lengths) > 1:
        raise ValueError(f"its nodes are between {min(lengths)} and {max(lengths)}")
    tracks = np.asarray(found.get("nodes_missing_value_tracks_true") or np.zeros(count), bool)
    check_comparisons(node, modes, threshold)
    strict, swapped = np.isin(modes, list(STRICT)), np.isin(modes, list(SWAPPED))
    hits = np.asarray(found.get("nodes_hitrates", ()), np.float64)
    ensemble = Ensemble(
        roots=roots(tree, yes, no, inner),
        feature=np.where(inner, np.asarray(found["nodes_featureids"]), LEAF).astype(np.int64),
        threshold=np.where(strict, previous_float(threshold), threshold),
        left=np.where(swapped, no, yes),
        right=np.where(swapped, yes, no),
        missing_left=np.where(swapped, ~tracks, tracks) & inner,
        values=leaf_values(found, kind, count, place),
        # A single 1 (or 0) in every node is a converter's filler, not a count.
        cover=hits if len(hits) == count and len(np.unique(hits)) > 1 else None,
        aggregate=found.get("aggregate_function", "SUM"),
        base=base_values(found, kind),
    )
    return _without_equality(ensemble, modes, tracks)


def _without_equality(ensemble: Ensemble, modes: NDArray[np.str_], tracks: NDArray[np.bool_]) -> Ensemble:
    """Write ``x == t`` as ``x <= t`` and then not ``x <= t'``, with one node more."""
    nodes = np.flatnonzero(np.isin(modes, list(EQUALITY)))
    if not len(nodes):
        return ensemble
    added = len(ensemble.feature) + np.arange(len(nodes))
    equal, unequal = ensemble.left[nodes].copy(), ensemble.right[nodes].copy()
    negated = modes[nodes] == "BRANCH_NEQ"
    equal[negated], unequal[negated] = unequal[negated], equal[negated].copy()
    # NaN equals nothing, so it differs; only an equality may send it to its true branch.
    missing_equal = tracks[nodes] & ~negated
    left, right = ensemble.left.copy(), ensemble.right.copy()
    left[nodes], right[nodes] = added, unequal
    missing = ensemble.missing_left.copy()
    missing[nodes] = missing_equal
    lower = previous_float(ensemble.threshold[nodes])
    width = ensemble.target_count
    return replace(
        ensemble,
        feature=np.concatenate([ensemble.feature, ensemble.feature[nodes]]),
        threshold=np.concatenate([ensemble.threshold, lower]),
        left=np.concatenate([left, unequal]),
        right=np.concatenate([right, equal]),
        missing_left=np.concatenate([missing, np.zeros(len(nodes), bool)]),
        values=np.vstack([ensemble.values, np.zeros((len(nodes), width))]),
        cover=None,
    )


def _write(ensemble: Ensemble) -> onnx.NodeProto:
    if ensemble.threshold.dtype != np.float32:
        raise ArtefactError("thresholds are float64, the graph compares float32", "Round them: floor_float32.")
    trees = _tree_numbers(ensemble)
    order = np.argsort(trees, kind="stable")
    order = order[trees[order] >= 0]
    leaf = ensemble.feature[order] == LEAF
    width = ensemble.target_count
    leaves = order[leaf]
    kept = _kept(ensemble, leaves)
    at, targets = np.nonzero(kept)
    place = np.zeros(len(trees), np.int64)
    place[order] = np.arange(len(order))
    written = helper.make_node("TreeEnsembleRegressor", [], [], domain=ONNX_DOMAIN)
    integers = {
        "nodes_treeids": trees[order],
        "nodes_nodeids": place[order],
        "nodes_featureids": np.maximum(ensemble.feature[order], 0),
        "nodes_truenodeids": np.where(leaf, 0, place[ensemble.left[order]]),
        "nodes_falsenodeids": np.where(leaf, 0, place[ensemble.right[order]]),
        "nodes_missing_value_tracks_true": ensemble.missing_left[order],
        "target_treeids": trees[leaves[at]],
        "target_nodeids": place[leaves[at]],
        "target_ids": targets,
    }
    floats = {
        "nodes_values": np.where(leaf, 0, ensemble.threshold[order]),
        "target_weights": ensemble.values[leaves][kept],
        "base_values": ensemble.base,
    }
    if ensemble.cover is not None:
        floats["nodes_hitrates"] = ensemble.cover[order]
    modes = np.where(leaf, "LEAF", "BRANCH_LEQ").tolist()
    other = {
        "nodes_modes": modes, "n_targets": width, "aggregate_function": ensemble.aggregate, "post_transform": "NONE",
    }  # fmt: skip
    listed = {name: array.astype(np.int64).tolist() for name, array in integers.items()}
    listed |= {name: array.astype(np.float32).tolist() for name, array in floats.items()}
    written.attribute.extend(helper.make_attribute(name, value) for name, value in (other | listed).items())
    return written


def _kept(ensemble: Ensemble, leaves: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which values are written, [leaves, M].

    A sum needs no zeros, and with many targets most are; each leaf keeps its first. ONNX Runtime adds a base only to
    targets that got a value.
    """
    kept = (ensemble.values[leaves] != 0) | (ensemble.base != 0) | (ensemble.aggregate in {"MIN", "MAX"})
    kept[:, :1] = True
    return np.asarray(kept)


def _tree_numbers(ensemble: Ensemble) -> NDArray[np.int64]:
    trees = np.full(len(ensemble.feature), -1, np.int64)
    trees[ensemble.roots] = np.arange(len(ensemble.roots))
    for nodes in ensemble.levels():
        inner = nodes[ensemble.feature[nodes] != LEAF]
        trees[ensemble.left[inner]] = trees[inner]
        trees[ensemble.right[inner]] = trees[inner]
    return trees
