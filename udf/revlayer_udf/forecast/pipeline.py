"""Revenue from open deals: exact moments by month and segment, and draws.

A deal adds its value V to month m with probability p x q(m), and never to two months. With raw moments
E[X^k] = p q E[V^k] and a lognormal V, the first three cumulants of a sum of independent deals are sums over
deals, so means are exact for any number of deals. Draws simulate every deal while that is cheap; beyond, a
segment's sum is drawn from the gamma distribution shifted to the same three cumulants (Pearson type III).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from revlayer_udf.forecast.inputs import OpenDeals
from revlayer_udf.forecast.months import Floats, Ints
from revlayer_udf.targets import CLOSE_DAYS

KNOT_DAYS = CLOSE_DAYS
# Rows whose month probabilities are held at once.
_ROWS = 100_000
# Deal-draws held at once while deals are simulated.
_CELLS = 2_000_000
# Above this many deals in a segment the sum is drawn from its cumulants.
SIMULATED_DEALS = 2_000


@dataclass(frozen=True)
class Cumulants:
    """First three cumulants of revenue, each [segments, months]."""

    mean: Floats
    variance: Floats
    third: Floats


def month_probabilities(close_cdf: Floats, days_to_ends: Floats) -> Floats:
    """Return the probability of winning in each month, given that the deal is won.

    Args:
        close_cdf: [N, 10], probability of winning within each of ``KNOT_DAYS``.
        days_to_ends: [M], days from the as-of date to each month's end, rising.

    Returns:
        [N, M]. Linear between knots from 0 at day 0; what lies beyond the last knot belongs to no month.
    """
    knots = np.array((0, *KNOT_DAYS), dtype=np.float64)
    # Interpolation on shared knots is linear in the values at the knots: one matrix for all deals.
    weights = np.stack([np.interp(days_to_ends, knots, unit) for unit in np.eye(len(knots))])[1:]
    return np.asarray(np.diff(close_cdf @ weights, axis=1, prepend=0.0).clip(min=0.0), dtype=np.float64)


def revenue_cumulants(deals: OpenDeals, codes: Ints, segments: int, days_to_ends: Floats) -> Cumulants:
    """Return the cumulants of revenue from open deals.

    Args:
        deals: cleaned deals.
        codes: [N], segment number of each deal.
        segments: how many segments there are.
        days_to_ends: [M], days to each month's end.
    """
    months = len(days_to_ends)
    sums = np.zeros((3, months, segments))
    for start in range(0, len(deals), _ROWS):
        rows = slice(start, start + _ROWS)
        joint = deals.win_probability[rows, None] * month_probabilities(deals.close_cdf[rows], days_to_ends)
        value, growth = deals.value_mean[rows], np.exp(deals.value_sigma[rows] ** 2)
        powers = (value, value**2 * growth, value**3 * growth**3)
        for month in range(months):
            first, second, third = (joint[:, month] * power for power in powers)
            cumulants = (first, second - first**2, third - 3 * second * first + 2 * first**3)
            for order, cumulant in enumerate(cumulants):
                sums[order, month] += np.bincount(codes[rows], cumulant, minlength=segments)
    return Cumulants(sums[0].T, np.maximum(sums[1].T, 0.0), sums[2].T)


def draw_segment(
    deals: OpenDeals,
    rows: Ints,
    cumulants: Cumulants,
    segment: int,
    days_to_ends: Floats,
    draws: int,
    rng: Generator,
) -> Floats:
    """Draw a segment's revenue from open deals.

    Args:
        deals: cleaned deals.
        rows: row numbers of the segment's deals.
        cumulants: of all segments.
        segment: number of the segment.
        days_to_ends: [M].
        draws: how many.
        rng: source of randomness.

    Returns:
        [M, draws].
    """
    if len(rows) <= SIMULATED_DEALS:
        return _simulate(deals, rows, days_to_ends, draws, rng)
    parts = (cumulants.mean[segment], cumulants.variance[segment], cumulants.third[segment])
    return np.stack([draw_shifted_gamma(*moments, draws, rng) for moments in zip(*parts, strict=True)])


def draw_shifted_gamma(mean: float, variance: float, third: float, draws: int, rng: Generator) -> Floats:
    """Draw from the gamma distribution shifted to three cumulants; never below 0.

    Source: Pearson type III; shape 4 / skewness^2, with skewness = third / variance^1.5.
    """
    if variance <= 0:
        return np.full(draws, mean)
    skewness = max(third / variance**1.5, 1e-3)
    shape = 4.0 / skewness**2
    standard = (rng.standard_gamma(shape, draws) - shape) / np.sqrt(shape)
    return np.asarray(np.maximum(mean + np.sqrt(variance) * standard, 0.0), dtype=np.float64)


def _simulate(deals: OpenDeals, rows: Ints, days_to_ends: Floats, draws: int, rng: Generator) -> Floats:
    months = len(days_to_ends)
    shares = month_probabilities(deals.close_cdf[rows], days_to_ends)
    until = np.cumsum(deals.win_probability[rows, None] * shares, axis=1)
    sigma = deals.value_sigma[rows]
    center = np.log(np.maximum(deals.value_mean[rows], 1e-12)) - sigma**2 / 2
    revenue = np.zeros((draws, months))
    for part in _chunks(draws, max(1, _CELLS // max(1, len(rows)))):
        uniform = rng.random((part.stop - part.start, len(rows)))
        draw, deal = np.nonzero(uniform < until[:, -1])
        month = (uniform[draw, deal, None] >= until[deal]).sum(axis=1)
        value = np.exp(center[deal] + sigma[deal] * rng.standard_normal(len(deal)))
        cells = np.bincount(draw * months + month, value, minlength=(part.stop - part.start) * months)
        revenue[part] = cells.reshape(-1, months)
    return revenue.T


def _chunks(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))
