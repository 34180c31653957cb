"""The distribution of a forecast: joint draws over segments and months, kept as quantiles of months and quarters."""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator, default_rng

from revlayer_udf.forecast import spread
from revlayer_udf.forecast.inputs import ALL_SEGMENTS, OpenDeals
from revlayer_udf.forecast.months import Floats, Ints, days_to_month_ends
from revlayer_udf.forecast.parts import Parts
from revlayer_udf.forecast.pipeline import draw_segment

# Probabilities at which a distribution is kept: every hundredth, and the ends of the 95 and 99 % intervals.
PROBABILITIES = np.round(np.sort(np.r_[0.005, 0.025, np.arange(1, 100) / 100, 0.975, 0.995]), 3)


@dataclass(frozen=True)
class Spreads:
    """What no single deal explains, learnt from past errors.

    Attributes:
        common: [M, grid], probability of each standard deviation of the month's common factor.
        own: [M, grid], the same of the segments' own factors.
        correlation: probability of each correlation between months.
    """

    common: Floats
    own: Floats
    correlation: Floats


@dataclass(frozen=True)
class Distribution:
    """Quantiles of revenue at ``PROBABILITIES``; the first row is the total.

    Attributes:
        months: [S + 1, M, P].
        quarters: [S + 1, Q, P], of whole quarters, with what closed in months of them that are over.
        horizon: [S + 1, P], of the sum of all months.
    """

    months: Floats
    quarters: Floats
    horizon: Floats


def estimate_spreads(errors: list[spread.PastError], months: int) -> Spreads:
    """Learn the common and the segments' factors of each month, and how months hang together."""
    own = [spread.segment_factor_weights(errors, ahead) for ahead in range(months)]
    common = [
        spread.common_factor_weights(errors, ahead, float(np.sqrt(spread.expected_square(own[ahead]))))
        for ahead in range(months)
    ]
    sizes = np.sqrt([spread.expected_square(weights) for weights in common])
    return Spreads(np.stack(common), np.stack(own), spread.correlation_weights(errors, sizes))


def draw_distribution(
    deals: OpenDeals, parts: Parts, spreads: Spreads, quarter_of_month: Ints, draws: int, seed: int
) -> Distribution:
    """Draw every segment and keep the quantiles of months and quarters.

    Args:
        deals: cleaned deals.
        parts: their parts.
        quarter_of_month: [M], number of the quarter, from 0, that a month belongs to; -1 for none.
        draws: size of the sample.
        seed: same inputs and seed give the same draws.
    """
    months = parts.closed.shape[1]
    days = days_to_month_ends(deals.as_of, months - 1)
    rng = _generator(seed, deals.as_of, ALL_SEGMENTS)
    # One uniform number serves all months: a draw with a wide factor is wide throughout.
    wide, wide_own = rng.random(draws), rng.random(draws)
    correlation = spread.CORRELATIONS[rng.choice(len(spread.CORRELATIONS), size=draws, p=spreads.correlation)]
    common = spread.draw_factors(_drawn(spreads.common, wide), correlation, rng)
    own_spread = _drawn(spreads.own, wide_own)
    created_factors = parts.created.draw_factors(draws, rng)
    quarters = np.arange(int(quarter_of_month.max(initial=-1)) + 1)
    belongs = (quarters[:, None] == quarter_of_month[None, :]).astype(np.float64)
    total, total_before = np.zeros((months, draws)), parts.closed_before.sum()
    codes = parts.codes(deals)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(parts.segments) + 1))
    rows = []
    for number, segment in enumerate(parts.segments):
        own = _generator(seed, deals.as_of, segment)
        members = order[bounds[number] : bounds[number + 1]]
        revenue = draw_segment(deals, members, parts.open_deals, number, days, draws, own)
        revenue = (revenue + parts.created.draw_segment(number, created_factors, own)) * common
        revenue *= spread.draw_factors(own_spread, correlation, own)
        revenue += parts.closed[number][:, None]
        total += revenue
        rows.append(_quantiles(revenue, belongs, parts.closed_before[number]))
    rows.insert(0, _quantiles(total, belongs, total_before))
    return Distribution(*(np.stack(quantiles) for quantiles in zip(*rows, strict=True)))


def share_below(quantiles: Floats, amounts: Floats) -> Floats:
    """Return the probability of at most an amount, by the quantiles at ``PROBABILITIES``.

    Args:
        quantiles: [K, P], rising.
        amounts: [K].

    Returns:
        [K]; linear between quantiles, half of what lies on one amount, 0 and 1 outside of all quantiles.
    """
    result = np.empty(len(amounts))
    for row, (held, amount) in enumerate(zip(quantiles, amounts, strict=True)):
        low, high = np.searchsorted(held, amount, "left"), np.searchsorted(held, amount, "right")
        if low < high:
            bottom = 0.0 if low == 0 else PROBABILITIES[low]
            top = 1.0 if high == len(held) else PROBABILITIES[high - 1]
            result[row] = (bottom + top) / 2
        else:
            result[row] = np.interp(amount, held, PROBABILITIES, left=0.0, right=1.0)
    return result


def _drawn(weights: Floats, uniform: Floats) -> Floats:
    return np.stack([spread.draw_spread(month, uniform) for month in weights])


def _quantiles(revenue: Floats, belongs: Floats, closed_before: float) -> tuple[Floats, Floats, Floats]:
    quarters = belongs @ revenue
    quarters[:1] += closed_before
    return (
        np.quantile(revenue, PROBABILITIES, axis=1).T,
        np.quantile(quarters, PROBABILITIES, axis=1).T if len(quarters) else np.zeros((0, len(PROBABILITIES))),
        np.quantile(revenue.sum(axis=0), PROBABILITIES),
    )


def _generator(seed: int, as_of: date, segment: str) -> Generator:
    # A stream per segment: a segment's draws do not depend on which other segments exist.
    return default_rng([seed, as_of.toordinal(), zlib.crc32(segment.encode())])
