"""Where a deal's value starts from, and the ratios that turn it into a mean and an interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.datasets import Dataset
from revlayer_training.graph import Graph
from revlayer_training.preprocessing import TextEncoder

Floats = NDArray[np.float64]
Sources = NDArray[np.int64]

BASE_NUMBERS = ("amount_reporting", "list_price_reporting")
AMOUNT, LIST_PRICE, MEDIAN = 0, 1, 2
FEWEST_PER_SOURCE = 30


@dataclass(frozen=True)
class ValueBase:
    """The deal's own amount, else the list price, else the segment's median win; zero counts as unknown."""

    medians: TextEncoder

    @classmethod
    def fit(cls, won: Dataset, deals: int) -> "ValueBase":
        """Take medians of won amounts by segment; few deals give one median for all."""
        overall = float(np.median(won.won_amount))
        if deals < 50:
            return cls(TextEncoder({}, overall))
        segments = won.segments
        values = {}
        for code in segments.seen():
            own = won.won_amount[segments.codes == code]
            if len(own) >= FEWEST_PER_SOURCE:
                values[segments.names[code]] = float(np.median(own))
        return cls(TextEncoder(values, overall))

    def source(self, data: Dataset) -> Sources:
        """Return which starting point each row has: 0 amount, 1 list price, 2 median."""
        amount, price = (data.numbers[name] for name in BASE_NUMBERS)
        return np.where(amount > 0, AMOUNT, np.where(price > 0, LIST_PRICE, MEDIAN))

    def predict(self, data: Dataset) -> Floats:
        """Return starting amounts [N], all above zero."""
        amount, price = (data.numbers[name] for name in BASE_NUMBERS)
        medians = self.medians.transform(data.segments)
        return np.where(amount > 0, amount, np.where(price > 0, price, medians)).astype(np.float64)

    def add_nodes(self, graph: Graph) -> tuple[str, str]:
        """Return the starting amount [N, 1] and 0/1 columns of its source [N, 3]."""
        zero = graph.constant(0.0)
        amount, price = (graph.number(name) for name in BASE_NUMBERS)
        has_amount, has_price = graph.add("Greater", amount, zero), graph.add("Greater", price, zero)
        median = self.medians.add_nodes(graph, graph.text("segment_id"))
        base = graph.add("Where", has_amount, amount, graph.add("Where", has_price, price, median))
        lacks = graph.add("Not", has_amount)
        by_price = graph.add("And", lacks, has_price)
        by_median = graph.add("And", lacks, graph.add("Not", has_price))
        flags = [graph.add("Cast", flag, to=1) for flag in (has_amount, by_price, by_median)]
        return base, graph.add("Concat", *flags, axis=1)


@dataclass(frozen=True)
class ValueRatios:
    """Factors on the centre by source, each [3]: mean, p10 and p90."""

    mean: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, ratios: Floats, centres: Floats, sources: Sources) -> "ValueRatios":
        """Fit on rows the centre was not fitted on.

        Args:
            ratios: won amount over centre.
            centres: the amounts it is over; the mean factor makes their sum equal what was won.
            sources: starting point of each row. One seen in fewer than 30 rows is taken as it is, with the
                relative interval of all rows.
        """
        columns = []
        for source in range(3):
            own = sources == source
            enough = own.sum() >= FEWEST_PER_SOURCE
            chosen = own if enough else np.ones(len(ratios), bool)
            r, c = ratios[chosen], centres[chosen]
            mean, (low, high) = float((r * c).sum() / c.sum()), _conformal(r)
            columns.append((mean, low, high) if enough else (1.0, low / mean, high / mean))
        factors = np.array(columns, np.float32).astype(np.float64)
        return cls(factors[:, 0], factors[:, 1], factors[:, 2])

    def add_nodes(self, graph: Graph, source: str) -> list[str]:
        """Return the mean, p10 and p90 factors, each [N, 1]."""
        return [
            graph.add("MatMul", source, graph.constant(column[:, None])) for column in (self.mean, self.low, self.high)
        ]


def _conformal(ratios: Floats, outside: float = 0.1) -> tuple[float, float]:
    """Return the finite-sample quantiles that leave ``outside`` on each side (split conformal)."""
    ordered = np.sort(ratios)
    last = len(ordered) - 1
    low = int(np.clip(np.floor((len(ordered) + 1) * outside) - 1, 0, last))
    return float(ordered[low]), float(ordered[last - low])
