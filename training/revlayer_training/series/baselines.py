"""Forecasts of one series at a time that need nothing but its past."""

import warnings
from collections.abc import Callable

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel

from revlayer_training.series.panel import SEASON, Floats, beginnings

# Older months say little of the level and the season of today, and cost time.
LONGEST = 20 * SEASON
Single = Callable[[Floats, int], Floats]


def naive(y: Floats, horizon: int) -> Floats:
    """The last month again."""
    return np.full(horizon, y[-1])


def seasonal_naive(y: Floats, horizon: int) -> Floats:
    """The same month of the last year again."""
    return np.resize(y[-SEASON:], horizon)


def ets(y: Floats, horizon: int) -> Floats:
    """Exponential smoothing in state space; of few forms the one with the least AICc (Hyndman et al., 2008)."""
    positive = bool((y > 0).all())
    forms = [("add", "add"), ("add", None)] + ([("mul", "mul")] if positive else [])
    best, forecast = np.inf, np.full(horizon, np.nan)
    for error, seasonal in forms:
        model = ETSModel(
            y, error=error, trend="add", damped_trend=True, seasonal=seasonal,
            seasonal_periods=SEASON if seasonal else None, initialization_method="heuristic",
        )  # fmt: skip
        fitted = model.fit(disp=False)
        if fitted.aicc < best:
            best, forecast = fitted.aicc, np.asarray(fitted.forecast(horizon))
    return forecast


def theta(y: Floats, horizon: int) -> Floats:
    """Theta method on the series without its season, where it has one (Assimakopoulos and Nikolopoulos, 2000)."""
    positive = bool((y > 0).all())
    fitted = ThetaModel(y, period=SEASON, method="auto" if positive else "additive").fit()
    return np.asarray(fitted.forecast(horizon))


def each(single: Single, values: Floats, horizon: int, least: int) -> Floats:
    """Forecast every series that has enough months.

    Args:
        values: [series, months], NaN before a series begins.
        least: months below which a series has no forecast.

    Returns:
        [series, horizon]; NaN for a series too short, or one on which the method fails.
    """
    made = np.full((len(values), horizon), np.nan)
    for row, begin in enumerate(beginnings(values)):
        y = values[row, begin:][-LONGEST:]
        if len(y) < least:
            continue
        size = float(np.abs(y).mean()) or 1.0  # optimisers work near 1
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                found = size * single(y / size, horizon)
            except (ValueError, np.linalg.LinAlgError):
                continue  # the method has no forecast of this series; others have
        made[row] = found if np.isfinite(found).all() else np.nan
    return made
