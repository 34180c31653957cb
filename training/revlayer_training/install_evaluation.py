"""Figures of merit of revenue that is mostly zero and sometimes large."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from revlayer_training import evaluation
from revlayer_udf.registry import ReliabilityBin

Floats = NDArray[np.float64]
BINS = 10
_POWER = 1.5
_LEAST_MEAN = 1e-6


def revenue_metrics(revenue: Floats, shown: Mapping[str, Floats]) -> dict[str, float | None]:
    """Return every figure of one predictor.

    Args:
        shown: ``revenue`` [N], and ``payer_probability`` and quantiles where the predictor has them.
    """
    mean, paid = shown["revenue"], (revenue > 0).astype(np.float64)
    total = float(revenue.sum())
    chance = shown.get("payer_probability")
    figures = {
        "gini": normalised_gini(revenue, mean),
        "decile_error": decile_error(revenue, mean),
        "rmse": float(np.sqrt(np.mean((mean - revenue) ** 2))),
        "mae": float(np.mean(np.abs(mean - revenue))),
        "bias": float((mean - revenue).sum()) / total if total > 0 else None,
        "tweedie_deviance": float(tweedie_deviance(revenue, mean).mean()),
        "auc": evaluation.auc(paid, mean if chance is None else chance),
    }
    if chance is not None:
        figures["payer_ece"] = evaluation.expected_calibration_error(paid, chance)
        figures["payer_log_loss"] = evaluation.log_loss(paid, chance)
    for name in ("revenue_p50", "revenue_p90", "revenue_p99"):
        if name in shown:
            figures[f"share_within_{name[-3:]}"] = float(np.mean(revenue <= shown[name]))
    return figures


def normalised_gini(revenue: Floats, predicted: Floats) -> float | None:
    """Gini of the revenue in the order of the prediction, over that in its own order; ties share a rank.

    1 is the order of the outcomes themselves, 0 is none; None where all outcomes are alike.
    """
    own = float(np.cov(revenue, rankdata(revenue))[0, 1]) if len(revenue) > 1 else 0.0
    return float(np.cov(revenue, rankdata(predicted))[0, 1]) / own if own > 0 else None


def deciles(revenue: Floats, predicted: Floats) -> list[tuple[int, float, float]]:
    """Return (rows, mean prediction, mean outcome) of ten bins of equal count, in order of prediction."""
    return evaluation.reliability(revenue, predicted, BINS)


def decile_error(revenue: Floats, predicted: Floats) -> float | None:
    """Sum over the deciles of |predicted - actual| over the actual total: 0.1 is 10 % of the money misplaced."""
    total = float(revenue.sum())
    if total <= 0:
        return None
    return sum(rows * abs(mean - actual) for rows, mean, actual in deciles(revenue, predicted)) / total


def tweedie_deviance(revenue: Floats, predicted: Floats) -> Floats:
    """Deviance of the compound Poisson-gamma law with power 1.5, [N]; least in expectation at the true mean.

    Jorgensen (1987), "Exponential dispersion models". Amounts paid back count as nothing paid.
    """
    y, mean = np.maximum(revenue, 0.0), np.maximum(predicted, _LEAST_MEAN)
    own = y ** (2 - _POWER) / ((1 - _POWER) * (2 - _POWER))
    return np.asarray(2 * (own - y * mean ** (1 - _POWER) / (1 - _POWER) + mean ** (2 - _POWER) / (2 - _POWER)))


def decile_table(split: str, predictor: str, revenue: Floats, predicted: Floats) -> list[ReliabilityBin]:
    """Return the deciles as rows of the model's reliability: mean revenue predicted and paid."""
    rows = deciles(revenue, predicted)
    return [ReliabilityBin(split, predictor, evaluation.ALL, number, *row) for number, row in enumerate(rows, 1)]
