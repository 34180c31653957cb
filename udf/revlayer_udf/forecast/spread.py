"""Spread that no single deal explains: learnt from how past forecasts missed.

Every deal of a month shares one lognormal factor with mean 1. Its standard deviation phi has a prior, and
past forecast errors known by the as-of date update it on a grid: error ~ Student t with scale
sqrt(variance of independent deals + phi^2 mean^2). Draws sample phi from the result, so few past errors leave
a wider interval and many a fitting one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from revlayer_udf.forecast.months import Floats

GRID = np.arange(0.0, 1.01, 0.025)
# Most likely phi before any evidence, one month ahead, and its growth per further month.
_PRIOR_MODE = 0.1
_PRIOR_GROWTH = 0.01
# Tails of the error's distribution: one freak month does not set the width of all.
_DEGREES = 6.0


@dataclass(frozen=True)
class PastError:
    """A past forecast of one month's total against what came.

    Attributes:
        months_ahead: horizon of the forecast.
        actual: revenue that came after the as-of date.
        mean: forecast of it.
        variance: variance of independent deals.
    """

    months_ahead: int
    actual: float
    mean: float
    variance: float


def common_factor_weights(errors: list[PastError], months_ahead: int) -> Floats:
    """Return the probability of each value of ``GRID`` as the common factor's standard deviation.

    Args:
        errors: past errors; those of the same horizon count fully, of a neighbouring one by half.
        months_ahead: horizon to estimate for. Horizon 0 (the rest of a month) is taken as 1.

    Returns:
        [len(GRID)], sums to 1.
    """
    ahead = max(1, months_ahead)
    mode = _PRIOR_MODE + _PRIOR_GROWTH * (ahead - 1)
    # Rayleigh density: zero at 0, its mode at ``mode``.
    log_weight = np.log(np.maximum(GRID, 1e-3)) - GRID**2 / (2 * mode**2)
    for error in errors:
        distance = abs(error.months_ahead - ahead)
        if distance > 1 or error.mean <= 0:
            continue
        scale = np.sqrt(error.variance + (GRID * error.mean) ** 2 + 1e-12 * error.mean**2)
        standard = (error.actual - error.mean) / scale
        likelihood = -np.log(scale) - (_DEGREES + 1) / 2 * np.log1p(standard**2 / _DEGREES)
        log_weight = log_weight + likelihood * (1.0 if distance == 0 else 0.5)
    weights = np.exp(log_weight - log_weight.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def draw_common_factor(weights: Floats, draws: int, rng: Generator) -> Floats:
    """Draw the factor of one month: [draws], mean 1."""
    phi = GRID[rng.choice(len(GRID), size=draws, p=weights)]
    sigma = np.sqrt(np.log1p(phi**2))
    return np.asarray(np.exp(sigma * rng.standard_normal(draws) - sigma**2 / 2), dtype=np.float64)
