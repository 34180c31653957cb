"""The methods that compete for a series, from the one that needs least history to those that need most."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from revlayer_training.series import baselines
from revlayer_training.series.boosting import boosted
from revlayer_training.series.panel import SEASON, Floats

Forecaster = Callable[[Floats, int, int], Floats]


@dataclass(frozen=True)
class Method:
    """A way to forecast.

    Attributes:
        rung: step of the ladder of history: naive, seasonal_naive, statistical, model.
        forecast: (values [series, months], first month, horizon) to [series, horizon], NaN where it has none.
    """

    name: str
    rung: str
    forecast: Forecaster


def _single(single: baselines.Single, least: int) -> Forecaster:
    return lambda values, first_month, horizon: baselines.each(single, values, horizon, least)


# A method that ties with a simpler one does not replace it.
ALONE = (
    Method("naive", "naive", _single(baselines.naive, 1)),
    Method("seasonal_naive", "seasonal_naive", _single(baselines.seasonal_naive, SEASON)),
    Method("theta", "statistical", _single(baselines.theta, 2 * SEASON)),
    Method("ets", "statistical", _single(baselines.ets, 2 * SEASON)),
    Method("lightgbm", "model", boosted),
)
COMBINED = {"ets_theta": ("ets", "theta"), "combination": ("ets", "theta", "lightgbm")}
RUNGS = {method.name: method.rung for method in ALONE} | {"ets_theta": "statistical", "combination": "model"}
METHODS = tuple(RUNGS)
# A forecast of more than so many times the largest amount a series ever had is a failure of the method.
LARGEST_GROWTH = 10.0


def forecast_all(values: Floats, first_month: int, horizon: int) -> Floats:
    """Forecast by every method; what a method foretells of a series that was never negative is not negative.

    Args:
        values: [series, months], NaN before a series begins.

    Returns:
        [methods, series, horizon] in the order of METHODS; NaN where a method has too little history, or fails. A
        combination is the mean of its parts, where all of them have a forecast.
    """
    largest = LARGEST_GROWTH * np.abs(np.nan_to_num(values)).max(axis=1)
    made = {}
    for method in ALONE:
        found = method.forecast(values, first_month, horizon)
        failed = (np.abs(found) > largest[:, None]).any(axis=1)
        made[method.name] = np.where(failed[:, None], np.nan, found)
    for name, parts in COMBINED.items():
        made[name] = np.mean([made[part] for part in parts], axis=0)
    least = np.where(np.nan_to_num(values).min(axis=1) < 0, -np.inf, 0.0)
    return np.maximum(np.stack([made[name] for name in METHODS]), least[None, :, None])
