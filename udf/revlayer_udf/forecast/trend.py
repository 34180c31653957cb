"""Trend of arrivals and seasonality of won revenue, both shrunk to none where history is short."""

import numpy as np

from revlayer_udf.forecast.months import Floats

# A company's monthly growth is rarely beyond this; the spread of plausible trends around none.
_GROWTH_PRIOR = 0.015
_MAX_GROWTH = 0.04
_MIN_TREND_MONTHS = 9
_MIN_SEASON_MONTHS = 24


def monthly_growth(counts: Floats) -> float:
    """Return the growth of a monthly count per month, as a log rate.

    Args:
        counts: [T], in time order.

    Returns:
        Log-linear slope by weighted least squares (weights: counts), multiplied by
        prior variance / (prior variance + squared standard error), within +-4 % a month; 0 if short.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if len(counts) < _MIN_TREND_MONTHS or counts.sum() < len(counts):
        return 0.0
    weights = counts + 0.5
    time = np.arange(len(counts), dtype=np.float64)
    time -= np.average(time, weights=weights)
    logs = np.log(counts + 0.5)
    spread = float((weights * time**2).sum())
    slope = float((weights * time * logs).sum()) / spread
    residuals = logs - np.average(logs, weights=weights) - slope * time
    # Counts vary at least as a Poisson variable does: dispersion is not let below 1.
    dispersion = max(1.0, float((weights * residuals**2).sum()) / (len(counts) - 2))
    shrunk = slope * _GROWTH_PRIOR**2 / (_GROWTH_PRIOR**2 + dispersion / spread)
    return float(np.clip(shrunk, -_MAX_GROWTH, _MAX_GROWTH))


def seasonal_factors(revenue: Floats, first_month: int) -> Floats:
    """Return the multiplicative factor of each calendar month, mean 1.

    Args:
        revenue: [T], won revenue of consecutive complete months.
        first_month: month number of the first one.

    Returns:
        [12], January first. Ratios to a 12-month trend are split into the position in the quarter and the
        rest by month; each part is shrunk by its signal-to-noise ratio (moments). All 1 below 24 months.
    """
    revenue = np.asarray(revenue, dtype=np.float64)
    factors = np.ones(12)
    if len(revenue) < _MIN_SEASON_MONTHS or revenue.sum() <= 0:
        return factors
    level = _level(revenue)
    ratios = np.divide(revenue, level, out=np.ones_like(revenue), where=level > 0) - 1.0
    months = (first_month + np.arange(len(revenue))) % 12
    by_position = _shrunk_means(ratios, months % 3, 3)
    by_month = _shrunk_means(ratios - by_position[months % 3], months, 12)
    calendar = np.arange(12)
    factors = np.maximum(1.0 + by_position[calendar % 3] + by_month[calendar], 0.2)
    return np.asarray(factors / factors.mean(), dtype=np.float64)


def _level(revenue: Floats) -> Floats:
    # Centred mean over a year: half weights at both ends keep every calendar month's weight equal.
    kernel = np.r_[0.5, np.ones(11), 0.5] / 12.0
    inner = np.convolve(revenue, kernel, mode="valid")
    return np.pad(inner, 6, mode="edge")


def _shrunk_means(values: Floats, groups: np.ndarray, count: int) -> Floats:
    sizes = np.bincount(groups, minlength=count).astype(np.float64)
    sums = np.bincount(groups, values, minlength=count)
    means = np.divide(sums, sizes, out=np.zeros(count), where=sizes > 0)
    within = float(((values - means[groups]) ** 2).sum()) / max(1, len(values) - count)
    between = float(np.mean(means[sizes > 0] ** 2)) - within / float(sizes[sizes > 0].mean())
    if between <= 0:
        return np.zeros(count)
    return np.asarray(means * between / (between + within / np.maximum(sizes, 1.0)), dtype=np.float64)
