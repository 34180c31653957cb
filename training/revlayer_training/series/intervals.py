"""How far forecasts of a series were off at a horizon, and so how far the next may be: conformal intervals."""

import numpy as np

from revlayer_training.series.panel import SEASON, Floats
from revlayer_training.series.rolling import Rolled

COVERAGE = 0.8
# Months whose errors count: how far forecasts miss changes from one year to another.
WINDOW = 2 * SEASON
# The factor by which intervals are stretched counts as one observed over so many years of a series.
PRIOR_YEARS = 2
LEAST_STRETCH = 0.1
# Forecasts of a series with fewer known errors at a horizon take those of all series of the panel.
LEAST_ERRORS = 6
# A series' own errors grow and shrink with its scale, up to this factor: one that lay still says little of its jumps.
LARGEST_GROWTH = 2.0


def half_widths(forecasts: Floats, rolled: Rolled) -> Floats:
    """Return half the width of an interval around each forecast that holds 80 % of what comes.

    First the quantile of the absolute errors of the same series, at the horizon and those next to it, as far as they
    were known at the origin (split conformal: Vovk et al., 2005). Then all are stretched by what earlier intervals,
    made so, would have needed to hold 80 % of what came in them (in the manner of Gibbs and Candès, 2021).

    Args:
        forecasts: [origins, series, horizon] of one method, or as served.

    Returns:
        [origins, series, horizon]; NaN where no error of any series was known.
    """
    errors = np.abs(forecasts - rolled.actuals)
    known = [rolled.known(place, WINDOW) for place in range(len(rolled.origins))]
    plain = np.stack([_at(errors, rolled.scales, place, known_there) for place, known_there in enumerate(known)])
    needed = np.where(plain > 0, errors / np.where(plain > 0, plain, 1.0), np.nan)
    return plain * np.array([_stretch(needed, known_there) for known_there in known])[:, None, None]


def _stretch(needed: Floats, known: np.ndarray) -> float:
    """Return the factor for the intervals of an origin; few errors move it little.

    Args:
        needed: [origins, series, horizon]: error over half the width.
        known: [origins, horizon].
    """
    held = np.where(known[:, None, :], needed, np.nan)[:, -(needed.shape[1] - 1) :]  # of the segments
    origins = int((~np.isnan(held)).any(axis=2).sum())
    if origins == 0:
        return 1.0
    factor = quantiles(held.reshape(1, -1), np.array([origins]))[0]
    years = held.shape[1] * WINDOW / SEASON
    return float(np.maximum(factor, LEAST_STRETCH) ** (years / (years + PRIOR_YEARS)))


def _at(errors: Floats, scales: Floats, place: int, known: np.ndarray) -> Floats:
    """Args: errors [origins, series, horizon]; scales [origins, series]; known [origins, horizon], at this place."""
    held = np.where(known[:, None, :], errors, np.nan)
    now = scales[place]
    grown = held * np.clip(now / scales, 1 / LARGEST_GROWTH, LARGEST_GROWTH)[:, :, None]
    scaled = held / scales[:, :, None]
    series, horizon = held.shape[1:]
    widths = np.full((series, horizon), np.nan)
    for ahead in range(horizon):
        near = slice(max(0, ahead - 1), ahead + 2)
        # Of the horizon itself: nearer ones alone would make it look too sure.
        origins = (~np.isnan(held[:, :, ahead])).sum(axis=0)
        if not origins.any():
            continue
        own = quantiles(grown[:, :, near].transpose(1, 0, 2).reshape(series, -1), origins)
        everyone = quantiles(scaled[:, :, near].reshape(1, -1), np.array([origins.sum()]))
        widths[:, ahead] = np.where(origins >= LEAST_ERRORS, own, everyone * now)
    # Far months were come to from fewer origins, maybe of quieter years: no month is surer than a nearer one.
    return np.maximum.accumulate(_extended(widths), axis=1)


def quantiles(values: Floats, independent: np.ndarray) -> Floats:
    """Return the conformal quantile of each row, between two order statistics where it falls there.

    Args:
        values: [rows, errors], NaN where unknown.
        independent: [rows]: how many of the errors count as drawn apart, which the level is raised for.

    Returns:
        [rows]; NaN for a row without errors.
    """
    ranked = np.sort(values, axis=1)
    counts = (~np.isnan(values)).sum(axis=1)
    level = np.minimum(COVERAGE * (1 + 1 / np.maximum(independent, 1)), 1.0)
    place = level * np.maximum(counts - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    low, high = (np.take_along_axis(ranked, at[:, None], axis=1)[:, 0] for at in (below, above))
    return np.asarray(low + (place - below) * (high - low))


def _extended(widths: Floats) -> Floats:
    """Give horizons that nobody has come to yet the width of the last one known, grown as a random walk's would."""
    horizon = widths.shape[1]
    ahead = np.arange(1, horizon + 1)
    known = ~np.isnan(widths)
    last = np.where(known, ahead, 0).max(axis=1)
    held = np.take_along_axis(widths, np.maximum(last - 1, 0)[:, None], axis=1)[:, 0]
    grown = held[:, None] * np.sqrt(ahead / np.maximum(last, 1)[:, None])
    return np.where(known | (ahead <= last[:, None]), widths, grown)
