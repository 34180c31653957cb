"""Exact path-dependent TreeSHAP (Lundberg et al. 2020) from the ensemble alone: slower, for chosen rows."""

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.ensemble import Ensemble
from revlayer_udf.reasons.paths import Floats, Paths, node_means, quadrature

CELLS = 2_000_000


def tree_shap(ensemble: Ensemble, matrix: NDArray[np.floating], weights: Floats | None = None) -> tuple[float, Floats]:
    """Return the base and one contribution per row and column.

    Args:
        ensemble: with cover and the aggregate SUM or AVERAGE.
        matrix: [N, columns] in the type of the thresholds; NaN is missing.
        weights: [M], how the targets are added up; left out, the only target.

    Returns:
        Base, and float64 [N, columns]; base + sum of a row is its score.
    """
    paths = Paths.of(ensemble)
    weights = np.ones(ensemble.target_count) if weights is None else weights
    scale = 1.0 / len(ensemble.roots) if ensemble.aggregate == "AVERAGE" else 1.0
    base = float((node_means(ensemble)[ensemble.roots].sum(axis=0) * scale + ensemble.base) @ weights)
    shares = np.zeros((matrix.shape[1] + 1, len(matrix)))
    values = ensemble.values[paths.leaves] @ weights * scale
    for tree in range(len(ensemble.roots)):
        leaves = paths.of_tree(tree)
        cells = max((leaves.stop - leaves.start) * paths.slot_count, 1)
        step = max(CELLS // cells, 1)
        for start in range(0, len(matrix), step):
            rows = slice(start, start + step)
            _add_tree(shares[:, rows], paths, leaves, values[leaves], matrix[rows])
    return base, shares[:-1].T


def _add_tree(shares: Floats, paths: Paths, leaves: slice, values: Floats, matrix: NDArray[np.floating]) -> None:
    """Add a tree's contributions to ``shares`` [columns + 1, rows]; empty slots fall into the last line."""
    features = paths.slot_features[leaves]
    used = int((features >= 0).sum(axis=1).max(initial=0))
    if not used:
        return
    features, zero = features[:, :used], paths.zero[leaves, :used]
    low, high, missing = (bound[leaves, :used, None] for bound in paths.bounds)
    x = matrix.T[np.maximum(features, 0)]  # [leaves, slots, rows]
    one = np.where(np.isnan(x), missing, (x > low) & (x <= high)).astype(np.float64)
    change = one - zero[..., None]
    total = np.zeros_like(change)
    for t, weight in zip(*(part.tolist() for part in quadrature(used)), strict=True):
        factors = zero[..., None] + t * change
        total += (weight * np.prod(factors, axis=1, keepdims=True)) / factors
    total *= change * values[:, None, None]
    place = np.where(features >= 0, features, len(shares) - 1).ravel()
    order = np.argsort(place, kind="stable")
    columns, starts = np.unique(place[order], return_index=True)
    shares[columns] += np.add.reduceat(total.reshape(len(place), -1)[order], starts, axis=0)
