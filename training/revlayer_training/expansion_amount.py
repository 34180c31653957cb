"""By how much recurring revenue grows if it does: a multiple of what recurs, or the mean of the segment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.margins import TreeMargin
from revlayer_training.preprocessing import TextEncoder, Texts

PLAN_VALUE = "plan_value"
# Customers who grew, until trees may say how much; what a segment's mean is weighed against.
FEWEST_FOR_TREES = 100
PRIOR_COUNT = 20.0
# More recurring revenue than this is an error; float32 holds it.
_MOST = float(2**50)
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SegmentAmount:
    """The mean growth of those who grew, by segment, drawn to that of all."""

    encoder: TextEncoder

    @classmethod
    def fit(cls, segments: Texts, amounts: Floats, by_segment: bool) -> "SegmentAmount":
        """Fit to rows that grew; without any it is 0."""
        overall = float(amounts.mean()) if len(amounts) else 0.0
        if not by_segment or not len(amounts):
            return cls(TextEncoder({}, overall))
        return cls(TextEncoder.target(segments, amounts, PRIOR_COUNT))

    def predict(self, segments: Texts) -> Floats:
        """Return amounts [N]."""
        return self.encoder.transform(segments).astype(np.float64)

    def add_nodes(self, graph: Graph) -> str:
        """Return amounts [N, 1]."""
        return self.encoder.add_nodes(graph, graph.text("segment_id"))


@dataclass(frozen=True)
class PlanMultiple:
    """What recurs x exp(margin) x ratio; without a margin model the same share of it for all.

    Attributes:
        usual: taken for what recurs where it is not known, or nothing.
        ratio: makes the total of the amounts it was fitted on (smearing, Duan 1983).
    """

    usual: float
    ratio: float
    margins: TreeMargin | None = None

    @classmethod
    def fit(
        cls, train: Features, amounts: Floats, tune: Features, tune_amounts: Floats, seed: int
    ) -> "PlanMultiple":  # fmt: skip
        """Fit to rows that grew; trees serve where they err less on the later ones.

        Args:
            amounts, tune_amounts: above zero.
        """
        plan = train.numbers[PLAN_VALUE].astype(np.float64)
        known = plan[plan > 0]
        usual = float(np.float32(np.median(known))) if len(known) else 1.0
        share = cls(usual, 1.0)._levelled(train, amounts)
        if min(len(train), 4 * len(tune)) < FEWEST_FOR_TREES:
            return share
        target, later = (
            np.log(wanted / cls(usual, 1.0).predict(rows))
            for rows, wanted in ((train, amounts), (tune, tune_amounts))
        )  # fmt: skip
        trees = TreeMargin.fit(train, target, tune, later, seed, objective="huber", alpha=1.0, num_leaves=7)
        grown = cls(usual, 1.0, trees)._levelled(tune, tune_amounts)
        errors = [float(np.abs(model.predict(tune) - tune_amounts).mean()) for model in (share, grown)]
        return share if errors[0] <= errors[1] else grown

    def predict(self, data: Features) -> Floats:
        """Return amounts [N]."""
        plan = data.numbers[PLAN_VALUE].astype(np.float64)
        base = np.minimum(np.where(plan > 0, plan, self.usual), _MOST)
        if self.margins is not None:
            with np.errstate(over="ignore"):
                base = base * np.exp(self.margins.margin(data)[:, 0])
        return np.asarray(base * self.ratio)

    def add_nodes(self, graph: Graph) -> str:
        """Return amounts [N, 1]."""
        plan, usual = graph.number(PLAN_VALUE), graph.constant(self.usual)
        base = graph.add("Where", graph.add("Greater", plan, graph.constant(0.0)), plan, usual)
        base = graph.add("Min", base, graph.constant(_MOST))
        if self.margins is not None:
            base = graph.add("Mul", base, graph.add("Exp", self.margins.add_nodes(graph)))
        return graph.add("Mul", base, graph.constant(self.ratio))

    def _levelled(self, data: Features, amounts: Floats) -> "PlanMultiple":
        total = float(self.predict(data).sum())
        return PlanMultiple(self.usual, float(np.float32(amounts.sum() / total)), self.margins)
