"""How each feature was distributed in training, as far as the trees' own covers tell.

Every leaf says how many training rows had their feature within the leaf's bounds: counts by interval. The
distribution over the bins between thresholds that fits them best is found by expectation maximisation (Turnbull
1976, "The empirical distribution function with arbitrarily grouped data"). Missing is a bin of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.ensemble import LEAF
from revlayer_udf.reasons.paths import Floats, Integers, Paths

ITERATIONS = 60


@dataclass(frozen=True)
class Marginals:
    """Bins of every slot of every leaf, and the mass below each bin.

    Attributes:
        first, last: int64 [L, S], the bins first <= b < last that a slot lets pass; 0 and 0 for an empty slot.
        missing: bool [L, S], whether NaN passes.
        mass_below: float64 [columns + 1, bins + 1], cumulative; the last line, for empty slots, is zero.
        mass_missing: float64 [columns + 1].
    """

    first: Integers
    last: Integers
    missing: NDArray[np.bool_]
    mass_below: Floats
    mass_missing: Floats

    @classmethod
    def of(cls, paths: Paths) -> "Marginals":
        """Estimate them from the ensemble that the paths belong to."""
        low, high, missing = paths.bounds
        features, ensemble = paths.slot_features, paths.ensemble
        assert ensemble.cover is not None
        cuts = {f: np.unique(ensemble.threshold[ensemble.feature == f]) for f in _used(features)}
        width = max((len(cut) for cut in cuts.values()), default=0) + 2
        columns = int(features.max(initial=-1)) + 1
        first, last = np.zeros(features.shape, np.int64), np.zeros(features.shape, np.int64)
        below, absent = np.zeros((columns + 1, width)), np.zeros(columns + 1)
        cover = ensemble.cover[paths.leaves]
        for feature, cut in cuts.items():
            at = np.nonzero(features == feature)
            start = np.where(np.isneginf(low[at]), 0, np.searchsorted(cut, low[at]) + 1)
            end = np.where(np.isposinf(high[at]), len(cut) + 1, np.searchsorted(cut, high[at]) + 1)
            first[at], last[at] = start, np.maximum(start, end)
            mass = _fit(len(cut) + 1, first[at], last[at], missing[at], cover[at[0]])
            below[feature, 1 : len(cut) + 2] = np.cumsum(mass[:-1])
            below[feature, len(cut) + 2 :] = mass[:-1].sum()
            absent[feature] = mass[-1]
        return cls(first, last, missing, below, absent)


def _used(features: Integers) -> list[int]:
    return [int(feature) for feature in np.unique(features) if feature != LEAF]


def _fit(bins: int, first: Integers, last: Integers, missing: NDArray[np.bool_], cover: Floats) -> Floats:
    """Return the mass of each bin and, last, of NaN; they sum to 1."""
    mass = np.full(bins + 1, 1.0 / (bins + 1))
    for _ in range(ITERATIONS):
        below = np.concatenate([[0.0], np.cumsum(mass[:bins])])
        within = below[last] - below[first] + missing * mass[bins]
        expected = cover / np.maximum(within, 1e-300)
        starts = np.bincount(first, expected, bins + 1) - np.bincount(last, expected, bins + 1)
        mass = mass * np.append(np.cumsum(starts)[:bins], expected @ missing)
        mass = np.maximum(mass / max(mass.sum(), 1e-300), 0.0)
    return mass
