"""Figures of churn: by kind of customer, of those that had not left before, and of the tiers."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from revlayer_training.churn_rows import ChurnRows
from revlayer_training.evaluation import ALL, FEWEST_SEGMENT_ROWS, probability_metrics, reliability
from revlayer_training.outcome import MODEL
from revlayer_training.splits import Mask
from revlayer_training.tiers import NAMES, KindTiers, Tiers
from revlayer_udf.registry import Metric, ReliabilityBin

ACTIVE = "(active)"
FEWEST_RELIABILITY_ROWS = 100
Floats = NDArray[np.float64]


def segment_of(kind: str) -> str:
    """Return what figures of a kind stand under."""
    return f"({kind})"


def active_metrics(split: str, rows: ChurnRows, predictions: Mapping[str, Floats]) -> list[Metric]:
    """Return figures of the customers that had not left before their date: of the others it is easily told.

    Args:
        predictions: probabilities of the rows by predictor.
    """
    active = rows.is_active
    return [] if active.all() or not active.any() else list(_figures(split, ACTIVE, rows, active, predictions))


def kind_metrics(split: str, rows: ChurnRows, predictions: Mapping[str, Floats]) -> list[Metric]:
    """Return figures of each kind where there are two: the rates of the two may differ so much that telling a
    contract from a shop looks like telling who leaves."""
    return [
        row
        for kind, mask in _separate(rows).items()
        if mask.sum() >= FEWEST_SEGMENT_ROWS
        for row in _figures(split, segment_of(kind), rows, mask, predictions)
    ]


def kind_reliability(split: str, rows: ChurnRows, predictions: Mapping[str, Floats]) -> list[ReliabilityBin]:
    """Return ten bins of each kind where there are two."""
    return [
        ReliabilityBin(split, predictor, segment_of(kind), number, *row)
        for kind, mask in _separate(rows).items()
        if mask.sum() >= FEWEST_RELIABILITY_ROWS
        for predictor, p in predictions.items()
        for number, row in enumerate(reliability(rows.y[mask], p[mask]), 1)
    ]


def tier_metrics(split: str, tiers: Tiers, p: Floats, y: Floats) -> list[Metric]:
    """Return the share of each tier and how many of it left."""
    return list(_of_tiers(split, ALL, tiers.of(p), y))


def kind_tier_metrics(split: str, rows: ChurnRows, tiers: KindTiers, p: Floats) -> list[Metric]:
    """Return the same, of all and of each kind where there are two, each kind by its own thresholds."""
    tier = tiers.of(p, rows.kinds)
    found = list(_of_tiers(split, ALL, tier, rows.y))
    for kind, mask in _separate(rows).items():
        found += _of_tiers(split, segment_of(kind), tier[mask], rows.y[mask])
    return found


def _separate(rows: ChurnRows) -> dict[str, Mask]:
    return rows.kinds if len(rows.kinds) > 1 else {}


def _figures(
    split: str, segment: str, rows: ChurnRows, mask: Mask, predictions: Mapping[str, Floats]
) -> Iterable[Metric]:
    for predictor, p in predictions.items():
        for metric, value in probability_metrics(rows.y[mask], p[mask]).items():
            yield Metric(split, predictor, segment, metric, value, int(mask.sum()))


def _of_tiers(split: str, segment: str, tier: NDArray[np.int64], y: Floats) -> Iterable[Metric]:
    for place, name in enumerate(NAMES):
        held = tier == place
        count = int(held.sum())
        yield Metric(split, MODEL, segment, f"{name}_tier_share", count / len(y), len(y))
        rate = float(y[held].mean()) if count else None
        yield Metric(split, MODEL, segment, f"{name}_tier_observed_rate", rate, count)
