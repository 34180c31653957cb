"""The small-data ladder: prior, shrinkage, model.

The lower rungs are artefacts like any other: a LabelEncoder node maps the segment to its rate. How far up a
data set may climb depends on its size; whether the model serves depends on later data.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from revlayer_training.evaluation import Comparison
from revlayer_training.graph import Graph
from revlayer_training.preprocessing import TextEncoder, Texts

Floats = NDArray[np.float64]
Rung = Literal["prior", "shrinkage", "model"]

FEWEST_FOR_SHRINKAGE = 50
FEWEST_FOR_MODEL = 150
FEWEST_OF_EACH_CLASS = 30
FEWEST_TEST_GROUPS = 50


@dataclass(frozen=True)
class Decision:
    """Which rung serves, and why in plain words."""

    rung: Rung
    reason: str


def reachable_rung(
    deals: int, wins: int, segments: int, has_split: bool, words: tuple[str, str] = ("deals", "won")
) -> Decision:
    """Say how far up the ladder the training data may climb.

    Args:
        deals: different deals, or customers, in the training rows.
        wins: how many of them were won, or what else is to be told.
        segments: different segments among them.
        has_split: whether train, validate and test have as-of dates of their own.
        words: what they are and what became of those.
    """
    many, ended = words
    scarce = min(wins, deals - wins)
    if deals < FEWEST_FOR_SHRINKAGE or scarce == 0:
        why = f"{deals} {many} of which {wins} {ended}" if scarce else f"every one of {deals} {many} ended alike"
        return Decision("prior", f"{why}: too little to tell segments apart, the overall rate is served")
    if deals < FEWEST_FOR_MODEL or scarce < FEWEST_OF_EACH_CLASS or not has_split:
        lack = "the history is too short to test a model on later data" if not has_split else (
            f"{deals} {many} of which {wins} {ended} are too few for a model"
        )  # fmt: skip
        if segments < 2:
            return Decision("prior", f"{lack}, and there is one segment: the overall rate is served")
        return Decision("shrinkage", f"{lack}: the segment's rate, drawn to the overall rate, is served")
    return Decision("model", "there is enough history to train, calibrate and test a model")


def serve(
    comparison: Comparison,
    fallback: Rung,
    model_name: str,
    baseline_name: str,
    many: str = "deals",
) -> Decision:
    """Decide by later data whether the model serves or the rung below it.

    Args:
        comparison: test-split loss of the baseline minus that of the model.
        many: what was compared.
    """
    figures = f"gain {comparison.gain:.4g} ± {comparison.standard_error:.2g} over {comparison.groups} {many}"
    if comparison.groups < FEWEST_TEST_GROUPS:
        return Decision(
            fallback,
            f"only {comparison.groups} {many} in the test period: no evidence that the model beats the"
            f" {baseline_name}; the {baseline_name} is served",
        )
    if not comparison.is_evidence:
        return Decision(
            fallback,
            f"no evidence that the model beats the {baseline_name} ({figures}): the {baseline_name} is served",
        )
    return Decision("model", f"{model_name} beats the {baseline_name} on later data ({figures})")


@dataclass(frozen=True)
class SegmentRate:
    """The lower rungs for a probability: one rate, or one per segment drawn to the whole.

    Shrinkage is beta-binomial; how many deals the prior is worth is estimated by moments from the spread of
    the segments' rates.
    """

    encoder: TextEncoder
    rung: Rung

    @classmethod
    def prior(cls, y: Floats) -> "SegmentRate":
        """One rate for all, (wins + 1/2) / (rows + 1): never 0 or 1 (Jeffreys)."""
        return cls(TextEncoder({}, float((y.sum() + 0.5) / (len(y) + 1))), "prior")

    @classmethod
    def shrinkage(cls, segments: Texts, y: Floats, groups: NDArray[np.int64]) -> "SegmentRate":
        """Rate by segment; an unseen segment takes the overall rate.

        Args:
            groups: number of the deal of each row; evidence counts deals, not snapshots of them.
        """
        overall = cls.prior(y).encoder.default
        rows = segments.counts().astype(np.float64)
        wins = np.bincount(segments.codes, weights=y, minlength=len(rows))
        deals = np.array([len(np.unique(groups[segments.codes == code])) for code in range(len(rows))], float)
        seen = rows > 0
        rates = np.where(seen, wins / np.maximum(rows, 1), overall)
        strength = _prior_count(rates[seen], deals[seen], overall)
        shrunk = (rates * deals + overall * strength) / (deals + strength)
        values = {segments.names[code]: float(shrunk[code]) for code in segments.seen()}
        return cls(TextEncoder(values, overall), "shrinkage")

    def predict(self, segments: Texts) -> Floats:
        """Return probabilities [N]."""
        return self.encoder.transform(segments).astype(np.float64)

    def artefact(self, output: str) -> bytes:
        """Return the ONNX bytes; the only feature is ``segment_id``."""
        graph = Graph([], ["segment_id"])
        return graph.serialize({output: (self.encoder.add_nodes(graph, graph.text("segment_id")), 1)})


def _prior_count(rates: Floats, deals: Floats, overall: float) -> float:
    """Deals' worth of prior: within-segment variance over between-segment variance, in [10, 1000]."""
    if len(rates) < 2:
        return 1000.0
    weight = deals / deals.sum()
    noise = overall * (1 - overall)
    between = float(np.sum(weight * (rates - overall) ** 2) - noise * len(rates) / deals.sum())
    return float(np.clip(noise / between, 10.0, 1000.0)) if between > 0 else 1000.0
