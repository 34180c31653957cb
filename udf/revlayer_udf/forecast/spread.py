"""Spread that no single deal explains: learnt from how past forecasts missed.

Every deal of a month shares one lognormal factor with mean 1, and every deal of a segment and month another
one. Their standard deviations, phi and psi, have priors, and past forecast errors known by the as-of date
update them on a grid: error ~ Student t with scale sqrt(variance of independent deals + spread^2 mean^2).
phi is learnt from totals, psi from how segments missed beside their total, where phi cancels out. Draws sample
both from the result, so few past errors leave a wider interval and many a fitting one.

Factors of different months of one forecast correlate by rho: what a model gets wrong it gets wrong for more
than a month. rho is learnt from errors of one forecast in several months.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from revlayer_udf.forecast.months import Floats

GRID = np.arange(0.0, 1.01, 0.025)
# Most likely phi before any evidence, one month ahead, and its growth per further month.
_PRIOR_MODE = 0.1
_PRIOR_GROWTH = 0.01
# Most likely psi before any evidence: segments are taken for alike until their errors say otherwise.
_SEGMENT_PRIOR_MODE = 0.05
# Tails of the error's distribution: one freak month does not set the width of all.
_DEGREES = 6.0


# Correlations between months that are weighed against one another, all as likely before any evidence.
CORRELATIONS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.95])
# Month ends share most of the months they forecast: three of them tell about as much of rho as one.
_CORRELATION_WEIGHT = 1.0 / 3.0
_CORRELATED_MONTHS = 3


@dataclass(frozen=True)
class PastError:
    """A past forecast of one month against what came.

    Attributes:
        origin: month number of the forecast's as-of date.
        months_ahead: horizon of the forecast.
        actual: [segments], revenue that came after the as-of date.
        mean: [segments], forecast of it.
        variance: [segments], variance of independent deals.
        total_variance: the same of the sum, with what segments share.
    """

    origin: int
    months_ahead: int
    actual: Floats
    mean: Floats
    variance: Floats
    total_variance: float


def segment_factor_weights(errors: list[PastError], months_ahead: int) -> Floats:
    """Return the probability of each value of ``GRID`` as the standard deviation of the segments' own factors.

    A segment's error less its share of the total's has the variance of independent segments, whatever all share.

    Returns:
        [len(GRID)], sums to 1. Without two segments that were forecast there is nothing of a segment's own: 0.
    """
    ahead = max(1, months_ahead)
    log_weight = _rayleigh(_SEGMENT_PRIOR_MODE)
    several = False
    for error, counted in _near(errors, ahead):
        used = error.mean > 0
        if used.sum() < 2:
            continue
        several = True
        mean, share = error.mean[used], error.mean[used] / error.mean[used].sum()
        missed = error.actual[used] - mean
        own = error.variance[used][:, None] + (GRID[None, :] * mean[:, None]) ** 2
        rest = own.sum(axis=0) - own
        variance = own * (1 - share[:, None]) ** 2 + rest * share[:, None] ** 2
        likelihood = _log_student(missed - share * missed.sum(), variance + 1e-12 * mean.sum() ** 2)
        # The differences sum to zero: one of them is known from the others.
        log_weight = log_weight + counted * likelihood.sum(axis=0) * (1 - 1 / used.sum())
    if not several:
        log_weight = np.where(GRID == 0, 0.0, -np.inf)
    return _normalised(log_weight)


def common_factor_weights(errors: list[PastError], months_ahead: int, segment_spread: float = 0.0) -> Floats:
    """Return the probability of each value of ``GRID`` as the common factor's standard deviation.

    Args:
        errors: past errors; those of the same horizon count fully, of a neighbouring one by half.
        months_ahead: horizon to estimate for. Horizon 0 (the rest of a month) is taken as 1.
        segment_spread: standard deviation of the segments' own factors, which explains a part.

    Returns:
        [len(GRID)], sums to 1.
    """
    ahead = max(1, months_ahead)
    log_weight = _rayleigh(_PRIOR_MODE + _PRIOR_GROWTH * (ahead - 1))
    for error, counted in _near(errors, ahead):
        mean = float(error.mean.sum())
        if mean > 0:
            variance = error.total_variance + segment_spread**2 * float((error.mean**2).sum())
            missed = np.array([error.actual.sum() - mean])
            log_weight += counted * _log_student(missed, (variance + (GRID * mean) ** 2 + 1e-12 * mean**2)[None, :])[0]
    return _normalised(log_weight)


def correlation_weights(errors: list[PastError], spreads: Floats) -> Floats:
    """Return the probability of each of ``CORRELATIONS`` between the factors of different months.

    Args:
        errors: past errors; those of the first three months of one forecast are taken together.
        spreads: [M], standard deviation of the common factor by months ahead.
    """
    log_weight = np.zeros(len(CORRELATIONS))
    for origin in sorted({error.origin for error in errors}):
        own = [e for e in errors if e.origin == origin and e.months_ahead <= _CORRELATED_MONTHS and e.mean.sum() > 0]
        if len(own) < 2:
            continue
        factor = np.array([spreads[min(e.months_ahead, len(spreads) - 1)] * e.mean.sum() for e in own])
        missed = np.array([e.actual.sum() - e.mean.sum() for e in own])
        alone = np.diag([e.total_variance + 1e-12 * e.mean.sum() ** 2 for e in own])
        for place, rho in enumerate(CORRELATIONS):
            shared = np.where(np.eye(len(own), dtype=bool), 1.0, rho)
            covariance = alone + np.outer(factor, factor) * shared
            distance = float(missed @ np.linalg.solve(covariance, missed))
            density = -np.linalg.slogdet(covariance)[1] / 2
            density -= (_DEGREES + len(own)) / 2 * np.log1p(distance / _DEGREES)
            log_weight[place] += _CORRELATION_WEIGHT * density
    return _normalised(log_weight)


def expected_square(weights: Floats) -> float:
    """Return the mean of the squared standard deviation: the factor's relative variance."""
    return float(weights @ GRID**2)


def draw_spread(weights: Floats, uniform: Floats) -> Floats:
    """Return the standard deviation at each uniform number, [draws]: one number serves several months alike."""
    return np.asarray(GRID[np.minimum(np.searchsorted(np.cumsum(weights), uniform, side="right"), len(GRID) - 1)])


def draw_factors(spreads: Floats, correlation: Floats, rng: Generator) -> Floats:
    """Draw lognormal factors with mean 1 whose logs correlate between months.

    Args:
        spreads: [M, draws], standard deviations.
        correlation: [draws].

    Returns:
        [M, draws].
    """
    months, draws = spreads.shape
    shared = np.sqrt(correlation) * rng.standard_normal(draws)
    own = np.sqrt(1.0 - correlation) * rng.standard_normal((months, draws))
    sigma = np.sqrt(np.log1p(spreads**2))
    return np.asarray(np.exp(sigma * (shared + own) - sigma**2 / 2), dtype=np.float64)


def _near(errors: list[PastError], ahead: int) -> list[tuple[PastError, float]]:
    """Errors of the horizon and of its neighbours, with what they count."""
    distances = ((error, abs(error.months_ahead - ahead)) for error in errors)
    return [(error, 1.0 if distance == 0 else 0.5) for error, distance in distances if distance <= 1]


def _rayleigh(mode: float) -> Floats:
    # Zero at 0, highest at its mode.
    return np.asarray(np.log(np.maximum(GRID, 1e-3)) - GRID**2 / (2 * mode**2))


def _log_student(missed: Floats, variance: Floats) -> Floats:
    """Log density, up to a constant, of errors [K] for variances [K, grid]."""
    scaled = missed[:, None] ** 2 / variance
    return np.asarray(-np.log(variance) / 2 - (_DEGREES + 1) / 2 * np.log1p(scaled / _DEGREES))


def _normalised(log_weight: Floats) -> Floats:
    weights = np.exp(log_weight - log_weight.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
