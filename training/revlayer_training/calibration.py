"""From a raw margin to a calibrated probability: Platt and piecewise-linear isotonic, as numpy and as ONNX.

Engines add up a margin in float32 and differ by some 5e-6; a steep piece of an isotonic fit would make a visible
difference in probability of that. So knots are merged until every slope is at most 5.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from revlayer_training.graph import Graph

Floats = NDArray[np.float64]
STEEPEST = 5.0
STEEPEST_PLATT = 8.0
LOWEST, HIGHEST = 1e-4, 1.0 - 1e-4
UNCALIBRATED = "none"


class Calibration(Protocol):
    """Maps margins to probabilities, in Python and in a graph."""

    @property
    def name(self) -> str:
        """Goes into the manifest."""
        ...

    def apply(self, margin: Floats) -> Floats:
        """Return probabilities [N] for margins [N]."""
        ...

    def add_nodes(self, graph: Graph, margin: str) -> str:
        """Return probabilities [N, 1] for a margin tensor [N, 1]."""
        ...


@dataclass(frozen=True)
class Platt:
    """P = sigmoid(slope × margin + offset); slope 1 and offset 0 leave the margin's own probability.

    Platt (1999), "Probabilistic outputs for support vector machines", with his smoothed targets.
    """

    slope: float = 1.0
    offset: float = 0.0
    name: str = "platt"

    @classmethod
    def fit(cls, margin: Floats, y: Floats) -> "Platt":
        """Minimise log loss; the slope is kept positive so that the order of deals stays."""
        wins = float(y.sum())
        target = np.where(y > 0, (wins + 1) / (wins + 2), 1 / (len(y) - wins + 2))

        def loss(theta: Floats) -> tuple[float, Floats]:
            z = theta[0] * margin + theta[1]
            error = expit(z) - target
            value = float(np.mean(np.logaddexp(0, z) - target * z))
            return value, np.array([np.mean(error * margin), np.mean(error)])

        best = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=[(0.05, STEEPEST_PLATT), (-20.0, 20.0)])
        return cls(float(np.float32(best.x[0])), float(np.float32(best.x[1])))

    def apply(self, margin: Floats) -> Floats:
        """Return probabilities [N]."""
        return np.asarray(np.clip(expit(self.slope * margin + self.offset), LOWEST, HIGHEST))

    def add_nodes(self, graph: Graph, margin: str) -> str:
        """Return probabilities [N, 1]."""
        scaled = graph.add("Mul", margin, graph.constant(self.slope))
        moved = graph.add("Add", scaled, graph.constant(self.offset))
        return _clipped(graph, graph.add("Sigmoid", moved))


@dataclass(frozen=True)
class PiecewiseLinear:
    """A non-decreasing line through knots over the margin's own probability; flat outside them."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    name: str = "isotonic"

    @classmethod
    def fit(cls, margin: Floats, y: Floats, bins: int = 30) -> "PiecewiseLinear":
        """Fit isotonic regression, then draw it through the centres of its levels.

        Args:
            bins: at most this many knots, each standing on the same number of rows.
        """
        p = expit(margin)
        level = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)
        order = np.argsort(p, kind="stable")
        parts = [part for part in np.array_split(order, min(bins, max(len(p) // 20, 1))) if len(part)]
        return cls.through([float(p[part].mean()) for part in parts],
                           [float(level[part].mean()) for part in parts])  # fmt: skip

    @classmethod
    def through(cls, x: list[float], y: list[float]) -> "PiecewiseLinear":
        """Merge neighbouring knots until every slope is at most STEEPEST."""
        knots = [(float(np.float32(a)), float(np.float32(b)), 1.0) for a, b in zip(x, y, strict=True)]
        merged: list[tuple[float, float, float]] = []
        for knot in knots:
            while merged and knot[1] - merged[-1][1] > (STEEPEST - 1e-3) * (knot[0] - merged[-1][0]) - 1e-9:
                last = merged.pop()
                weight = last[2] + knot[2]
                knot = (
                    float(np.float32((last[0] * last[2] + knot[0] * knot[2]) / weight)),
                    float(np.float32((last[1] * last[2] + knot[1] * knot[2]) / weight)),
                    weight,
                )
            merged.append(knot)
        return cls(np.array([k[0] for k in merged], np.float32), np.array([k[1] for k in merged], np.float32))

    @property
    def slopes(self) -> Floats:
        """Slope of each piece."""
        return np.diff(self.y.astype(np.float64)) / np.diff(self.x.astype(np.float64))

    def apply(self, margin: Floats) -> Floats:
        """Return probabilities [N]."""
        return np.clip(np.interp(expit(margin), self.x, self.y), LOWEST, HIGHEST)

    def add_nodes(self, graph: Graph, margin: str) -> str:
        """Return probabilities [N, 1]: the first level, plus each piece's slope times the part walked."""
        p = graph.add("Sigmoid", margin)
        if len(self.x) == 1:
            flat = graph.add("Mul", p, graph.constant(0.0))
            return _clipped(graph, graph.add("Add", flat, graph.constant(self.y[0])))
        walked = graph.add("Sub", p, graph.constant(self.x[None, :-1]))
        started = graph.add("Max", walked, graph.constant(0.0))
        inside = graph.add("Min", started, graph.constant(np.diff(self.x)[None, :]))
        risen = graph.add("MatMul", inside, graph.constant(self.slopes[:, None]))
        return _clipped(graph, graph.add("Add", risen, graph.constant(self.y[0])))


def _clipped(graph: Graph, probability: str) -> str:
    return graph.add("Clip", probability, graph.constant(LOWEST), graph.constant(HIGHEST))


def choose_calibration(margin: Floats, y: Floats, groups: NDArray[np.int64]) -> Calibration:
    """Choose between Platt and isotonic by grouped 5-fold Brier, then fit on all rows.

    Few rows keep the margin's own probability; isotonic, which can bend anywhere, needs a thousand.

    Args:
        margin: raw margins [N] of rows that the model was not fitted on.
        y: 0/1 labels [N].
        groups: number of the deal of each row, so that a deal is never in two folds.
    """
    if len(y) < 100 or min(y.sum(), len(y) - y.sum()) < 20:
        return Platt(name=UNCALIBRATED)
    if len(y) < 1000:
        return Platt.fit(margin, y)
    platt = isotonic = 0.0
    for k in range(5):
        fit, held = groups % 5 != k, groups % 5 == k
        if held.any() and len(np.unique(y[fit])) == 2:
            platt += _squared(Platt.fit(margin[fit], y[fit]), margin[held], y[held])
            isotonic += _squared(PiecewiseLinear.fit(margin[fit], y[fit]), margin[held], y[held])
    return Platt.fit(margin, y) if platt <= isotonic else PiecewiseLinear.fit(margin, y)


def _squared(calibration: Calibration, margin: Floats, y: Floats) -> float:
    return float(np.sum((calibration.apply(margin) - y) ** 2))
