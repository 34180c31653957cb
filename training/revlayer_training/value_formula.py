"""The simple formula for a customer's value: revenue so far over weeks since the first purchase, carried on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import Rung
from revlayer_training.purchasing.expectation import REVENUE, SINCE
from revlayer_training.value_interval import ValueInterval
from revlayer_udf.certificate import SCALE

Floats = NDArray[np.float64]
_NUMBERS = (REVENUE, SINCE)
# A customer of three days has not shown a week.
_FEWEST_DAYS = 7.0


def simple_formula(data: Features, days: int) -> Floats:
    """Return revenue so far x days / days since the first purchase, at least a week of them; 0 without a purchase."""
    revenue, since = (data.numbers[name].astype(np.float64) for name in _NUMBERS)
    daily = np.maximum(np.nan_to_num(revenue), 0.0) / np.maximum(np.nan_to_num(since), _FEWEST_DAYS)
    return np.asarray(np.where(np.isnan(since), 0.0, daily) * days)


@dataclass(frozen=True)
class FormulaValue:
    """The formula, brought to the total of the labels by one factor.

    Attributes:
        scale: standard deviation of the amounts it was fitted on.
    """

    days: int
    factor: float
    interval: ValueInterval
    scale: float

    @classmethod
    def fit(cls, data: Features, revenue: Floats, days: int) -> "FormulaValue":
        """Fit to revenue of the next days, [N]."""
        plain = simple_formula(data, days)
        total = float(plain.sum())
        factor = float(np.float32(max(float(revenue.sum()), 0.0) / total)) if total > 0 else 0.0
        return cls(days, factor, ValueInterval.fit(plain * factor, revenue), float(revenue.std()) or 1.0)

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return the value and its interval, each [N]."""
        value = simple_formula(data, self.days) * self.factor
        low, high = self.interval.apply(value)
        return {"value": value, "value_p10": low, "value_p90": high}

    def artefact(self, rung: Rung) -> Artefact:
        """Export."""
        graph = Graph(_NUMBERS, ())
        revenue, since = (graph.number(name) for name in _NUMBERS)
        zero, unknown = graph.constant(0.0), graph.add("IsNaN", since)
        revenue = graph.add("Where", graph.add("IsNaN", revenue), zero, revenue)
        since = graph.add("Where", unknown, zero, since)
        daily = graph.add("Div", graph.add("Max", revenue, zero), graph.add("Max", since, graph.constant(_FEWEST_DAYS)))
        carried = graph.add("Mul", daily, graph.constant(self.days * self.factor))
        value = graph.add("Where", unknown, zero, carried)
        low, high = self.interval.add_nodes(graph, value)
        shown = {"value": (value, 1), "value_p10": (low, 1), "value_p90": (high, 1)}
        extra = {"interval": "80 %, of like predictions", "horizon_days": self.days, SCALE: self.scale}
        return Artefact(graph.serialize(shown), self.predict, "simple_formula", rung, _NUMBERS, (), tuple(shown), extra)
