"""A yes-or-no target: the model of its probability, the rates below it, their comparison and their figures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.calibration import Calibration
from revlayer_training.export import RAW_SCORE, Artefact
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import SegmentRate
from revlayer_training.margins import MarginModel
from revlayer_training.outcome import Outcome
from revlayer_training.splits import Mask

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ProbabilityModel:
    """A margin model and its calibration.

    Attributes:
        output: name of the probability among the outputs of the graph.
    """

    margins: MarginModel
    calibration: Calibration
    output: str

    def predict(self, data: Features) -> Floats:
        """Return calibrated probabilities [N]."""
        return self.calibration.apply(self.margins.margin(data)[:, 0])

    def outputs(self, data: Features) -> dict[str, Floats]:
        """Return probabilities and raw scores, each [N]."""
        margin = self.margins.margin(data)[:, 0]
        return {self.output: self.calibration.apply(margin), RAW_SCORE: margin}

    def artefact(self, data: Features) -> Artefact:
        """Export; the features are those of ``data``."""
        graph = Graph(data.number_features, data.text_features)
        margin = self.margins.add_nodes(graph)
        probability = self.calibration.add_nodes(graph, margin)
        return Artefact(
            graph.serialize({self.output: (probability, 1), RAW_SCORE: (margin, 1)}), self.outputs,
            self.margins.algorithm, "model", data.number_features, data.text_features, (self.output, RAW_SCORE),
            {"calibration": self.calibration.name}, RAW_SCORE,
        )  # fmt: skip


def rate_artefact(rate: SegmentRate, output: str) -> Artefact:
    """Export a lower rung."""

    def predict(data: Features) -> dict[str, Floats]:
        return {output: rate.predict(data.segments)}

    algorithm = "overall_rate" if rate.rung == "prior" else "segment_rate"
    return Artefact(rate.artefact(output), predict, algorithm, rate.rung, (), ("segment_id",), (output,))


def compare_levels(y: Floats, baseline: Floats, model: Floats, groups: NDArray[np.int64]) -> evaluation.Comparison:
    """Compare Brier scores with the baseline as it is and raised to the model's level; return the weaker gain.

    A model that guessed the drift of the rate but cannot tell rows apart gains on the first only.

    Args:
        groups: number of the entity of each row.
    """
    level = np.clip(baseline * (model.mean() / baseline.mean()), 0.0, 1.0)
    comparisons = [evaluation.compare((b - y) ** 2, (model - y) ** 2, groups) for b in (baseline, level)]
    return min(comparisons, key=lambda found: found.gain / max(found.standard_error, 1e-12))


def evaluate_splits(
    outcome: Outcome, data: Features, y: Floats, masks: Mapping[str, Mask], predictions: Mapping[str, Floats]
) -> None:
    """Add the figures of every predictor on every split, whole and by segment, and the reliability on the test.

    Args:
        y: labels [N], read where a mask is.
        predictions: probabilities [N] by predictor.
    """
    for name, mask in masks.items():
        segments, truth = data.segments.take(mask), y[mask]
        for predictor, p in predictions.items():
            held = p[mask]

            def figures(rows: Mask, truth: Floats = truth, held: Floats = held) -> dict[str, float | None]:
                return evaluation.probability_metrics(truth[rows], held[rows])

            outcome.metrics += evaluation.by_segment(name, predictor, segments, figures)
            if name == "test":
                outcome.reliability += evaluation.reliability_table(name, predictor, segments, truth, held)
