"""An interval for an amount: the quantiles of what became of like predictions, as a line through knots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.graph import Graph

Floats = NDArray[np.float64]
_MOST_KNOTS, _FEWEST_ROWS = 12, 40


@dataclass(frozen=True)
class ValueInterval:
    """10th and 90th percentile over the prediction, both rising from (0, 0); beyond the last knot in proportion.

    Attributes:
        knots: predictions, [K], the first 0.
        low, high: [K].
    """

    knots: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, predicted: Floats, happened: Floats) -> "ValueInterval":
        """Take the quantiles of bins of equal count.

        Args:
            predicted: of rows the model was not fitted on, zero or above.
            happened: the amounts.
        """
        order = np.argsort(predicted, kind="stable")
        bins = np.array_split(order, max(1, min(_MOST_KNOTS, len(order) // _FEWEST_ROWS)))
        found = [
            (float(predicted[rows].mean()), *np.quantile(happened[rows], (0.1, 0.9))) for rows in bins if len(rows)
        ]
        knots, low, high = np.array([(0.0, 0.0, 0.0), *found]).T
        kept = np.concatenate([[True], np.diff(knots) > 1e-6 * max(knots[-1], 1e-9)])
        low, high = np.maximum.accumulate(np.maximum(low, 0.0)), np.maximum.accumulate(np.maximum(high, 0.0))
        return cls(*(np.asarray(column[kept].astype(np.float32), np.float64) for column in (knots, low, high)))

    def apply(self, value: Floats) -> tuple[Floats, Floats]:
        """Return p10 and p90, each [N]."""
        walked = self._walked(value)
        return walked @ self._slopes(self.low), walked @ self._slopes(self.high)

    def add_nodes(self, graph: Graph, value: str) -> tuple[str, str]:
        """Return p10 and p90, float32 [N, 1]."""
        started = graph.add("Max", graph.add("Sub", value, graph.constant(self.knots[None, :])), graph.constant(0.0))
        walked = graph.add("Min", started, graph.constant(self._widths()[None, :]))
        low, high = (
            graph.add("MatMul", walked, graph.constant(self._slopes(ends)[:, None])) for ends in (self.low, self.high)
        )
        return low, high

    def _walked(self, value: Floats) -> Floats:
        return np.asarray(np.minimum(np.maximum(value[:, None] - self.knots, 0.0), self._widths()))

    def _widths(self) -> Floats:
        return np.append(np.diff(self.knots), 1e30)

    def _slopes(self, ends: Floats) -> Floats:
        last = ends[-1] / self.knots[-1] if self.knots[-1] > 0 else 0.0
        slopes = np.append(np.diff(ends) / np.diff(self.knots), last)
        return np.asarray(slopes.astype(np.float32), np.float64)
