"""The forecast: parts, their sum and its distribution. Arrays in, arrays out; no database, no clock."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator, default_rng

from revlayer_udf.forecast.created import CreatedRevenue, created_revenue
from revlayer_udf.forecast.inputs import ALL_SEGMENTS, ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import (
    Floats,
    Ints,
    days_to_month_ends,
    last_complete_month,
    month_number,
    month_of,
)
from revlayer_udf.forecast.pipeline import Cumulants, draw_segment, revenue_cumulants
from revlayer_udf.forecast.spread import PastError, common_factor_weights, draw_common_factor

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Parts:
    """Expected revenue by part, each [segments, months], of one as-of date."""

    as_of: date
    segments: list[str]
    closed: Floats
    open_deals: Cumulants
    created: CreatedRevenue

    @property
    def remaining_mean(self) -> Floats:
        """Revenue still to come."""
        return self.open_deals.mean + self.created.mean


@dataclass(frozen=True)
class Forecast:
    """Forecast of won revenue; the first row of every array is the total, ``(all)``.

    Attributes:
        as_of: the as-of date.
        months: [M], month numbers, from the month of ``as_of``.
        segments: [S + 1], ``(all)`` first.
        closed, open_mean, created_mean: [S + 1, M], the parts; each total is the sum of its segments.
        p10, p50, p90: [S + 1, M], of the sum of the parts.
    """

    as_of: date
    months: Ints
    segments: list[str]
    closed: Floats
    open_mean: Floats
    created_mean: Floats
    p10: Floats
    p50: Floats
    p90: Floats

    @property
    def mean(self) -> Floats:
        """Sum of the three parts, [S + 1, M]."""
        return self.closed + self.open_mean + self.created_mean


def forecast(
    open_deals: OpenDeals,
    closed_deals: ClosedDeals,
    *,
    horizon: int = 12,
    past: Sequence[Parts] = (),
    draws: int = 4000,
    seed: int = 0,
) -> Forecast:
    """Forecast won revenue of the as-of date's month and the next ``horizon`` months.

    Args:
        open_deals: scored deals open at their as-of date D.
        closed_deals: history; rows not known by D are not used.
        horizon: months after the month of D.
        past: parts of forecasts of earlier as-of dates, whose errors known by D set the common spread. The
            dates should lie after everything the scores were trained on.
        draws: size of the sample behind the quantiles.
        seed: same inputs and seed give the same forecast, whatever the order of rows.
    """
    deals = open_deals.cleaned()
    parts = _parts(deals, closed_deals, horizon)
    errors = past_errors(past, closed_deals, open_deals.as_of)
    quantiles = _quantiles(deals, parts, errors, draws, seed)
    return Forecast(
        open_deals.as_of,
        month_number(open_deals.as_of) + np.arange(horizon + 1),
        [ALL_SEGMENTS, *parts.segments],
        _with_total(parts.closed),
        _with_total(parts.open_deals.mean),
        _with_total(parts.created.mean),
        *quantiles,
    )


def forecast_parts(open_deals: OpenDeals, closed_deals: ClosedDeals, horizon: int = 12) -> Parts:
    """Return the parts of a forecast, using only what was known by the as-of date of the open deals."""
    return _parts(open_deals.cleaned(), closed_deals, horizon)


def past_errors(past: Sequence[Parts], closed_deals: ClosedDeals, as_of: date) -> list[PastError]:
    """Return how earlier forecasts missed the months that are complete and known by ``as_of``."""
    won = closed_deals.known_by(as_of).won()
    months = month_of(won.closed_on)
    errors = []
    for parts in past:
        first = month_number(parts.as_of)
        mean, variance = parts.remaining_mean.sum(axis=0), _independent_variance(parts)
        known = min(len(mean) - 1, last_complete_month(as_of) - first) if parts.as_of < as_of else 0
        for ahead in range(1, known + 1):
            actual = float(won.amount[months == first + ahead].sum() - parts.closed[:, ahead].sum())
            errors.append(PastError(ahead, actual, float(mean[ahead]), float(variance[ahead])))
    return errors


def _parts(deals: OpenDeals, closed_deals: ClosedDeals, horizon: int) -> Parts:
    as_of = deals.as_of
    known = closed_deals.known_by(as_of)
    segments = sorted({*np.unique(deals.segment).tolist(), *np.unique(known.segment).tolist()})
    cumulants = revenue_cumulants(deals, _codes(segments, deals), len(segments), days_to_month_ends(as_of, horizon))
    won = known.won()
    closed = np.zeros((len(segments), horizon + 1))
    ahead = month_of(won.closed_on) - month_number(as_of)
    inside = (ahead >= 0) & (ahead <= horizon)
    np.add.at(closed, (np.searchsorted(segments, won.segment[inside]), ahead[inside]), won.amount[inside])
    created = created_revenue(known, deals, as_of, segments, horizon)
    return Parts(as_of, segments, closed, cumulants, created)


def _codes(segments: list[str], deals: OpenDeals) -> Ints:
    if not segments:
        return np.zeros(0, dtype=np.int64)
    return np.searchsorted(segments, deals.segment).astype(np.int64)


def _independent_variance(parts: Parts) -> Floats:
    return np.asarray(parts.open_deals.variance.sum(axis=0) + parts.created.variance_of_total())


def _quantiles(
    deals: OpenDeals, parts: Parts, errors: list[PastError], draws: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return p10, p50 and p90, each [S + 1, M], from joint draws over segments."""
    months = parts.closed.shape[1]
    days = days_to_month_ends(deals.as_of, months - 1)
    rng = _generator(seed, deals.as_of, ALL_SEGMENTS)
    common = np.stack([draw_common_factor(common_factor_weights(errors, ahead), draws, rng) for ahead in range(months)])
    created_factors = parts.created.draw_factors(draws, rng)
    total = np.zeros((months, draws))
    rows = []
    codes = _codes(parts.segments, deals)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(parts.segments) + 1))
    for number, segment in enumerate(parts.segments):
        own = _generator(seed, deals.as_of, segment)
        members = order[bounds[number] : bounds[number + 1]]
        revenue = draw_segment(deals, members, parts.open_deals, number, days, draws, own)
        revenue = (revenue + parts.created.draw_segment(number, created_factors, own)) * common
        revenue += parts.closed[number][:, None]
        total += revenue
        rows.append(np.quantile(revenue, QUANTILES, axis=1))
    stacked = np.stack([np.quantile(total, QUANTILES, axis=1), *rows])
    return stacked[:, 0], stacked[:, 1], stacked[:, 2]


def _generator(seed: int, as_of: date, segment: str) -> Generator:
    # A stream per segment: a segment's draws do not depend on which other segments exist.
    return default_rng([seed, as_of.toordinal(), zlib.crc32(segment.encode())])


def _with_total(parts: Floats) -> Floats:
    return np.vstack([parts.sum(axis=0), parts])
