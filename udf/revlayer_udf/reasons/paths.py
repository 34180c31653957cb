"""The paths of an ensemble's leaves, the Shapley values that follow from them, and exact quadrature for both.

For one leaf, TreeSHAP is a game over the features on its path: feature k passes with fraction ``one`` when it is
known and ``zero`` (the share of training rows that pass, by cover) when it is not. Its Shapley values are an
integral of a polynomial (Owen 1972, "Multilinear extensions of games"), which Gauss-Legendre points give exactly:

    phi_j = value * (one_j - zero_j) * integral over t in 0..1 of prod_{k != j} (zero_k (1 - t) + one_k t)
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.ensemble import LEAF, Ensemble

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Paths:
    """Paths from the root to each of L leaves, leaf side first, padded to the depth D with -1.

    Attributes:
        ensemble: with cover.
        leaves: int64 [L], tree by tree.
        tree: int64 [L], the tree of each leaf.
        nodes: int64 [L, D], the inner nodes above the leaf, -1 where there is none.
        went_left: bool [L, D].
        shares: float64 [L, D], share of the node's cover that goes the leaf's way; 1 where there is no node.
    """

    ensemble: Ensemble
    leaves: Integers
    tree: Integers
    nodes: Integers
    went_left: NDArray[np.bool_]
    shares: Floats

    @classmethod
    def of(cls, ensemble: Ensemble) -> "Paths":
        """Walk up from every leaf.

        Raises:
            ValueError: the ensemble has no cover.
        """
        if ensemble.cover is None:
            raise ValueError("an ensemble without cover has no reasons")
        inner = np.flatnonzero(ensemble.feature != LEAF)
        parent = np.full(len(ensemble.feature), -1, np.int64)
        parent[ensemble.left[inner]] = inner
        parent[ensemble.right[inner]] = inner
        leaves = np.flatnonzero(ensemble.feature == LEAF)
        nodes, lefts, shares, here = [], [], [], leaves
        while (parent[here] >= 0).any():
            above = parent[here]
            real = above >= 0
            nodes.append(above)
            lefts.append(real & (ensemble.left[above] == here))
            both = ensemble.cover[ensemble.left[above]] + ensemble.cover[ensemble.right[above]]
            # Never zero: a branch that no training row took has no share to divide by.
            share = np.maximum(ensemble.cover[here] / np.maximum(both, 1e-300), 1e-12)
            shares.append(np.where(real, share, 1.0))
            here = np.where(real, above, here)
        roots = {root: number for number, root in enumerate(ensemble.roots.tolist())}
        tree = np.array([roots[root] for root in here.tolist()], np.int64)
        order = np.argsort(tree, kind="stable")
        shape = (0, len(leaves))
        stack = [np.array(part).reshape(-1, shape[1]).T[order] for part in (nodes, lefts, shares)]
        return cls(ensemble, leaves[order], tree[order], stack[0].astype(np.int64), stack[1].astype(bool),
                   stack[2].astype(np.float64))  # fmt: skip

    def of_tree(self, number: int) -> slice:
        """Return which leaves belong to a tree."""
        return slice(*np.searchsorted(self.tree, [number, number + 1]).tolist())

    @cached_property
    def step_features(self) -> Integers:
        """Column tested at each step, int64 [L, D]; -1 where there is no step."""
        return np.where(self.nodes >= 0, self.ensemble.feature[self.nodes], -1)

    @cached_property
    def slots(self) -> Integers:
        """Place of each step's feature among the distinct features of its path, int64 [L, D]; -1 for no step."""
        features = self.step_features
        order = np.argsort(features, axis=1, kind="stable")
        ordered = np.take_along_axis(features, order, axis=1)
        is_new = np.ones_like(ordered, bool)
        is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        number = np.cumsum(is_new & (ordered >= 0), axis=1) - 1
        slots = np.empty_like(number)
        np.put_along_axis(slots, order, np.where(ordered >= 0, number, -1), axis=1)
        return slots

    @cached_property
    def siblings(self) -> Integers:
        """The child of each step's node that is not on the path, int64 [L, D]; meaningless where there is no step."""
        return np.where(self.went_left, self.ensemble.right[self.nodes], self.ensemble.left[self.nodes])

    @property
    def slot_count(self) -> int:
        """Most distinct features on one path; at least 1."""
        return int(self.slots.max(initial=0)) + 1

    @cached_property
    def slot_features(self) -> Integers:
        """Column of each slot, int64 [L, S]; -1 where a path has fewer features."""
        found = np.full((len(self.leaves), self.slot_count), -1, np.int64)
        rows, steps = np.nonzero(self.slots >= 0)
        found[rows, self.slots[rows, steps]] = self.step_features[rows, steps]
        return found

    @cached_property
    def zero(self) -> Floats:
        """Share of cover that passes a slot's steps when its feature is not known, [L, S]; 1 for empty slots."""
        zero = np.ones((len(self.leaves), self.slot_count))
        for step in range(self.slots.shape[1]):
            rows = np.flatnonzero(self.slots[:, step] >= 0)
            zero[rows, self.slots[rows, step]] *= self.shares[rows, step]
        return zero

    @cached_property
    def bounds(self) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.bool_]]:
        """Per slot [L, S]: a row passes when ``low < x <= high``, and whether NaN passes."""
        thresholds = self.ensemble.threshold
        shape = (len(self.leaves), self.slot_count)
        low, high = np.full(shape, -np.inf, thresholds.dtype), np.full(shape, np.inf, thresholds.dtype)
        missing = np.ones(shape, bool)
        for step in range(self.slots.shape[1]):
            rows = np.flatnonzero(self.slots[:, step] >= 0)
            at, node, left = self.slots[rows, step], self.nodes[rows, step], self.went_left[rows, step]
            t = thresholds[node]
            high[rows, at] = np.where(left, np.minimum(high[rows, at], t), high[rows, at])
            low[rows, at] = np.where(left, low[rows, at], np.maximum(low[rows, at], t))
            missing[rows, at] &= self.ensemble.missing_left[node] == left
        return low, high, missing


def node_means(ensemble: Ensemble) -> Floats:
    """Return the cover-weighted mean of the leaves below every node, float64 [n, M]."""
    assert ensemble.cover is not None
    means, cover = ensemble.values.copy(), ensemble.cover
    for nodes in reversed(list(ensemble.levels())):
        inner = nodes[ensemble.feature[nodes] != LEAF]
        left, right = ensemble.left[inner], ensemble.right[inner]
        share = (cover[left] / np.maximum(cover[left] + cover[right], 1e-300))[:, None]
        means[inner] = share * means[left] + (1 - share) * means[right]
    return means


def shapley(one: Floats, zero: Floats, values: Floats) -> Floats:
    """Return Shapley values of leaf games.

    Args:
        one: [..., L, S] fraction with which a known feature passes.
        zero: broadcastable to it, above 0; fraction with which an unknown one does. An empty slot has one = zero = 1.
        values: broadcastable to [..., L].

    Returns:
        float64 [..., L, S].
    """
    points, weights = quadrature(one.shape[-1])
    change = one - zero
    total = np.zeros(np.broadcast_shapes(one.shape, zero.shape))
    for t, weight in zip(points.tolist(), weights.tolist(), strict=True):
        factors = zero + t * change
        total += (weight * np.prod(factors, axis=-1, keepdims=True)) / factors
    return np.asarray(total * change * values[..., None])


def quadrature(slots: int) -> tuple[Floats, Floats]:
    """Return the Gauss-Legendre points and weights on 0..1 that are exact for polynomials of degree slots - 1."""
    points, weights = np.polynomial.legendre.leggauss((slots + 1) // 2)
    return (points + 1) / 2, weights / 2
