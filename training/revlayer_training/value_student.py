"""What serves: trees that say by which factor a customer's value differs from what is expected at once.

It is fitted to the predictions of the model that was chosen, over all customers, and reproduces them; so whatever that
model is made of, an artefact is two small forests and a formula, and every engine scores it alike.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from revlayer_training.export import RAW_SCORE, Artefact
from revlayer_training.feature_choice import differing
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import Rung
from revlayer_training.preprocessing import TextEncoder
from revlayer_training.purchasing.expectation import PURCHASE_NUMBERS, PurchaseExpectation
from revlayer_training.trees import from_lightgbm, margins, tree_nodes
from revlayer_training.value_interval import ValueInterval
from revlayer_udf.certificate import SCALE

Floats = NDArray[np.float64]
OUTPUTS = ("value", "value_p10", "value_p90")
# Of the mean value: added to what is expected at once, so that a factor of it reaches everybody's value.
_ADDED_SHARE = 0.05
_MOST_ROWS = 200_000


@dataclass(frozen=True)
class FeatureMatrix:
    """Number features, then text features by their place in the order of texts; one never seen is -1."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    encoders: tuple[TextEncoder, ...]

    @classmethod
    def fit(cls, data: Features) -> "FeatureMatrix":
        """Take the features that differ between rows."""
        names = differing(data)
        numbers = tuple(name for name in names if name in data.number_features)
        texts = tuple(name for name in names if name in data.text_features)
        return cls(numbers, texts, tuple(TextEncoder.ordinal(data.texts[name]) for name in texts))

    def transform(self, data: Features) -> NDArray[np.float32]:
        """Return float32 [N, F]."""
        encoded = [encoder.transform(data.texts[n]) for n, encoder in zip(self.texts, self.encoders, strict=True)]
        return np.column_stack([data.numeric(self.numbers), *encoded])

    def add_nodes(self, graph: Graph) -> str:
        """Return float32 [N, F]."""
        places = [graph.numbers.index(name) for name in self.numbers]
        parts = [graph.add("Gather", "numeric", graph.constant(places, np.int64), axis=1)]
        parts += [e.add_nodes(graph, graph.text(name)) for name, e in zip(self.texts, self.encoders, strict=True)]
        return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class ServedValue:
    """Value = factor x (expected at once + what is added) x days.

    Attributes:
        expectation: None where nobody purchased twice.
        added: revenue per day.
        scale: standard deviation of the values; small differences are measured by it.
        fidelity: R² of its values against those it reproduces.
    """

    matrix: FeatureMatrix
    expectation: PurchaseExpectation | None
    added: float
    days: int
    factors: lgb.Booster
    drivers: lgb.Booster
    interval: ValueInterval
    scale: float
    fidelity: float

    @classmethod
    def fit(
        cls, data: Features, values: Floats, matrix: FeatureMatrix, expectation: PurchaseExpectation | None, days: int,
        interval: ValueInterval, seed: int,
    ) -> "ServedValue":  # fmt: skip
        """Fit both forests to values, [N], of the whole horizon."""
        rows = np.random.default_rng(seed).permutation(len(data)) < _MOST_ROWS
        data, values = data.take(rows), values[rows]
        columns = matrix.transform(data)
        added = float(np.float32(max(_ADDED_SHARE * float(values.mean()) / days, 1e-6)))
        base = _base(expectation, data, added, days)
        factors = _reproduce(columns, values / base, seed, weight=base / base.mean())
        drivers = _reproduce(columns, np.log(values + added * days), seed, num_leaves=7)
        scale = float(values.std()) or 1.0
        served = cls(matrix, expectation, added, days, factors, drivers, interval, scale, 0.0)
        errors = served.predict(data)["value"] - values
        fidelity = 1 - float((errors**2).mean()) / max(float(values.var()), 1e-12)
        return cls(matrix, expectation, added, days, factors, drivers, interval, scale, fidelity)

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return the value and its interval, each [N]."""
        factor = np.maximum(margins(self.factors, self.matrix.transform(data))[:, 0], 0.0)
        value = factor * _base(self.expectation, data, self.added, self.days)
        low, high = self.interval.apply(value)
        return dict(zip(OUTPUTS, (value, low, high), strict=True))

    def outputs(self, data: Features) -> dict[str, Floats]:
        """Return the values and the raw score, each [N]."""
        return self.predict(data) | {RAW_SCORE: margins(self.drivers, self.matrix.transform(data))[:, 0]}

    def artefact(self, algorithm: str, rung: Rung) -> Artefact:
        """Export."""
        needed = PURCHASE_NUMBERS if self.expectation is not None else ()
        numbers = tuple(dict.fromkeys((*self.matrix.numbers, *needed)))
        graph = Graph(numbers, self.matrix.texts)
        columns = self.matrix.add_nodes(graph)
        factor = tree_nodes(graph, from_lightgbm(self.factors), columns)
        factor = graph.add("Max", factor, graph.constant(0.0))
        if self.expectation is None:
            value = graph.add("Mul", factor, graph.constant(np.float32(self.added) * np.float32(self.days)))
        else:
            daily = graph.add("Add", self.expectation.add_nodes(graph), graph.constant(self.added))
            value = graph.add("Mul", factor, graph.add("Mul", daily, graph.constant(self.days)))
        low, high = self.interval.add_nodes(graph, value)
        raw = tree_nodes(graph, from_lightgbm(self.drivers), columns)
        shown = {"value": (value, 1), "value_p10": (low, 1), "value_p90": (high, 1), RAW_SCORE: (raw, 1)}
        extra: dict[str, object] = {
            "interval": "80 %, of like predictions", "horizon_days": self.days, SCALE: self.scale,
            "fidelity_r2": self.fidelity,
        }  # fmt: skip
        if self.expectation is not None:
            extra["purchasing"] = self.expectation.parameters
        return Artefact(
            graph.serialize(shown), self.outputs, algorithm, rung, numbers, self.matrix.texts,
            (*OUTPUTS, RAW_SCORE), extra, RAW_SCORE,
        )  # fmt: skip


def _base(expectation: PurchaseExpectation | None, data: Features, added: float, days: int) -> Floats:
    steady = np.zeros(len(data)) if expectation is None else expectation.steady_revenue(data.numbers)
    return (steady + added) * days


def _reproduce(columns: NDArray[np.float32], target: Floats, seed: int, **options: object) -> lgb.Booster:
    weight = options.pop("weight", None)
    settings = {
        "objective": "l2", "num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": 10, "lambda_l2": 1.0,
        "feature_fraction": 0.8, "seed": seed, "deterministic": True, "num_threads": 1, "force_row_wise": True,
        "verbosity": -1,
    } | options  # fmt: skip
    return lgb.train(settings, lgb.Dataset(columns, target, weight=weight), num_boost_round=150)
