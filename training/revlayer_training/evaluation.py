"""Figures of merit, beside baselines, whole and by segment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from revlayer_training.preprocessing import Texts
from revlayer_udf.registry import Metric, ReliabilityBin

Floats = NDArray[np.float64]
ALL = "(all)"
FEWEST_SEGMENT_ROWS = 30


def brier(y: Floats, p: Floats) -> float:
    """Mean squared error of a probability (Brier 1950)."""
    return float(np.mean((p - y) ** 2))


def log_loss(y: Floats, p: Floats) -> float:
    """Mean negative log likelihood, with p kept 1e-6 away from 0 and 1."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p)))


def auc(y: Floats, p: Floats) -> float | None:
    """Area under the ROC curve by ranks, ties counted half; None for one class."""
    wins = int(y.sum())
    if wins in (0, len(y)):
        return None
    ranks = rankdata(p)
    return float((ranks[y > 0].sum() - wins * (wins + 1) / 2) / (wins * (len(y) - wins)))


def reliability(y: Floats, p: Floats, bins: int = 10) -> list[tuple[int, float, float]]:
    """Return (rows, mean prediction, observed rate) for bins of equal count, in order of prediction."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(len(part), float(p[part].mean()), float(y[part].mean())) for part in parts]


def expected_calibration_error(y: Floats, p: Floats, bins: int = 10) -> float:
    """Mean distance between prediction and outcome over bins of equal count, weighted by rows."""
    return sum(n * abs(mean - rate) for n, mean, rate in reliability(y, p, bins)) / len(y)


def probability_metrics(y: Floats, p: Floats) -> dict[str, float | None]:
    """Brier, log loss, AUC, expected calibration error, mean prediction and observed rate."""
    return {
        "brier": brier(y, p),
        "log_loss": log_loss(y, p),
        "auc": auc(y, p),
        "ece": expected_calibration_error(y, p),
        "predicted_mean": float(p.mean()),
        "observed_rate": float(y.mean()),
    }


def amount_metrics(y: Floats, mean: Floats) -> dict[str, float | None]:
    """MAE, RMSE, WAPE, relative bias, R² and mean absolute log error of an amount."""
    error = mean - y
    spread = float(np.sum((y - y.mean()) ** 2))
    total = float(np.sum(np.abs(y)))
    return {
        "mae": float(np.mean(np.abs(error))),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "wape": float(np.sum(np.abs(error))) / total if total else None,
        "bias": float(error.sum()) / total if total else None,
        "log_error": float(log_error(y, mean).mean()),
        "r2": 1 - float(np.sum(error**2)) / spread if spread > 0 else None,
    }


def log_error(y: Floats, mean: Floats) -> Floats:
    """Absolute log of prediction over outcome, [N]: 0.1 is 10 % off, whatever the size of the deal."""
    return np.abs(np.log(np.maximum(mean, 1e-9) / np.maximum(y, 1e-9)))


def interval_coverage(y: Floats, low: Floats, high: Floats) -> float:
    """Share of outcomes inside the interval, ends included."""
    return float(np.mean((y >= low) & (y <= high)))


def ranked_probability_score(bin_index: NDArray[np.int64], within: Floats) -> Floats:
    """Squared distance between cumulative prediction and outcome, summed over bin ends (Epstein 1969), [N].

    Args:
        bin_index: 0 … B, the bin in which the event fell; B is after the last end.
        within: cumulative probabilities at the B ends, [N, B].
    """
    happened = np.arange(within.shape[1])[None, :] >= bin_index[:, None]
    return np.asarray(((within - happened) ** 2).sum(axis=1))


def by_segment(
    split: str,
    predictor: str,
    segments: Texts,
    figures: Callable[[NDArray[np.bool_]], Mapping[str, float | None]],
) -> list[Metric]:
    """Compute figures for the whole split and for each segment with at least 30 rows.

    Args:
        figures: gives the figures of the rows of a mask.
    """
    everything = np.ones(len(segments), bool)
    groups = [(ALL, everything)]
    counts = segments.counts()
    for code in segments.seen():
        if counts[code] >= FEWEST_SEGMENT_ROWS:
            groups.append((segments.names[code], segments.codes == code))
    return [
        Metric(split, predictor, name, metric, value, int(mask.sum()))
        for name, mask in groups
        if mask.any()
        for metric, value in figures(mask).items()
    ]


def reliability_table(split: str, predictor: str, segments: Texts, y: Floats, p: Floats) -> list[ReliabilityBin]:
    """Ten bins for the whole split, five for each segment with at least 100 rows."""
    table = [ReliabilityBin(split, predictor, ALL, i, *row) for i, row in enumerate(reliability(y, p), 1)]
    counts = segments.counts()
    for code in segments.seen():
        if counts[code] >= 100:
            mask = segments.codes == code
            rows = reliability(y[mask], p[mask], 5)
            name = segments.names[code]
            table += [ReliabilityBin(split, predictor, name, i, *row) for i, row in enumerate(rows, 1)]
    return table


@dataclass(frozen=True)
class Comparison:
    """Mean reduction of a loss against a baseline, with a standard error clustered by deal."""

    gain: float
    standard_error: float
    groups: int

    @property
    def is_evidence(self) -> bool:
        """Whether the gain is above zero with one-sided 95 % confidence."""
        return self.gain > 1.645 * self.standard_error and self.gain > 0


def compare(baseline_loss: Floats, model_loss: Floats, groups: NDArray[np.int64]) -> Comparison:
    """Compare row losses; a deal seen on several as-of dates counts as one observation of evidence."""
    difference = baseline_loss - model_loss
    gain = float(difference.mean())
    _, index = np.unique(groups, return_inverse=True)
    sums = np.bincount(index, weights=difference - gain)
    count = len(sums)
    correction = count / max(count - 1, 1)
    error = float(np.sqrt(correction * np.sum(sums**2)) / len(difference))
    return Comparison(gain, error if count > 1 else float("inf"), count)
