"""What the leaves cannot know: how a feature's own value, within the leaf's bounds, moves its contribution.

TreeSHAP's contribution of a feature depends on its value at every node of a tree, a leaf's only on the path. The
mean of both over the other features (independent, spread by cover) is a step function of the feature alone; the
difference of the two is added by one small tree per feature.
"""

import numpy as np

from revlayer_udf.ensemble import LEAF, Ensemble
from revlayer_udf.ensemble import Floats as Thresholds
from revlayer_udf.reasons.paths import Floats, Integers, Paths

MOST_LEVELS = 16
# One node: feature, threshold, left, right, whether NaN goes left, level of a leaf.
_Node = tuple[int, float, int, int, bool, float]


def correction_trees(paths: Paths, credits: Floats, weights: Floats) -> Ensemble | None:
    """Return one tree per column that the paths test, target = column; None where there is nothing to add.

    Args:
        credits: [L, S], what the leaves carry.
        weights: [M], how the targets are added up to the score.

    Returns:
        An ensemble with as many targets as the highest column tested, plus one; to be summed.
    """
    low, high, missing = paths.bounds
    features, ensemble = paths.slot_features, paths.ensemble
    others = paths.zero.prod(axis=1, keepdims=True) / paths.zero
    exact = (ensemble.values[paths.leaves] @ weights)[:, None] * others
    gain, constant = exact - credits * others, -exact * paths.zero
    scale = 1.0 / len(ensemble.roots) if ensemble.aggregate == "AVERAGE" else 1.0
    columns, noise = int(features.max(initial=-1)) + 1, 1e-12 * float(np.abs(exact).sum())
    nodes: list[_Node] = []
    targets: list[int] = []
    roots = []
    for feature in range(columns):
        at = np.nonzero(features == feature)
        cuts = np.unique(ensemble.threshold[ensemble.feature == feature])
        levels = _levels(cuts, low[at], high[at], gain[at]) + constant[at].sum()
        absent = float(gain[at][missing[at]].sum() + constant[at].sum())
        if len(at[0]) and max(np.abs(levels).max(), abs(absent)) > noise:
            kept, coarse = _coarse(cuts, levels)
            roots.append(_grow(nodes, feature, kept, coarse * scale, absent * scale))
            targets += [feature] * (len(nodes) - len(targets))
    return _ensemble(nodes, targets, roots, columns, ensemble.threshold.dtype) if roots else None


def _levels(cuts: Thresholds, low: Thresholds, high: Thresholds, gain: Floats) -> Floats:
    """Return the sum of gains over the intervals that contain each bin between cuts, [cuts + 1]."""
    bins = len(cuts) + 1
    first = np.where(np.isneginf(low), 0, np.searchsorted(cuts, low) + 1)
    last = np.where(np.isposinf(high), bins, np.searchsorted(cuts, high) + 1)
    changes = np.bincount(first, gain, bins + 1) - np.bincount(np.maximum(first, last), gain, bins + 1)
    return np.asarray(np.cumsum(changes)[:bins])


def _coarse(cuts: Thresholds, levels: Floats) -> tuple[Thresholds, Floats]:
    """Join neighbouring bins to at most 32, each over an equal part of all the ups and downs."""
    if len(levels) <= MOST_LEVELS:
        return cuts, levels
    walked = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(levels)))])
    group = np.minimum((walked / max(walked[-1], 1e-300) * MOST_LEVELS).astype(np.int64), MOST_LEVELS - 1)
    group[-1] = max(group[-1], 1)  # a tree has one cut at least
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(np.append(starts, len(levels)))
    return cuts[starts[1:] - 1], np.add.reduceat(levels, starts) / sizes


def _grow(nodes: list[_Node], feature: int, cuts: Thresholds, levels: Floats, absent: float) -> int:
    """Add a balanced tree over sorted cuts and return its root; NaN goes right to the last bin, then aside."""

    def add(node: _Node) -> int:
        nodes.append(node)
        return len(nodes) - 1

    def leaf(level: float) -> int:
        return add((LEAF, 0.0, len(nodes), len(nodes), False, level))

    def grow(first: int, last: int) -> int:
        if first == last < len(cuts):
            return leaf(float(levels[first]))
        middle = (first + last) // 2 if first < last else len(cuts) - 1
        place = add((feature, float(cuts[middle]), 0, 0, False, 0.0))  # above its children: the root comes first
        if first < last:
            children = (grow(first, middle), grow(middle + 1, last), False)
        else:
            # Only NaN and what is above every cut come here, and of these only NaN goes left.
            children = (leaf(absent), leaf(float(levels[first])), True)
        nodes[place] = (*nodes[place][:2], *children, 0.0)
        return place

    return grow(0, len(cuts))


def _ensemble(
    nodes: list[_Node], targets: list[int], roots: list[int], columns: int, dtype: np.dtype[np.floating]
) -> Ensemble:
    feature, threshold, left, right, missing, level = zip(*nodes, strict=True)
    values = np.zeros((len(nodes), columns))
    values[np.arange(len(nodes)), targets] = level

    def integers(column: tuple[int, ...] | list[int]) -> Integers:
        return np.array(column, np.int64)

    return Ensemble(
        integers(roots), integers(feature), np.array(threshold, dtype), integers(left), integers(right),
        np.array(missing, bool), values, None, "SUM", np.zeros(columns),
    )  # fmt: skip
