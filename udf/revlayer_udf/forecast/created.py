"""Revenue from deals that do not exist yet: created after the as-of date and won within the horizon.

For past dates in the same position of their month, revenue won h months later from deals that were not known
then is counted, brought to today's level (growth of arrivals, season of the target month) and averaged with
weights that halve every year. Counts of won deals are Poisson around it, values lognormal. What the past
varies beyond that is a gamma factor common to all segments of a month; the error of the average itself is a
lognormal one, common to all months too, since one history stands behind them all.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator

from revlayer_udf.forecast.inputs import MAX_SIGMA, ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import (
    Floats,
    Ints,
    last_complete_month,
    month_number,
    month_of,
    month_start,
    shift_as_of,
)
from revlayer_udf.forecast.trend import monthly_growth, seasonal_factors

WINDOW_MONTHS = 24
_SEASON_MONTHS = 48
_HALF_LIFE_MONTHS = 12.0
# Won deals that the company's average counts for, beside a segment's own.
_SEGMENT_PRIOR_DEALS = 10.0
# Relative variance of the monthly level beyond Poisson, and the months of evidence it stands for.
_PRIOR_VARIANCE = 0.02
_PRIOR_MONTHS = 6.0
# Above this expected number of won deals a cell is drawn from its two moments.
_SIMULATED_WINS = 25.0


@dataclass(frozen=True)
class CreatedRevenue:
    """Revenue from deals not yet created.

    Attributes:
        mean: [segments, months].
        value_mean: [segments], mean value of a won deal.
        value_sigma: standard deviation of the log of a won deal's value.
        level_variance: [months], variance of the month's common factor (mean 1).
        error_variance: [months], variance of the factor of the average's own error (mean 1).
    """

    mean: Floats
    value_mean: Floats
    value_sigma: float
    level_variance: Floats
    error_variance: Floats

    @property
    def relative_variance(self) -> Floats:
        """Variance of the product of both common factors, [months]."""
        return np.asarray((1 + self.level_variance) * (1 + self.error_variance) - 1)

    @property
    def variance(self) -> Floats:
        """Variance of independent deals, [segments, months]: compound Poisson."""
        return np.asarray(self.mean * (self.value_mean * np.exp(self.value_sigma**2))[:, None])

    @property
    def third(self) -> Floats:
        """Third cumulant of independent deals, [segments, months]: compound Poisson, n E[V^3]."""
        return np.asarray(self.mean * (self.value_mean**2 * np.exp(3 * self.value_sigma**2))[:, None])

    def variance_of_total(self) -> Floats:
        """Return the variance of the sum over segments, [months]."""
        return np.asarray(self.variance.sum(axis=0) + self.relative_variance * self.mean.sum(axis=0) ** 2)

    def variance_of_segments(self) -> Floats:
        """Return the variance of each segment, [segments, months]."""
        return np.asarray(self.variance + self.relative_variance * self.mean**2)

    def draw_factors(self, draws: int, rng: Generator) -> Floats:
        """Draw the factor common to all segments: [months, draws], mean 1."""
        sigma = np.sqrt(np.log1p(self.error_variance))[:, None]
        factors = np.exp(sigma * rng.standard_normal(draws) - sigma**2 / 2)
        for month, variance in enumerate(self.level_variance):
            if variance > 1e-9:
                factors[month] *= rng.gamma(1.0 / variance, variance, draws)
        return np.asarray(factors)

    def draw_segment(self, segment: int, factors: Floats, rng: Generator) -> Floats:
        """Draw a segment's revenue given the common factors: [months, draws]."""
        value = self.value_mean[segment]
        revenue = np.zeros_like(factors)
        for month, mean in enumerate(self.mean[segment]):
            if mean > 0 and value > 0:
                wins = mean / value
                draw = self._simulate if wins <= _SIMULATED_WINS else self._match
                revenue[month] = draw(wins * factors[month], value, rng)
        return revenue

    def _simulate(self, wins: Floats, value: float, rng: Generator) -> Floats:
        counts = rng.poisson(wins)
        owner = np.repeat(np.arange(len(wins)), counts)
        center = np.log(value) - self.value_sigma**2 / 2
        values = np.exp(center + self.value_sigma * rng.standard_normal(len(owner)))
        return np.bincount(owner, values, minlength=len(wins)).astype(np.float64)

    def _match(self, wins: Floats, value: float, rng: Generator) -> Floats:
        # Gamma with the compound Poisson's mean n v and variance n E[V^2].
        scale = value * np.exp(self.value_sigma**2)
        return np.asarray(rng.standard_gamma(np.maximum(wins * value / scale, 1e-9)) * scale)


def created_revenue(
    closed: ClosedDeals, open_deals: OpenDeals, as_of: date, segments: list[str], horizon: int
) -> CreatedRevenue:
    """Estimate revenue from deals not yet created at ``as_of``.

    Args:
        closed: deals known to be closed by ``as_of``.
        open_deals: deals open at ``as_of``; their creation dates complete the count of arrivals.
        as_of: the as-of date.
        segments: names, in the order of the result.
        horizon: months after the one of ``as_of``.
    """
    won = closed.won()
    mean, error = np.zeros(horizon + 1), np.zeros(horizon + 1)
    level = np.full(horizon + 1, _PRIOR_VARIANCE)
    shares, value, sigma = _values(won, as_of, segments)
    if len(won) and value.any():
        samples = _samples(won, closed, open_deals, as_of, horizon)
        typical = float((shares * value * np.exp(sigma**2)).sum())
        for ahead, (revenue, age) in enumerate(samples):
            mean[ahead], level[ahead], error[ahead] = _level(revenue, age, typical)
    return CreatedRevenue(shares[:, None] * mean, value, sigma, level, error)


def _level(revenue: Floats, age: Floats, second_moment_ratio: float) -> tuple[float, float, float]:
    """Return the weighted mean and the relative variances of a month's level and of the mean's error."""
    if not len(revenue) or revenue.sum() <= 0:
        return 0.0, _PRIOR_VARIANCE, 0.0
    weights = 0.5 ** (age / _HALF_LIFE_MONTHS)
    mean = float(np.average(revenue, weights=weights))
    effective = weights.sum() ** 2 / (weights**2).sum()
    spread = float(np.average((revenue - mean) ** 2, weights=weights)) * effective / max(1.0, effective - 1.0)
    beyond = max(0.0, spread - mean * second_moment_ratio) / mean**2
    level = (_PRIOR_MONTHS * _PRIOR_VARIANCE + effective * min(beyond, 1.0)) / (_PRIOR_MONTHS + effective)
    error = min(1.0, (mean * second_moment_ratio / mean**2 + level) / effective)
    return mean, level, error


def _samples(
    won: ClosedDeals, closed: ClosedDeals, open_deals: OpenDeals, as_of: date, horizon: int
) -> list[tuple[Floats, Floats]]:
    """Return, for each month ahead, past revenue at today's level and its age in months."""
    arrivals = np.concatenate([closed.created_on, open_deals.created_on])
    arrivals = arrivals[~np.isnat(arrivals)]
    now, complete = month_number(as_of), last_complete_month(as_of)
    target, known = month_of(won.closed_on), won.created_known_on
    first = int(month_of(arrivals).min()) if len(arrivals) else now
    start = max(first + 1, complete - WINDOW_MONTHS + 1)
    growth = monthly_growth(_monthly(month_of(arrivals), start, complete))
    season = _season(won, first, complete)
    # Dates before the history began would count deals that existed already.
    back = [j for j in range(1, WINDOW_MONTHS + horizon + 1) if month_number(shift_as_of(as_of, -j)) >= first]
    unknown_then = {j: known > np.datetime64(shift_as_of(as_of, -j)) for j in back}
    samples = []
    for ahead in range(horizon + 1):
        usable = [j for j in back if complete - WINDOW_MONTHS < now - j + ahead <= complete]
        goal = season[(now + ahead) % 12]
        revenue = [
            float(won.amount[unknown_then[j] & (target == now - j + ahead)].sum())
            * float(np.exp(growth * j))
            * goal
            / season[(now - j + ahead) % 12]
            for j in usable
        ]
        samples.append((np.array(revenue), np.array(usable, dtype=np.float64)))
    return samples


def _season(won: ClosedDeals, first: int, complete: int) -> Floats:
    # A company's first months fill its pipeline: they say nothing about the season.
    start = max(first + 3, complete - _SEASON_MONTHS + 1)
    months = month_of(won.closed_on)
    return seasonal_factors(_monthly(months, start, complete, won.amount), start)


def _monthly(months: Ints, start: int, stop: int, amounts: Floats | None = None) -> Floats:
    """Return the count, or sum of amounts, of months ``start`` to ``stop``."""
    inside = (months >= start) & (months <= stop)
    weights = None if amounts is None else amounts[inside]
    return np.bincount(months[inside] - start, weights, minlength=max(0, stop - start + 1)).astype(np.float64)


def _values(won: ClosedDeals, as_of: date, segments: list[str]) -> tuple[Floats, Floats, float]:
    """Return each segment's share of revenue, its mean won value, and the spread of the log of a value."""
    since = np.datetime64(month_start(max(0, month_number(as_of) - WINDOW_MONTHS)))
    usable = (won.closed_on >= since) & (won.amount > 0)
    amount = won.amount[usable]
    codes = np.searchsorted(segments, won.segment[usable])
    count = np.bincount(codes, minlength=len(segments)).astype(np.float64)
    if not len(amount):
        return np.zeros(len(segments)), np.zeros(len(segments)), 0.0
    total = np.bincount(codes, amount, minlength=len(segments))
    value = (total + _SEGMENT_PRIOR_DEALS * amount.mean()) / (count + _SEGMENT_PRIOR_DEALS)
    shares = count * value / (count * value).sum()
    residual = np.log(amount) - np.log(value)[codes]
    # One deal has no spread of its own: two pseudo-deals of a spread of 0.8 stand beside the evidence.
    variance = (residual.var() * len(amount) + 2 * 0.8**2) / (len(amount) + 2)
    return shares, value, float(min(np.sqrt(variance), MAX_SIGMA))
