"""The features that moved each row's score most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class TopReasons:
    """The k largest contributions of N rows, largest first.

    Attributes:
        labels: of the features, in the order of the manifest.
        codes: int16 [N, k], the feature; -1 where a row has fewer contributions that are not zero.
        contributions: float32 [N, k], with sign; NaN where the code is -1.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int16]
    contributions: NDArray[np.float32]

    def label_column(self, rank: int) -> pa.DictionaryArray:
        """Return the labels of the reasons at a rank (0 is the first) as dictionary-encoded text; none is null."""
        codes = self.codes[:, rank]
        indices = pa.array(codes, pa.int16(), mask=codes < 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(self.labels, pa.string()))

    def contribution_column(self, rank: int) -> pa.Array:
        """Return the contributions at a rank as float32; none is null."""
        return pa.array(self.contributions[:, rank], pa.float32(), mask=self.codes[:, rank] < 0)

    def columns(self) -> dict[str, pa.Array]:
        """Return ``reason_1``, ``reason_1_contribution``, ``reason_2`` …: what the predictions tables hold."""
        found: dict[str, pa.Array] = {}
        for rank in range(self.codes.shape[1]):
            found[f"reason_{rank + 1}"] = self.label_column(rank)
            found[f"reason_{rank + 1}_contribution"] = self.contribution_column(rank)
        return found


def top_reasons(
    contributions: NDArray[np.float32], labels: Sequence[str], k: int = 3, shown: NDArray[np.bool_] | None = None
) -> TopReasons:
    """Rank contributions by size; equal ones stand in the order of the features.

    Args:
        contributions: float32 [N, F], finite.
        labels: [F].
        k: how many; a row with fewer that are not zero has -1 in the places left.
        shown: [N, F], which of them may be reasons; None for all.
    """
    rows, width = contributions.shape
    sizes = np.abs(contributions) if shown is None else np.where(shown, np.abs(contributions), 0.0)
    codes = np.full((rows, k), -1, np.int16)
    values = np.full((rows, k), np.nan, np.float32)
    every = np.arange(rows)
    for rank in range(min(k, width)):
        best = sizes.argmax(axis=1)
        found = sizes[every, best] > 0
        codes[:, rank] = np.where(found, best, -1)
        values[:, rank] = np.where(found, contributions[every, best], np.nan)
        sizes[every, best] = -1.0
    return TopReasons(tuple(labels), codes, values)
