"""What the nodes of an ensemble compare: each feature, with NaN as it is or sent left, once.

PostgreSQL sorts NaN above every number, so ``NaN <= t`` is false and goes right without a test. Where an ensemble
sends NaN left, its nodes compare a second form of the feature in which NaN is -infinity. So no node tests for NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.ensemble import LEAF, Ensemble
from revlayer_udf.errors import ArtefactError


@dataclass(frozen=True)
class Slots:
    """The forms of features that an ensemble reads.

    Attributes:
        features: int64 [S], column of the input.
        missing_left: bool [S], whether NaN is to be read as -infinity.
        of_node: int64 [n], the slot each inner node compares; 0 for a leaf.
    """

    features: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    of_node: NDArray[np.int64]

    @classmethod
    def of(cls, ensemble: Ensemble) -> "Slots":
        """Find them.

        Raises:
            ArtefactError: a threshold is NaN.
        """
        inner = ensemble.feature != LEAF
        if np.isnan(ensemble.threshold[inner]).any():
            raise ArtefactError("a threshold of the tree ensemble is not a number", "Export the model again.")
        keys = 2 * ensemble.feature[inner] + ensemble.missing_left[inner]
        found, places = np.unique(keys, return_inverse=True)
        of_node = np.zeros(len(inner), np.int64)
        of_node[inner] = places
        return cls(found // 2, found % 2 == 1, of_node)


def slot_expression(column: str, missing_left: bool) -> str:
    """Return the expression of a slot over a column that holds the feature, double precision."""
    if not missing_left:
        return column
    return f"case when {column} = 'NaN'::float8 then '-Infinity'::float8 else {column} end"
