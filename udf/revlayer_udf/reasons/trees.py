"""What each leaf credits to each feature, so that one lookup per tree gives score and contributions together.

A leaf gets the mean of the exact TreeSHAP values of the rows that reach it, as far as that can be known without
the rows: within the leaf's bounds the features are taken as independent, each spread as in training. For trees
of more than 256 leaves this costs too much and Saabas' rule serves: each split credits its feature with the
step it makes in the mean of the leaves below.
"""

import numpy as np

from revlayer_udf.ensemble import Ensemble
from revlayer_udf.reasons.marginals import Marginals
from revlayer_udf.reasons.paths import Floats, Paths, node_means, shapley

LARGEST_TREE = 256


def leaf_contributions(ensemble: Ensemble, weights: Floats) -> tuple[Floats, Floats]:
    """Split every leaf's value by column.

    Args:
        ensemble: with cover.
        weights: [M], how the targets are added up to the score.

    Returns:
        The base of each tree [T]: the cover-weighted mean of its leaves. And [n, columns]: for a leaf, what each
        column moves the score from that base to the leaf's value; zero for inner nodes.
    """
    paths = Paths.of(ensemble)
    columns = int(ensemble.feature.max(initial=-1)) + 1
    found = np.zeros((len(ensemble.feature), columns + 1))
    means = node_means(ensemble) @ weights
    marginals: Marginals | None = None
    features = np.where(paths.slot_features >= 0, paths.slot_features, columns)
    for tree in range(len(ensemble.roots)):
        leaves = paths.of_tree(tree)
        if leaves.stop - leaves.start > LARGEST_TREE:
            _add_steps(found, paths, leaves, means)
        else:
            marginals = marginals or Marginals.of(paths)
            found[paths.leaves[leaves]] = _mean_shapley(paths, leaves, features[leaves], marginals, means)
    found = found[:, :columns]
    bases = means[ensemble.roots]
    _settle(found, paths, means, bases)
    return bases, found


def _settle(found: Floats, paths: Paths, means: Floats, bases: Floats) -> None:
    """Put the rounding that is left over into each leaf's largest contribution."""
    if not found.shape[1]:
        return
    leaves = paths.leaves
    left_over = means[leaves] - bases[paths.tree] - found[leaves].sum(axis=1)
    largest = np.abs(found[leaves]).argmax(axis=1)
    has_path = (paths.nodes >= 0).any(axis=1) if paths.nodes.shape[1] else np.zeros(len(leaves), bool)
    found[leaves[has_path], largest[has_path]] += left_over[has_path]


def _add_steps(found: Floats, paths: Paths, leaves: slice, means: Floats) -> None:
    below = paths.leaves[leaves]
    reached = below.copy()
    for step in range(paths.nodes.shape[1]):
        rows = np.flatnonzero(paths.nodes[leaves, step] >= 0)
        node = paths.nodes[leaves, step][rows]
        found[below[rows], paths.ensemble.feature[node]] += means[reached[rows]] - means[node]
        reached[rows] = node


def _mean_shapley(paths: Paths, leaves: slice, features: np.ndarray, marginals: Marginals, means: Floats) -> Floats:
    """Return [leaves, columns + 1]: each leaf's box goes through the games of all leaves of its tree."""
    count, empty = len(features), len(marginals.mass_missing) - 1
    first, last, missing = (part[leaves] for part in (marginals.first, marginals.last, marginals.missing))
    rows = np.broadcast_to(np.arange(count)[:, None], features.shape)
    box_first, box_last = np.zeros((count, empty + 1), np.int64), np.zeros((count, empty + 1), np.int64)
    box_missing, tested = np.zeros((count, empty + 1), bool), np.zeros((count, empty + 1), bool)
    for box, part in ((box_first, first), (box_last, last), (box_missing, missing)):
        box[rows, features] = part
    tested[rows, features] = True
    tested[:, empty] = False
    below, absent = marginals.mass_below, marginals.mass_missing[features]
    start, end = np.maximum(box_first[:, features], first), np.minimum(box_last[:, features], last)
    shared = np.where(end > start, below[features, end] - below[features, np.minimum(start, end)], 0.0)
    shared += absent * (box_missing[:, features] & missing)
    own = below[features, box_last[:, features]] - below[features, box_first[:, features]]
    own += absent * box_missing[:, features]
    zero = paths.zero[leaves]
    # A feature that the box does not bound tells nothing: it counts as unknown.
    one = np.where(tested[:, features], np.minimum(shared / np.maximum(own, 1e-300), 1.0), zero)
    one[np.arange(count), np.arange(count)] = 1.0
    credits = shapley(one, zero, means[paths.leaves[leaves]])
    total = np.zeros((count, empty + 1))
    np.add.at(total, (np.arange(count)[:, None, None], features[None]), credits)
    total[:, empty] = 0.0
    return np.where(tested, total, 0.0)
