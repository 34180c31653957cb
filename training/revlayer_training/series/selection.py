"""Which method serves a series, by what was known before the origin."""

import numpy as np

from revlayer_training.series.methods import METHODS
from revlayer_training.series.panel import SEASON, Floats, Ints
from revlayer_training.series.rolling import Rolled

# What serves unless the backtest speaks against it: the first for which there is history.
INCUMBENTS = ("combination", "ets_theta", "seasonal_naive", "naive")
# What serves before anything was tried: the first for which there is history.
UNTRIED = ("ets_theta", "seasonal_naive", "naive")
# What an incumbent must not be worse than.
NAIVE = ("seasonal_naive", "naive")
WINDOW = 4 * SEASON  # months, whose errors count
# Origins at which a method must have been tried before its errors count.
LEAST_ORIGINS = 3
CONFIDENCE = 1.645  # standard errors: 95 %, one-sided


def choose(rolled: Rolled) -> Ints:
    """Choose at every origin, for every series, the method that won on the forecasts that were over there.

    The incumbent is the combination of all that history allows. A method that beats it with 95 % confidence, by mean
    absolute error on the same forecasts, takes its place; where one of the naive methods erred less than it, whatever
    the confidence, the method that erred least does. What was not tried does not serve, but where nothing was.

    Returns:
        [origins, series]: places in METHODS; -1 where nothing has a forecast.
    """
    errors = np.abs(rolled.forecasts - rolled.actuals) / rolled.scales[None, :, :, None]
    step = float(np.diff(rolled.origins).min()) if len(rolled.origins) > 1 else 1.0
    places = range(len(rolled.origins))
    return np.stack(
        [_choose_at(errors, rolled.forecasts[:, at, :, 0], rolled.known(at, WINDOW), step) for at in places]
    )


def _choose_at(errors: Floats, forecast: Floats, known: np.ndarray, step: float) -> Ints:
    """Args: errors [methods, origins, series, horizon]; forecast [methods, series]; known [origins, horizon]."""
    has = ~np.isnan(forecast)
    by_origin, tried = _on_the_same(errors, has, known)
    incumbent = _first(tried, INCUMBENTS)
    chosen = np.where(incumbent >= 0, incumbent, _first(has, UNTRIED))
    held = ~np.isnan(by_origin)
    origins = np.maximum(held.sum(axis=1), 1)
    mean = np.where(tried, np.nansum(by_origin, axis=1) / origins, np.inf)
    own = np.take_along_axis(by_origin, np.maximum(incumbent, 0)[None, None], axis=0)
    gain = np.where(held, own - np.nan_to_num(by_origin), np.nan)
    gained = np.nansum(gain, axis=1) / origins
    spread = np.sqrt(np.nansum((gain - gained[:, None]) ** 2, axis=1) / np.maximum(origins - 1, 1))
    # Forecasts of origins less than a year apart are of the same months: only whole years count as drawn apart.
    years = np.maximum(origins * step / SEASON, 1.0)
    wins = tried & (gained > CONFIDENCE * spread / np.sqrt(years))
    incumbent_mean = np.take_along_axis(mean, np.maximum(incumbent, 0)[None], axis=0)[0]
    worse = (mean[[METHODS.index(name) for name in NAIVE]] < incumbent_mean).any(axis=0)
    best = np.where(wins | worse, mean, np.inf)
    found = (incumbent >= 0) & np.isfinite(best.min(axis=0))
    return np.where(found, best.argmin(axis=0), chosen)


def _on_the_same(errors: Floats, has: np.ndarray, known: np.ndarray) -> tuple[Floats, np.ndarray]:
    """Return mean errors [methods, origins, series] on forecasts that all methods tried have, and which those are."""
    held = np.where(known[None, :, None, :], errors, np.nan)
    tried = has & ((~np.isnan(held)).any(axis=3).sum(axis=1) >= LEAST_ORIGINS)
    missing = np.isnan(held) & tried[:, None, :, None]
    common = known[:, None, :] & ~missing.any(axis=0)
    count = common.sum(axis=2)
    sums = np.where(common, np.nan_to_num(held), 0.0).sum(axis=3)
    return np.where(tried[:, None, :] & (count > 0), sums / np.maximum(count, 1), np.nan), tried


def _first(has: np.ndarray, names: tuple[str, ...]) -> Ints:
    """Return the place of the first of some methods that each series has, -1 where none."""
    chosen = np.full(has.shape[1], -1)
    for name in reversed(names):
        chosen = np.where(has[METHODS.index(name)], METHODS.index(name), chosen)
    return chosen
