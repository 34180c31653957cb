"""Missing numbers filled in, as numpy and as graph nodes; trees that know NaN need none of it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from revlayer_training.graph import Graph

Strategy = Literal["mean", "median", "constant"]


@dataclass(frozen=True)
class Imputer:
    """Fill each column's NaN with its own value; add a 0/1 column for each flagged one.

    Attributes:
        values: float32 [K].
        flagged: columns that get an indicator, in order.
    """

    values: NDArray[np.float32]
    flagged: list[int] = field(default_factory=list)

    @classmethod
    def fit(
        cls, numeric: NDArray[np.float32], strategy: Strategy = "median", constant: float = 0.0, indicator: bool = False
    ) -> "Imputer":
        """Take what to fill in from training rows.

        Args:
            numeric: float32 [N, K]; a column that is never known is filled with ``constant``.
            indicator: flag the columns that had NaN here.
        """
        finite = np.where(np.isfinite(numeric), numeric.astype(np.float64), np.nan)
        known = ~np.isnan(finite).all(axis=0)
        values = np.full(numeric.shape[1], constant)
        if strategy != "constant" and known.any():
            average = np.nanmean if strategy == "mean" else np.nanmedian
            values[known] = average(finite[:, known], axis=0)
        flagged = np.flatnonzero(np.isnan(numeric).any(axis=0)).tolist() if indicator else []
        return cls(values.astype(np.float32), flagged)

    def transform(self, numeric: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [N, K + flagged]."""
        missing = np.isnan(numeric)
        return np.hstack([np.where(missing, self.values, numeric), missing[:, self.flagged].astype(np.float32)])

    def add_nodes(self, graph: Graph, numeric: str) -> str:
        """Do the same to a float32 [N, K] tensor."""
        missing = graph.add("IsNaN", numeric)
        filled = graph.add("Where", missing, graph.constant(self.values), numeric)
        if not self.flagged:
            return filled
        flags = graph.add("Cast", missing, to=1)
        kept = graph.add("Gather", flags, graph.constant(self.flagged, np.int64), axis=1)
        return graph.add("Concat", filled, kept, axis=1)
