"""Random tree ensembles and inputs that lie on their thresholds."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

DOMAIN = "ai.onnx.ml"
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
EDGES = np.array(
    [0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, -3.4028235e38, np.inf, -np.inf, np.nan, 1.0, 16777216.0],
    np.float32,
)


@dataclass
class Forest:
    """Trees being grown, in the attributes of TreeEnsembleRegressor and Classifier."""

    random: np.random.Generator
    features: int
    modes: tuple[str, ...]
    dtype: Any = np.float32
    tree: list[int] = field(default_factory=list)
    number: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    mode: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    tracks: list[int] = field(default_factory=list)
    leaves: list[tuple[int, int]] = field(default_factory=list)

    def grow(self, trees: int, depth: int, fill: float = 0.85) -> "Forest":
        """Grow trees; each node becomes inner with probability ``fill`` down to a depth."""
        for tree in range(trees):
            self._node(tree, [0], depth, fill)
        return self

    def _node(self, tree: int, counter: list[int], depth: int, fill: float) -> int:
        number, place = counter[0], len(self.tree)
        counter[0] += 1
        for name, item in {"tree": tree, "number": number, "feature": 0, "mode": "LEAF", "value": 0.0}.items():
            getattr(self, name).append(item)
        for name in ("yes", "no", "tracks"):
            getattr(self, name).append(0)
        if depth == 0 or self.random.random() > fill:
            self.leaves.append((tree, number))
            return number
        self.feature[place] = int(self.random.integers(self.features))
        self.mode[place] = str(self.random.choice(self.modes))
        self.value[place] = self._threshold()
        self.tracks[place] = int(self.random.integers(2))
        self.yes[place] = self._node(tree, counter, depth - 1, fill)
        self.no[place] = self._node(tree, counter, depth - 1, fill)
        return number

    def _threshold(self) -> float:
        if self.random.random() < 0.2:
            finite = EDGES[np.isfinite(EDGES)]
            return float(self.random.choice(finite))
        return float(np.asarray(np.round(self.random.normal(), int(self.random.integers(1, 9)))).astype(self.dtype))

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the nodes."""
        values = np.array(self.value, self.dtype)
        typed = (
            {"nodes_values": values.tolist()}
            if self.dtype == np.float32
            else {"nodes_values_as_tensor": numpy_helper.from_array(values)}
        )
        return typed | {
            "nodes_treeids": self.tree, "nodes_nodeids": self.number, "nodes_featureids": self.feature,
            "nodes_modes": self.mode, "nodes_truenodeids": self.yes, "nodes_falsenodeids": self.no,
            "nodes_missing_value_tracks_true": self.tracks,
        }  # fmt: skip

    def weights(self, kind: str, targets: list[int]) -> dict[str, Any]:
        """Return leaf values for each of the targets."""
        pairs = [(tree, node, target) for tree, node in self.leaves for target in targets]
        given = self.random.normal(size=len(pairs)).astype(np.float32)
        tree, node, target = (list(column) for column in zip(*pairs, strict=True))
        names = {f"{kind}_treeids": tree, f"{kind}_nodeids": node, f"{kind}_ids": target}
        if self.dtype == np.float32:
            return names | {f"{kind}_weights": given.tolist()}
        return names | {f"{kind}_weights_as_tensor": numpy_helper.from_array(given.astype(self.dtype))}


def regressor(
    forest: Forest, targets: int = 1, aggregate: str = "SUM", base: list[float] | None = None, transform: str = "NONE"
) -> onnx.NodeProto:
    """Return a TreeEnsembleRegressor from x to y."""
    names = forest.attributes() | forest.weights("target", list(range(targets)))
    if base:
        names["base_values"] = base
    return helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain=DOMAIN, n_targets=targets, aggregate_function=aggregate,
        post_transform=transform, **names,
    )  # fmt: skip


def classifier(
    forest: Forest, labels: list[Any], classes: list[int], base: list[float] | None = None, transform: str = "NONE"
) -> onnx.NodeProto:
    """Return a TreeEnsembleClassifier from x to label and scores."""
    names = forest.attributes() | forest.weights("class", classes)
    names["classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"] = labels
    if base:
        names["base_values"] = base
    return helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "scores"], domain=DOMAIN, post_transform=transform, **names
    )


class ForestFive:
    """Trees being grown, in the attributes of TreeEnsemble (ai.onnx.ml 5); half of its tests are of membership."""

    VALUES = (-1.0, 0.5, 1.0, 2.0, 3.0, 7.0)
    MEMBERS = (1.0, 2.0, 3.0, 7.0)  # ONNX Runtime has membership among whole numbers only

    def __init__(self, random: np.random.Generator, dtype: Any) -> None:
        self._random, self._dtype = random, dtype
        self._modes: list[int] = []
        self._members: list[list[float]] = []
        self._found: dict[str, Any] = {"nodes_featureids": [], "nodes_missing_value_tracks_true": []}
        for side in ("true", "false"):
            self._found |= {f"nodes_{side}nodeids": [], f"nodes_{side}leafs": []}
        self._targets: list[int] = []

    def node(self, trees: int, depth: int, targets: int = 2) -> onnx.NodeProto:
        """Grow trees and return a TreeEnsemble from x to y."""
        roots = [self._grow(depth, targets) for _ in range(trees)]
        members = [value for values in self._members for value in values]
        listed: dict[str, Any] = {"membership_values": self._array(members)} if members else {}
        return helper.make_node(
            "TreeEnsemble", ["x"], ["y"], domain=DOMAIN, n_targets=targets, aggregate_function=1, post_transform=0,
            tree_roots=roots, leaf_targetids=self._targets,
            nodes_modes=numpy_helper.from_array(np.array(self._modes, np.uint8)),
            nodes_splits=self._array(self._random.choice(self.VALUES, len(self._modes))),
            leaf_weights=self._array(self._random.normal(size=len(self._targets))), **listed, **self._found,
        )  # fmt: skip

    def _array(self, values: Any) -> onnx.TensorProto:
        return numpy_helper.from_array(np.asarray(values, self._dtype))

    def _grow(self, depth: int, targets: int) -> int:
        place, random = len(self._modes), self._random
        self._modes.append(6 if random.random() < 0.5 else int(random.integers(6)))
        chosen = random.permutation(self.MEMBERS)[: random.integers(1, 4)].tolist()
        self._members.append([*chosen, np.nan] if self._modes[place] == 6 else [])
        self._found["nodes_featureids"].append(int(random.integers(2)))
        self._found["nodes_missing_value_tracks_true"].append(0)
        for side in ("true", "false"):
            self._found[f"nodes_{side}nodeids"].append(0)
            self._found[f"nodes_{side}leafs"].append(1)
        for side in ("true", "false"):
            if depth > 1 and random.random() < 0.7:
                self._found[f"nodes_{side}leafs"][place] = 0
                self._found[f"nodes_{side}nodeids"][place] = self._grow(depth - 1, targets)
            else:
                self._found[f"nodes_{side}nodeids"][place] = len(self._targets)
                self._targets.append(int(random.integers(targets)))
        return place


def matrix(
    random: np.random.Generator, rows: int, features: int, thresholds: list[float], dtype: Any = np.float32
) -> NDArray[Any]:
    """Return inputs: random, at thresholds, one unit in the last place beside them, and edges of the type."""
    found = np.array(list(thresholds) or [0.0], dtype)
    with np.errstate(over="ignore"):
        beside = [np.nextafter(found, np.asarray(side, dtype)) for side in (-np.inf, np.inf)]
    pool = np.concatenate([found, *beside, EDGES.astype(dtype)])
    chosen = random.choice(pool, size=(rows, features))
    return np.where(random.random((rows, features)) < 0.4, random.normal(size=(rows, features)), chosen).astype(dtype)
