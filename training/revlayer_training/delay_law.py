"""Fitting the law of payment days to invoices that were open at past dates.

Each row was open at its date, so it tells of later days only (left truncation); what was not paid by the day of
knowledge, or ended otherwise, tells that it was not paid until then (right censoring). Location and log scale are
linear in the features; the likelihood is penalised.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.invoices import InvoiceDataset
from revlayer_training.preprocessing import NumberScaler
from revlayer_udf.cash.law import HALF, unpaid

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

OUTPUTS = ("late_probability", "location", "scale")
SINCE = "days_past_due"
# A scale that few payments say little of is drawn to about a week, as strongly as two invoices would.
_USUAL_SCALE, _SCALE_WEIGHT = 7.0, 2.0
_LEAST_SCALE, _LARGEST_SCALE = 1.0, 120.0


@dataclass(frozen=True)
class Spells:
    """What was known by a day of invoices [N] that were open before; days past due.

    Attributes:
        began: until when each was known to be unpaid on its as-of date.
        ended: when it was paid, or until when it was not.
        is_paid: whether it was paid by the day of knowledge.
    """

    began: Floats
    ended: Floats
    is_paid: Mask

    @classmethod
    def of(cls, data: InvoiceDataset, day: np.datetime64) -> "Spells":
        """Forget what became known after a day, which is later than every as-of date."""
        settled = data.settled_known_on <= day
        # What was settled before its date and recorded after it comes in on the next day.
        last = np.where(settled, np.maximum(data.settled_on, data.as_of + np.timedelta64(1, "D")), day)
        is_paid = settled & data.is_paid
        passed = data.past_due + (last - data.as_of).astype(np.float64)
        ended = passed + np.where(is_paid, 0.0, np.where(settled, -HALF, HALF))
        return cls(data.past_due + HALF, ended, is_paid)


@dataclass(frozen=True)
class DelayLaw:
    """Location and scale by invoice.

    Attributes:
        numbers: features of both; none for a law that is the same for all.
        location, log_scale: weights of the scaled features, the intercept first.
    """

    numbers: tuple[str, ...]
    scaler: NumberScaler
    location: NDArray[np.float32]
    log_scale: NDArray[np.float32]

    @classmethod
    def fit(cls, data: Features, spells: Spells, numbers: Sequence[str], penalty: float) -> "DelayLaw":
        """Maximise the penalised likelihood.

        Args:
            penalty: half of it times the squared weights of scaled features is taken off.
        """
        numbers = tuple(numbers)
        scaler = NumberScaler.fit(data.numeric(numbers))
        design = _with_one(scaler.transform(data.numeric(numbers)))
        width = design.shape[1]
        drawn = np.full(2 * width, penalty)
        drawn[0], drawn[width] = 0.0, _SCALE_WEIGHT
        centre = np.zeros(2 * width)
        centre[width] = np.log(_USUAL_SCALE)
        start = centre.copy()
        start[0] = np.median(spells.ended)

        def loss(weights: Floats) -> tuple[float, Floats]:
            value, slope = _negative_log_likelihood(weights, design, spells)
            away = weights - centre
            return value + float(drawn @ away**2) / 2, slope + drawn * away

        with threadpool_limits(1):
            best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        weights = best.x.astype(np.float32)
        return cls(numbers, scaler, weights[:width], weights[width:])

    def parameters(self, data: Features) -> tuple[Floats, Floats]:
        """Return location and scale [N]."""
        design = _with_one(self.scaler.transform(data.numeric(self.numbers)))
        scale = np.exp(design @ self.log_scale.astype(np.float64))
        return design @ self.location.astype(np.float64), np.clip(scale, _LEAST_SCALE, _LARGEST_SCALE)

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return every output [N]."""
        location, scale = self.parameters(data)
        since = data.numbers[SINCE].astype(np.float64)
        late = unpaid(np.zeros(len(data)), since, location, scale)
        return dict(zip(OUTPUTS, (late, location, scale), strict=True))

    def loss(self, data: Features, spells: Spells) -> Floats:
        """Return the negative log likelihood of each row [N]."""
        location, scale = self.parameters(data)
        return row_losses(location, np.log(scale), spells)

    def serialize(self, numbers: Sequence[str]) -> bytes:
        """Return the ONNX bytes of a graph that reads these features."""
        graph = Graph(numbers, ())
        since = graph.number(SINCE)
        location = self._linear(graph, since, self.location)
        raised = graph.add("Max", self._linear(graph, since, self.log_scale), graph.constant(np.log(_LEAST_SCALE)))
        scale = graph.add("Exp", graph.add("Min", raised, graph.constant(np.log(_LARGEST_SCALE))))
        late = graph.add("Min", graph.add("Exp", self._log_unpaid(graph, since, location, scale)), graph.constant(1.0))
        return graph.serialize(dict(zip(OUTPUTS, ((late, 1), (location, 1), (scale, 1)), strict=True)))

    def _linear(self, graph: Graph, since: str, weights: NDArray[np.float32]) -> str:
        if not self.numbers:
            return graph.add("Add", graph.add("Mul", since, graph.constant(0.0)), graph.constant(weights[0]))
        positions = [graph.numbers.index(name) for name in self.numbers]
        chosen = graph.add("Gather", "numeric", graph.constant(positions, np.int64), axis=1)
        product = graph.add("MatMul", self.scaler.add_nodes(graph, chosen), graph.constant(weights[1:, None]))
        return graph.add("Add", product, graph.constant(weights[0]))

    def _log_unpaid(self, graph: Graph, since: str, location: str, scale: str) -> str:
        # log S(due) - log S(since); of the two equal forms the one without large numbers, which float32 would blur.
        until = graph.add("Max", since, graph.constant(0.0))
        half = graph.constant(HALF)
        here, there = (
            graph.add("Div", graph.add("Sub", graph.add("Add", day, half), location), scale) for day in (since, until)
        )
        early = graph.add("Sub", graph.add("Softplus", here), graph.add("Softplus", there))
        nots = (graph.add("Softplus", graph.add("Neg", end)) for end in (here, there))
        waited = graph.add("Div", graph.add("Sub", since, until), scale)
        late = graph.add("Add", waited, graph.add("Sub", *nots))
        return graph.add("Where", graph.add("Greater", here, graph.constant(0.0)), late, early)


def _with_one(scaled: NDArray[np.float32]) -> Floats:
    return np.column_stack([np.ones(len(scaled)), scaled.astype(np.float64)])


def row_losses(location: Floats, log_scale: Floats, spells: Spells) -> Floats:
    """Return the negative log likelihood of each row [N] under its location and log scale [N]."""
    scale = np.exp(log_scale)
    here, there = (spells.began - location) / scale, (spells.ended - location) / scale
    paid = there - 2 * np.logaddexp(0, there) - log_scale
    return np.asarray(-np.where(spells.is_paid, paid, -np.logaddexp(0, there)) - np.logaddexp(0, here))


def _negative_log_likelihood(weights: Floats, design: Floats, spells: Spells) -> tuple[float, Floats]:
    width = design.shape[1]
    location, log_scale = design @ weights[:width], design @ weights[width:]
    scale = np.exp(log_scale)
    here, there = (spells.began - location) / scale, (spells.ended - location) / scale
    # Derivatives by the standardised days: of the log density or log survival there, and of the survival here.
    at_end = np.where(spells.is_paid, 1 - 2 * expit(there), -expit(there))
    at_begin = expit(here)
    by_location = (at_end + at_begin) / scale
    by_scale = at_end * there + at_begin * here + spells.is_paid
    slope = np.concatenate([design.T @ by_location, design.T @ by_scale])
    return float(row_losses(location, log_scale, spells).sum()), slope
