"""The forecast: parts, their sum and its distribution. Arrays in, arrays out; no database, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from revlayer_udf.forecast.distribution import (
    PROBABILITIES,
    Distribution,
    Spreads,
    draw_distribution,
    estimate_spreads,
)
from revlayer_udf.forecast.inputs import ALL_SEGMENTS, ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import Floats, Ints, month_number, quarter_start
from revlayer_udf.forecast.parts import Parts, make_parts, past_errors


@dataclass(frozen=True)
class Forecast:
    """Forecast of won revenue; the first row of every array is the total, ``(all)``.

    Attributes:
        as_of: the as-of date.
        months: [M], month numbers, from the month of ``as_of``.
        quarters: [Q], month numbers of the first months of quarters, from the one of ``as_of``; whole ones only.
        segments: [S + 1], ``(all)`` first.
        closed, open_mean, created_mean: [S + 1, M], the parts; each total is the sum of its segments.
        distribution: quantiles of the sum of the parts, by month, quarter and of all months.
        deals: cleaned open deals.
        parts, spreads: what it was drawn from.
    """

    as_of: date
    months: Ints
    quarters: Ints
    segments: list[str]
    closed: Floats
    open_mean: Floats
    created_mean: Floats
    distribution: Distribution
    deals: OpenDeals
    parts: Parts
    spreads: Spreads

    @property
    def mean(self) -> Floats:
        """Sum of the three parts, [S + 1, M]."""
        return self.closed + self.open_mean + self.created_mean

    @property
    def quarter_mean(self) -> Floats:
        """The same of whole quarters, with what closed in months that are over, [S + 1, Q]."""
        starts = self.quarters[:, None]
        belongs = ((self.months >= starts) & (self.months < starts + 3)).astype(np.float64)
        means = self.mean @ belongs.T
        means[:, :1] += with_total(self.parts.closed_before[:, None])
        return means

    def quantile(self, probability: float) -> Floats:
        """Return a quantile of the months, [S + 1, M]; the probability is one of ``PROBABILITIES``."""
        return self.distribution.months[:, :, probability_index(probability)]

    @property
    def p10(self) -> Floats:
        """10 % quantile, [S + 1, M]."""
        return self.quantile(0.1)

    @property
    def p50(self) -> Floats:
        """Median, [S + 1, M]."""
        return self.quantile(0.5)

    @property
    def p90(self) -> Floats:
        """90 % quantile, [S + 1, M]."""
        return self.quantile(0.9)


def forecast(
    open_deals: OpenDeals,
    closed_deals: ClosedDeals,
    *,
    horizon: int = 12,
    past: Sequence[Parts] = (),
    draws: int = 4000,
    seed: int = 0,
    fiscal_start_month: int = 1,
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
        fiscal_start_month: month the fiscal year begins in, 1 to 12: where quarters begin.
    """
    deals = open_deals.cleaned()
    now = month_number(deals.as_of)
    first = quarter_start(now, fiscal_start_month)
    parts = make_parts(deals, closed_deals, horizon, first)
    spreads = estimate_spreads(past_errors(past, closed_deals, deals.as_of), horizon + 1)
    months = now + np.arange(horizon + 1)
    quarters = first + 3 * np.arange((now + horizon + 1 - first) // 3)
    number = (months - first) // 3
    quarter_of_month = np.where(number < len(quarters), number, -1)
    distribution = draw_distribution(deals, parts, spreads, quarter_of_month, draws, seed)
    return Forecast(
        deals.as_of,
        months,
        quarters,
        [ALL_SEGMENTS, *parts.segments],
        with_total(parts.closed),
        with_total(parts.open_deals.mean),
        with_total(parts.created.mean),
        distribution,
        deals,
        parts,
        spreads,
    )


def forecast_parts(open_deals: OpenDeals, closed_deals: ClosedDeals, horizon: int = 12) -> Parts:
    """Return the parts of a forecast, using only what was known by the as-of date of the open deals."""
    return make_parts(open_deals.cleaned(), closed_deals, horizon, month_number(open_deals.as_of))


def probability_index(probability: float) -> int:
    """Return the place of a probability in ``PROBABILITIES``."""
    return int(np.flatnonzero(np.isclose(PROBABILITIES, probability))[0])


def with_total(parts: Floats) -> Floats:
    """Put the sum of the segments before them."""
    return np.vstack([parts.sum(axis=0), parts])
