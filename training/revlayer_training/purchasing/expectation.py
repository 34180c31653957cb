"""What customers are expected to purchase, from the features of their order days: BG/NBD times Gamma-Gamma.

Every order day is a purchase of Gamma-Gamma, the first one too: it tells of a customer who has no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from revlayer_training.graph import Graph
from revlayer_training.purchasing.bg_nbd import BgNbd
from revlayer_training.purchasing.gamma_gamma import GammaGamma
from revlayer_training.purchasing.histories import DAYS_PER_WEEK, Histories

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = Mapping[str, NDArray[np.float32]]

ORDER_DAYS, BETWEEN, SINCE, REVENUE = PURCHASE_NUMBERS = (
    "order_day_count", "days_between_first_and_last_order_day", "days_since_first_order", "net_revenue",
)  # fmt: skip


@dataclass(frozen=True)
class PurchaseExpectation:
    """Both models; amounts are in the currency of ``net_revenue``."""

    purchases: BgNbd
    values: GammaGamma

    @classmethod
    def fit(cls, numbers: Numbers) -> "PurchaseExpectation":
        """Fit on one row per customer.

        Raises:
            ValueError: nobody purchased twice, or nothing above zero.
        """
        known = has_history(numbers)
        days = np.floor(numbers[ORDER_DAYS][known].astype(np.float64))
        return cls(BgNbd.fit(histories(numbers, known)), GammaGamma.fit(days, _spent(numbers)[known] / days))

    @property
    def parameters(self) -> dict[str, float]:
        """For the manifest: what the functions in SQL take; time in weeks."""
        model, values = self.purchases, self.values
        return {"r": model.r, "alpha": model.alpha, "a": model.a, "b": model.b,
                "p": values.p, "q": values.q, "gamma": values.gamma}  # fmt: skip

    def alive_probability(self, numbers: Numbers) -> Floats:
        """Return P(alive) [N]; NaN without a purchase."""
        known = has_history(numbers)
        return _placed(known, self.purchases.alive_probability(histories(numbers, known)), np.nan)

    def steady_revenue(self, numbers: Numbers) -> Floats:
        """Return expected revenue per day at once, before more customers leave, [N]; 0 without a purchase.

        It is P(alive) x purchase rate x value of a purchase, all elementary, so it can stand in a graph.
        """
        known = has_history(numbers)
        own = histories(numbers, known)
        rate = (self.purchases.r + own.repeats) / (self.purchases.alpha + own.age) / DAYS_PER_WEEK
        return _placed(known, self.purchases.alive_probability(own) * rate * self._value(numbers)[known], 0.0)

    def forward_revenue(self, numbers: Numbers, days: float) -> Floats:
        """Return expected revenue of the next days, [N]; 0 without a purchase."""
        known = has_history(numbers)
        purchases = self.purchases.expected_purchases(histories(numbers, known), days / DAYS_PER_WEEK)
        return _placed(known, purchases * self._value(numbers)[known], 0.0)

    def _value(self, numbers: Numbers) -> Floats:
        days = np.where(has_history(numbers), np.floor(numbers[ORDER_DAYS].astype(np.float64)), 1.0)
        return self.values.expected_value(days, _spent(numbers) / days)

    def add_nodes(self, graph: Graph) -> str:
        """Return steady revenue, float32 [N, 1], reckoned in float64."""
        known = _known_nodes(graph)
        days, between, since = (
            graph.add("Where", known, graph.number(name), graph.constant(float(name == ORDER_DAYS)))
            for name in (ORDER_DAYS, BETWEEN, SINCE)
        )
        days, between, since = (_wide(graph, each) for each in (graph.add("Floor", days), between, since))
        repeats = graph.add("Sub", days, _number(graph, 1.0))
        recency, age = (graph.add("Div", time, _number(graph, DAYS_PER_WEEK)) for time in (between, since))
        alive = self._alive_nodes(graph, repeats, recency, age)
        spent = graph.number(REVENUE)
        spent = graph.add("Where", graph.add("IsNaN", spent), graph.constant(0.0), spent)
        spent = graph.add("Min", graph.add("Max", spent, graph.constant(0.0)), graph.constant(_MOST_REVENUE))
        spent = _wide(graph, spent)
        model = self.values
        value = graph.add("Div", graph.add("Add", spent, _number(graph, model.gamma)),
                          graph.add("Add", days, _number(graph, (model.q - 1) / model.p)))  # fmt: skip
        rate = graph.add("Div", graph.add("Add", repeats, _number(graph, self.purchases.r)),
                         graph.add("Add", age, _number(graph, self.purchases.alpha)))  # fmt: skip
        weekly = graph.add("Mul", graph.add("Mul", alive, rate), value)
        daily = _narrow(graph, graph.add("Div", weekly, _number(graph, DAYS_PER_WEEK)))
        return graph.add("Where", known, daily, graph.constant(0.0))

    def _alive_nodes(self, graph: Graph, repeats: str, recency: str, age: str) -> str:
        model = self.purchases
        alpha = _number(graph, model.alpha)
        grown = graph.add("Log", graph.add("Div", graph.add("Add", age, alpha), graph.add("Add", recency, alpha)))
        # Of no repeats the logarithm would be unknown; what is computed for them is not used.
        stayed = graph.add("Log", graph.add("Max", graph.add("Add", repeats, _number(graph, model.b - 1)),
                                            _number(graph, 1e-9)))  # fmt: skip
        odds = graph.add("Mul", graph.add("Add", repeats, _number(graph, model.r)), grown)
        odds = graph.add("Add", graph.add("Sub", odds, stayed), _number(graph, np.log(model.a)))
        alive = graph.add("Sigmoid", graph.add("Neg", odds))
        repeated = graph.add("Greater", repeats, _number(graph, 0.5))
        return graph.add("Where", repeated, alive, _number(graph, 1.0))


# Days, and amounts, beyond these are errors; float32 holds both.
_MOST, _MOST_REVENUE = 1e6, float(2**50)


def has_history(numbers: Numbers) -> Mask:
    """Return who purchased at least once, with days that can be, [N]."""
    days, between, since = (numbers[name] for name in (ORDER_DAYS, BETWEEN, SINCE))
    with np.errstate(invalid="ignore"):
        return np.asarray((days >= 1) & (days <= _MOST) & (between >= 0) & (since >= between) & (since <= _MOST))


def histories(numbers: Numbers, rows: Mask) -> Histories:
    """Return the purchase histories of a mask's rows."""
    days, between, since = (numbers[name][rows].astype(np.float64) for name in (ORDER_DAYS, BETWEEN, SINCE))
    return Histories.of_days(np.floor(days), between, since)


def _spent(numbers: Numbers) -> Floats:
    """Return revenue so far, [N]; refunds above purchases count as nothing spent."""
    revenue = numbers[REVENUE].astype(np.float64)
    return np.asarray(np.clip(np.where(np.isnan(revenue), 0.0, revenue), 0.0, _MOST_REVENUE))


def _placed(rows: Mask, values: Floats, otherwise: float) -> Floats:
    placed = np.full(len(rows), otherwise)
    placed[rows] = values
    return placed


def _known_nodes(graph: Graph) -> str:
    days, between, since = (graph.number(name) for name in (ORDER_DAYS, BETWEEN, SINCE))
    bought = graph.add("GreaterOrEqual", days, graph.constant(1.0))
    ordered = graph.add("GreaterOrEqual", since, between)
    begun = graph.add("GreaterOrEqual", between, graph.constant(0.0))
    sane = [graph.add("LessOrEqual", each, graph.constant(_MOST)) for each in (days, since)]
    for condition in (ordered, begun, *sane):
        bought = graph.add("And", bought, condition)
    return bought


def _number(graph: Graph, value: float) -> str:
    return graph.constant(value, np.float64)


def _wide(graph: Graph, tensor: str) -> str:
    return graph.add("Cast", tensor, to=TensorProto.DOUBLE)


def _narrow(graph: Graph, tensor: str) -> str:
    return graph.add("Cast", tensor, to=TensorProto.FLOAT)
