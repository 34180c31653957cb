"""Where a deal's value starts from, and the ratios that turn it into a mean and an interval."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from revlayer_training.datasets import Dataset
from revlayer_training.graph import Graph
from revlayer_training.preprocessing import TextEncoder

Floats = NDArray[np.float64]
Sources = NDArray[np.int64]

BASE_NUMBERS = ("amount_reporting", "list_value_reporting")
AMOUNT, LIST_VALUE, MEDIAN = 0, 1, 2
FEWEST_PER_SOURCE = 30
# What is unknown where a starting point is.
_UNKNOWN_WITH = (("amount_reporting", "initial_amount_reporting", "amount_change_rate"),
                 ("list_value_reporting", "list_price_reporting"))  # fmt: skip


@dataclass(frozen=True)
class ValueBase:
    """The deal's own amount, else its value by the list, else the segment's median win; zero counts as unknown.

    Attributes:
        list_factor: usual ratio of a won amount to the value by the list; 0 where the list is not used, because the
            median tells more of what was won.
    """

    medians: TextEncoder
    list_factor: float = 1.0

    @classmethod
    def fit(cls, won: Dataset, deals: int) -> "ValueBase":
        """Take medians of won amounts by segment; few deals give one median for all, and the list as it is."""
        overall = float(np.median(won.won_amount))
        if deals < 50:
            return cls(TextEncoder({}, overall))
        segments = won.segments
        values = {}
        for code in segments.seen():
            own = won.won_amount[segments.codes == code]
            if len(own) >= FEWEST_PER_SOURCE:
                values[segments.names[code]] = float(np.median(own))
        medians = TextEncoder(values, overall)
        return cls(medians, _list_factor(won, medians))

    def source(self, data: Dataset) -> Sources:
        """Return which starting point each row has: 0 amount, 1 value by the list, 2 median."""
        amount, listed = self._numbers(data)
        return np.where(amount > 0, AMOUNT, np.where(listed > 0, LIST_VALUE, MEDIAN))

    def predict(self, data: Dataset) -> Floats:
        """Return starting amounts [N], all above zero."""
        amount, listed = self._numbers(data)
        medians = self.medians.transform(data.segments)
        return np.where(amount > 0, amount, np.where(listed > 0, listed, medians)).astype(np.float64)

    def _numbers(self, data: Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        amount, listed = (data.numbers[name] for name in BASE_NUMBERS)
        return amount, listed * np.float32(self.list_factor)

    def add_nodes(self, graph: Graph) -> tuple[str, str]:
        """Return the starting amount [N, 1] and 0/1 columns of its source [N, 3]."""
        zero = graph.constant(0.0)
        amount, stated = (graph.number(name) for name in BASE_NUMBERS)
        listed = graph.add("Mul", stated, graph.constant(self.list_factor))
        has_amount, has_list = graph.add("Greater", amount, zero), graph.add("Greater", listed, zero)
        median = self.medians.add_nodes(graph, graph.text("segment_id"))
        base = graph.add("Where", has_amount, amount, graph.add("Where", has_list, listed, median))
        lacks = graph.add("Not", has_amount)
        by_list = graph.add("And", lacks, has_list)
        by_median = graph.add("And", lacks, graph.add("Not", has_list))
        flags = [graph.add("Cast", flag, to=1) for flag in (has_amount, by_list, by_median)]
        return base, graph.add("Concat", *flags, axis=1)


@dataclass(frozen=True)
class ValueRatios:
    """Factors on the centre by source, each [3]: mean, p10 and p90."""

    mean: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, base: ValueBase, data: Dataset, centre: Callable[[Dataset], Floats] | None = None) -> "ValueRatios":
        """Fit on won deals the centre was not fitted on; the mean factor makes the centres' sum what was won.

        A starting point that fewer than 30 rows have is learnt from all rows as they would be without what comes
        before it: deals without an amount are few, and most have a list price. Where these are fewer than 30 too,
        it is taken as it is, with the relative interval of all rows.

        Args:
            centre: gives the centre of each row, [N]; the base itself if not said.
        """
        columns, centre = [], centre or base.predict
        for source in range(3):
            shown, own = data, base.source(data) == source
            if own.sum() < FEWEST_PER_SOURCE:
                shown = _without(data, source)
                own = base.source(shown) == source
            enough = own.sum() >= FEWEST_PER_SOURCE
            rows = shown.take(own) if enough else data
            c = centre(rows)
            r = rows.won_amount / c
            mean, (low, high) = float((r * c).sum() / c.sum()), _conformal(r)
            columns.append((mean, low, high) if enough else (1.0, low / mean, high / mean))
        factors = np.array(columns, np.float32).astype(np.float64)
        return cls(factors[:, 0], factors[:, 1], factors[:, 2])

    def add_nodes(self, graph: Graph, source: str) -> list[str]:
        """Return the mean, p10 and p90 factors, each [N, 1]."""
        return [
            graph.add("MatMul", source, graph.constant(column[:, None])) for column in (self.mean, self.low, self.high)
        ]


def _list_factor(won: Dataset, medians: TextEncoder) -> float:
    """Return the median ratio of won amounts to the value by the list, 0 where the medians are nearer to them."""
    listed = won.numbers[BASE_NUMBERS[LIST_VALUE]].astype(np.float64)
    rows = (listed > 0) & (won.won_amount > 0)
    if rows.sum() < FEWEST_PER_SOURCE:
        return 1.0
    by_list = np.log(won.won_amount[rows] / listed[rows])
    by_median = np.log(won.won_amount[rows] / medians.transform(won.segments)[rows])
    usual = float(np.median(by_list))
    if np.abs(by_list - usual).mean() > np.abs(by_median - np.median(by_median)).mean():
        return 0.0
    return float(np.float32(np.exp(usual)))


def _without(data: Dataset, source: int) -> Dataset:
    """Return the rows as they would be if nothing that comes before a starting point were known."""
    hidden = [name for names in _UNKNOWN_WITH[:source] for name in names if name in data.numbers]
    unknown = np.full(len(data), np.nan, np.float32)
    return replace(data, numbers={**data.numbers, **dict.fromkeys(hidden, unknown)})


def _conformal(ratios: Floats, outside: float = 0.1) -> tuple[float, float]:
    """Return the finite-sample quantiles that leave ``outside`` on each side (split conformal)."""
    ordered = np.sort(ratios)
    last = len(ordered) - 1
    low = int(np.clip(np.floor((len(ordered) + 1) * outside) - 1, 0, last))
    return float(ordered[low]), float(ordered[last - low])
