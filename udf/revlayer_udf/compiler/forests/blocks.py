"""Trees cut into blocks of five levels, each a row: one look-up answers five comparisons.

Measured on a forest of 100 trees of depth 10, a row per node answered 1,100 rows a second and a row per block of
five levels 3,000 (four levels 1,700, six 2,900): a look-up costs as much as a dozen comparisons, and a longer row
falls out of the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.compiler.forests.slots import Slots
from revlayer_udf.ensemble import LEAF, Ensemble

BLOCK_DEPTH = 5
INNER = 2**BLOCK_DEPTH - 1
EXITS = 2**BLOCK_DEPTH


@dataclass(frozen=True)
class Blocks:
    """B blocks, numbered from 1; the first T are the roots of the trees.

    A block is a full binary tree of five levels in heap order. Where a tree ends earlier, the levels below its leaf
    hold an infinite threshold and every exit the same leaf.

    Attributes:
        slots: int64 [B, 31], number of the compared slot, from 1.
        thresholds: float64 [B, 31], left when not above it.
        exits: int64 [B, 32], the next block; or minus the number, from 1, of a leaf.
        leaves: int64 [L], node of the ensemble that each leaf is.
    """

    slots: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    exits: NDArray[np.int64]
    leaves: NDArray[np.int64]

    @classmethod
    def of(cls, ensemble: Ensemble, slots: Slots) -> "Blocks":
        """Cut an ensemble."""
        leaves = np.flatnonzero(ensemble.feature == LEAF)
        leaf_number = np.zeros(len(ensemble.feature), np.int64)
        leaf_number[leaves] = np.arange(1, len(leaves) + 1)
        parts: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]] = []
        count = len(ensemble.roots)
        for heap in _heaps(ensemble):
            nodes, ends = heap[:, :INNER], heap[:, INNER:]
            is_leaf = ensemble.feature[nodes] == LEAF
            goes_on = ensemble.feature[ends] != LEAF
            exits = -leaf_number[ends]
            following, places = np.unique(ends[goes_on], return_inverse=True)
            exits[goes_on] = count + 1 + places
            count += len(following)
            thresholds = np.where(is_leaf, np.inf, ensemble.threshold[nodes].astype(np.float64))
            parts.append((slots.of_node[nodes] + 1, thresholds, exits))
        compared, thresholds, exits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return cls(compared, thresholds, exits, leaves)


def _heaps(ensemble: Ensemble) -> Iterator[NDArray[np.int64]]:
    """Yield the nodes of all blocks at each depth, [blocks, 63] in heap order; blocks in the order of their roots."""
    roots = ensemble.roots
    while len(roots):
        heap = np.empty((len(roots), INNER + EXITS), np.int64)
        heap[:, 0] = roots
        for place in range(INNER):
            # A leaf is its own child, so it fills what is below it.
            heap[:, 2 * place + 1] = ensemble.left[heap[:, place]]
            heap[:, 2 * place + 2] = ensemble.right[heap[:, place]]
        yield heap
        ends = heap[:, INNER:]
        roots = np.unique(ends[ensemble.feature[ends] != LEAF])
