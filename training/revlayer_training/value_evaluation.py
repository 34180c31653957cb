"""Figures of merit for the value of customers, most of whom spend nothing."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from revlayer_training.evaluation import amount_metrics

Floats = NDArray[np.float64]


def value_metrics(happened: Floats, predicted: Floats) -> dict[str, float | None]:
    """MAE, RMSE, R², WAPE, bias of the total, MAPE of those who spent, rank correlation, top-decile lift."""
    figures = amount_metrics(happened, predicted)
    figures.pop("log_error")  # of nothing there is no logarithm
    spent = happened > 0
    figures["mape"] = float(np.mean(np.abs(predicted[spent] / happened[spent] - 1))) if spent.any() else None
    figures["rank_correlation"] = rank_correlation(happened, predicted)
    figures["top_decile_lift"] = top_decile_lift(happened, predicted)
    return figures


def rank_correlation(happened: Floats, predicted: Floats) -> float | None:
    """Spearman's; None where either is constant."""
    ranks = rankdata(happened), rankdata(predicted)
    if min(rank.std() for rank in ranks) == 0:
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def top_decile_lift(happened: Floats, predicted: Floats) -> float | None:
    """Mean amount of the tenth with the highest prediction over the mean of all; None where that is not above 0.

    Equal predictions at the edge of the tenth share its places.
    """
    mean, places = float(happened.mean()), max(len(happened) // 10, 1)
    if mean <= 0:
        return None
    edge = np.sort(predicted)[-places]
    above, at = predicted > edge, predicted == edge
    share = (places - above.sum()) / at.sum()
    return float((happened[above].sum() + share * happened[at].sum()) / places / mean)
