"""The lower rungs and the baseline: rates and means of country and platform, drawn to those of all installs.

Credibility after Bühlmann (1967): a segment's mean counts by its rows over its rows plus the variance within segments
over that between them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.install_law import OUTPUTS, RevenueLaw
from revlayer_training.ladder import Rung
from revlayer_training.preprocessing import TextEncoder, Texts
from revlayer_udf.certificate import SCALE

Floats = NDArray[np.float64]
SEGMENT = "segment_id"
_MOST_PRIOR = 1e7


@dataclass(frozen=True)
class SegmentRevenue:
    """Every output by segment; a segment never seen has that of all installs."""

    encoders: dict[str, TextEncoder]
    rung: Rung
    scale: float

    @classmethod
    def fit(cls, segments: Texts, revenue: Floats, rung: Rung) -> "SegmentRevenue":
        """Fit to known labels.

        Args:
            rung: ``prior`` takes one rate and one mean for all.
        """
        paid = revenue > 0
        rate = float((paid.sum() + 0.5) / (len(paid) + 1))
        mean = float(np.maximum(revenue, 0.0).mean())
        law = _law(revenue[paid])
        whole = _outputs(np.array([rate]), np.array([mean]), law)
        values: dict[str, dict[str, float]] = {name: {} for name in OUTPUTS}
        if rung == "shrinkage":
            codes = segments.seen()
            rates = credible(segments, paid.astype(np.float64), rate)[codes]
            means = credible(segments, np.maximum(revenue, 0.0), mean)[codes]
            found = _outputs(rates, means, law)
            names = [segments.names[code] for code in codes]
            values = {name: dict(zip(names, found[name].tolist(), strict=True)) for name in OUTPUTS}
        encoders = {name: TextEncoder(values[name], float(whole[name][0])) for name in OUTPUTS}
        return cls(encoders, rung, float(revenue.std()) or 1.0)

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return every output [N]."""
        return {name: e.transform(data.texts[SEGMENT]).astype(np.float64) for name, e in self.encoders.items()}

    def artefact(self) -> Artefact:
        """Export; the only feature is the segment."""
        graph = Graph([], [SEGMENT])
        text = graph.text(SEGMENT)
        shown = {name: (encoder.add_nodes(graph, text), 1) for name, encoder in self.encoders.items()}
        return Artefact(
            graph.serialize(shown), self.predict, "segment_mean", self.rung, (), (SEGMENT,), OUTPUTS,
            {SCALE: self.scale},
        )  # fmt: skip


def credible(segments: Texts, values: Floats, overall: float) -> Floats:
    """Return the mean of each segment by code, drawn to the overall one."""
    counts = segments.counts().astype(np.float64)
    sums = np.bincount(segments.codes, weights=values, minlength=len(counts))
    seen = counts > 0
    means = np.where(seen, sums / np.maximum(counts, 1), overall)
    within = float(values.var())
    weight = counts / max(counts.sum(), 1.0)
    # What the segments' means would spread by chance alone is taken off.
    between = float((weight * (means - overall) ** 2).sum()) - within * seen.sum() / max(counts.sum(), 1.0)
    prior = float(np.clip(within / between, 1.0, _MOST_PRIOR)) if between > 0 else _MOST_PRIOR
    return np.asarray((sums + prior * overall) / (counts + prior))


def _law(amount: Floats) -> RevenueLaw:
    return RevenueLaw.fit(np.zeros(len(amount)), amount)


def _outputs(rate: Floats, mean: Floats, law: RevenueLaw) -> dict[str, Floats]:
    """Return every output where the mean is given: the amount of a payer is what is left of it."""
    rate = np.clip(rate, 1e-9, 1 - 1e-9)
    centre = np.log(np.maximum(mean, 1e-30) / rate / law.smearing) - law.shift
    found = law.apply(logit(rate), centre)
    return {name: np.where(mean > 0, values, 0.0) if name != OUTPUTS[0] else values for name, values in found.items()}
