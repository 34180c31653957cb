"""Fitted trees of LightGBM and scikit-learn as the arrays that are exported; no converter stands between.

Both libraries compare a float32 ``x`` with a float64 threshold, ONNX with a float32 one. ``x <= t`` holds exactly
when ``x <= t'`` with ``t'`` the largest float32 not above ``t``, so the rounded trees decide every float32 row as
the fitted ones do. What is left is the order of a float32 sum.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from revlayer_training.graph import Graph
from revlayer_udf.ensemble import LEAF, Ensemble, floor_float32
from revlayer_udf.errors import ArtefactError

Floats = NDArray[np.float64]
Boosting: TypeAlias = GradientBoostingClassifier | GradientBoostingRegressor
Forest: TypeAlias = RandomForestClassifier | RandomForestRegressor | ExtraTreesClassifier | ExtraTreesRegressor

# Bits of a LightGBM node's decision_type.
_CATEGORICAL, _DEFAULT_LEFT, _MISSING = 1, 2, 12
_MISSING_ZERO, _MISSING_NAN = 4, 8
# LightGBM reads every number this near to zero as zero.
_ZERO = np.float32(1e-35)
_BELOW_ZERO = np.nextafter(-_ZERO, np.float32(-np.inf))


@dataclass(frozen=True)
class _Tree:
    """One tree; indices are its own, thresholds still float64. The root is node 0."""

    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    values: Floats
    cover: Floats


def from_lightgbm(booster: lgb.Booster) -> Ensemble:
    """Read a booster, cut at its best iteration; the sum is its raw score (with boosting=rf the mean), per class.

    Raises:
        ArtefactError: it splits on native categories, takes zero as missing, or has linear leaves.
    """
    header, *blocks = booster.model_to_string().partition("\nend of trees")[0].split("\nTree=")
    classes = booster.num_model_per_iteration()
    names = booster.feature_name()
    trees = [_lightgbm_tree(_fields(block), number % classes, classes, names) for number, block in enumerate(blocks)]
    share = classes / len(trees) if "\naverage_output" in header else 1.0
    return _joined(trees, share, np.zeros(classes))


def from_boosting(model: Boosting) -> Ensemble:
    """Read scikit-learn's gradient boosting; the sum is the decision function or the regressor's prediction.

    Raises:
        ArtefactError: it starts from another model's predictions.
    """
    if not (model.init_ == "zero" or isinstance(model.init_, DummyClassifier | DummyRegressor)):
        raise ArtefactError(
            f"gradient boosting starts from a {type(model.init_).__name__}, which is not exported",
            "Fit it with init=None or init='zero'.",
        )
    columns = model.estimators_.shape[1]
    trees = [
        _scikit_tree(tree, tree.tree_.value[:, 0, 0][:, None] * np.eye(columns)[[place]])
        for stage in model.estimators_
        for place, tree in enumerate(stage)
    ]
    grown = _joined(trees, model.learning_rate, np.zeros(columns))
    # What one row's prediction has over its trees is the constant start.
    row = np.zeros((1, model.n_features_in_), np.float32)
    is_classifier = isinstance(model, GradientBoostingClassifier)
    raw = model.decision_function(row) if is_classifier else model.predict(row)
    return grown.with_values(grown.values, np.asarray(raw, np.float64).reshape(-1) - grown.score(row)[0])


def from_hist_boosting(model: HistGradientBoostingClassifier) -> Ensemble:
    """Read scikit-learn's histogram gradient boosting; the sum is the decision function.

    Raises:
        ArtefactError: it splits on categories of its own.
    """
    stages = model._predictors  # scikit-learn shows these trees nowhere else; the export is compared with it
    trees = []
    for stage in stages:
        for place, tree in enumerate(stage):
            nodes = tree.nodes
            if nodes["is_categorical"].any():
                raise ArtefactError("the boosting splits on native categories", "Encode them first: TextEncoder.")
            trees.append(_hist_tree(nodes, np.eye(len(stage))[[place]]))
    return _joined(trees, 1.0, np.asarray(model._baseline_prediction, np.float64).reshape(-1))


def from_forest(model: Forest) -> Ensemble:
    """Read a forest; the sum is its mean, with one target per class, or the second class alone where there are two.

    Raises:
        ArtefactError: it predicts several outputs.
    """
    if model.n_outputs_ > 1:
        raise ArtefactError(f"the forest predicts {model.n_outputs_} outputs", "Fit one forest per output.")
    trees = []
    for tree in model.estimators_:
        values = np.asarray(tree.tree_.value[:, 0, :], np.float64)
        if hasattr(model, "classes_"):
            values = values / values.sum(axis=1, keepdims=True)
            values = values[:, 1:] if values.shape[1] == 2 else values
        trees.append(_scikit_tree(tree, values))
    return _joined(trees, 1 / len(trees), np.zeros(trees[0].values.shape[1]))


def tree_nodes(graph: Graph, ensemble: Ensemble, matrix: str) -> str:
    """Add the trees over a float32 matrix and return their raw scores, float32 [N, targets]."""
    return graph.add_node(ensemble.to_onnx(), matrix)


def margins(booster: lgb.Booster, matrix: NDArray[np.float32]) -> Floats:
    """Return raw margins, float64 [N, classes]."""
    raw = np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))
    return raw.reshape(len(matrix), -1)


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.split("\n"))
    return {name: value for name, _, value in pairs}


def _lightgbm_tree(fields: dict[str, str], target: int, targets: int, names: Sequence[str]) -> _Tree:
    def numbers(name: str) -> Floats:
        return np.array(fields.get(name, "").split(), np.float64)

    split, decision = numbers("split_feature").astype(np.int64), numbers("decision_type").astype(np.int64)
    _refuse_lightgbm(fields, split, decision, names)
    inner, leaves = len(split), int(fields["num_leaves"])
    empty = np.zeros(leaves)
    nodes = np.arange(inner, inner + leaves)
    # A child below zero is leaf ~child; leaves stand behind the inner nodes.
    left, right = (numbers(f"{side}_child").astype(np.int64) for side in ("left", "right"))
    left, right = (np.where(side < 0, inner + ~side, side) for side in (left, right))
    threshold = numbers("threshold")
    missing = np.where((decision & _MISSING) == _MISSING_NAN, (decision & _DEFAULT_LEFT) > 0, threshold >= 0)
    values = np.zeros((inner + leaves, targets))
    values[inner:, target] = numbers("leaf_value")
    return _Tree(
        feature=np.concatenate([split, np.full(leaves, LEAF)]),
        threshold=np.concatenate([_around_zero(threshold), empty]),
        left=np.concatenate([left, nodes]),
        right=np.concatenate([right, nodes]),
        missing_left=np.concatenate([missing, empty]).astype(bool),
        values=values,
        cover=np.concatenate([numbers("internal_count"), numbers("leaf_count")]),
    )


def _around_zero(threshold: Floats) -> Floats:
    """Move thresholds out of the numbers that LightGBM reads as zero, to the side on which zero is."""
    raised = np.where((threshold >= 0) & (threshold < _ZERO), _ZERO, threshold)
    return np.where((threshold < 0) & (threshold >= -_ZERO), _BELOW_ZERO, raised).astype(np.float64)


def _refuse_lightgbm(
    fields: dict[str, str], split: NDArray[np.int64], decision: NDArray[np.int64], names: Sequence[str]
) -> None:
    categorical, zero = (decision & _CATEGORICAL) > 0, (decision & _MISSING) == _MISSING_ZERO
    for refused, what, hint in (
        (categorical, "splits on LightGBM's native categories", "Encode it first: TextEncoder or OneHotEncoder."),
        (zero, "takes zero as missing", "Fit with zero_as_missing=false and give NaN where a value is missing."),
    ):
        if refused.any():
            raise ArtefactError(f"the booster {what}: {names[split[refused.argmax()]]}", hint)
    if fields.get("is_linear", "0") != "0":
        raise ArtefactError("the booster has linear models in its leaves", "Fit with linear_tree=false.")


def _scikit_tree(model: DecisionTreeClassifier | DecisionTreeRegressor, values: Floats) -> _Tree:
    tree = model.tree_
    own = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    return _Tree(
        feature=np.where(leaf, LEAF, tree.feature).astype(np.int64),
        threshold=np.where(leaf, 0.0, tree.threshold),
        left=np.where(leaf, own, tree.children_left),
        right=np.where(leaf, own, tree.children_right),
        missing_left=np.asarray(tree.missing_go_to_left, bool) & ~leaf,
        values=np.where(leaf[:, None], values, 0.0),
        cover=np.asarray(tree.weighted_n_node_samples, np.float64),
    )


def _hist_tree(nodes: NDArray[np.void], columns: Floats) -> _Tree:
    leaf, own = nodes["is_leaf"] > 0, np.arange(len(nodes))
    return _Tree(
        feature=np.where(leaf, LEAF, nodes["feature_idx"]).astype(np.int64),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        left=np.where(leaf, own, nodes["left"]).astype(np.int64),
        right=np.where(leaf, own, nodes["right"]).astype(np.int64),
        missing_left=(nodes["missing_go_to_left"] > 0) & ~leaf,
        values=np.where(leaf, nodes["value"], 0.0)[:, None] * columns,
        cover=nodes["count"].astype(np.float64),
    )


def _joined(trees: Iterable[_Tree], factor: float, base: Floats) -> Ensemble:
    parts = list(trees)
    starts = np.cumsum([0, *(len(tree.feature) for tree in parts[:-1])])
    return Ensemble(
        # Boosting's first trees are the largest. Summed last, they keep the float32 sum 2 to 6 times nearer.
        roots=starts.astype(np.int64)[::-1].copy(),
        feature=np.concatenate([tree.feature for tree in parts]),
        threshold=floor_float32(np.concatenate([tree.threshold for tree in parts])),
        left=np.concatenate([tree.left + start for tree, start in zip(parts, starts, strict=True)]),
        right=np.concatenate([tree.right + start for tree, start in zip(parts, starts, strict=True)]),
        missing_left=np.concatenate([tree.missing_left for tree in parts]),
        values=np.vstack([tree.values for tree in parts]) * factor,
        cover=np.concatenate([tree.cover for tree in parts]),
        aggregate="SUM",
        base=base,
    )
