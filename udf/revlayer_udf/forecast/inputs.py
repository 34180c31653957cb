"""What a forecast is made of: scored open deals and the history of closed ones, as plain arrays."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.forecast.months import Days, Floats

ALL_SEGMENTS = "(all)"
UNKNOWN_SEGMENT = "Unknown"
# Standard normal quantile of 0.9: half the distance from p10 to p90 in standard deviations.
Z90 = 1.2815515655446004
# A wider lognormal than this has a third moment that says nothing about the next month.
MAX_SIGMA = 1.5


@dataclass(frozen=True)
class OpenDeals:
    """Open deals of one as-of date, scored.

    Attributes:
        as_of: the date they were open at the end of.
        segment: text [N].
        win_probability: [N], 0 to 1.
        value_mean: [N], value if won, reporting currency.
        value_sigma: [N], standard deviation of the log of the value.
        close_cdf: [N, 10], probability of winning within each of ``KNOT_DAYS`` days, given that it is won.
        created_on: datetime64[D] [N]; not-a-time where unknown.
    """

    as_of: date
    segment: NDArray[np.str_]
    win_probability: Floats
    value_mean: Floats
    value_sigma: Floats
    close_cdf: Floats
    created_on: Days

    def __len__(self) -> int:
        return len(self.win_probability)

    def cleaned(self) -> "OpenDeals":
        """Return the deals with every number in bounds and rows in an order of their content.

        Unusable numbers (null or infinite) count as no revenue, never as a null total. The order makes sums
        and draws independent of the order in which rows were read.
        """
        probability = np.clip(_finite(self.win_probability), 0.0, 1.0)
        value = np.maximum(_finite(self.value_mean), 0.0)
        sigma = np.clip(_finite(self.value_sigma), 0.0, MAX_SIGMA)
        cdf = np.maximum.accumulate(np.clip(_finite(self.close_cdf), 0.0, 1.0), axis=1)
        order = np.lexsort((cdf[:, 0], cdf[:, cdf.shape[1] // 2], cdf[:, -1], sigma, probability, value))
        return OpenDeals(
            self.as_of,
            self.segment[order],
            probability[order],
            value[order],
            sigma[order],
            cdf[order],
            self.created_on[order],
        )


@dataclass(frozen=True)
class ClosedDeals:
    """Closings of deals, with the days on which they were known so; those undone or corrected since included.

    Attributes:
        segment: text [N].
        created_on, created_known_on, closed_on: datetime64[D] [N].
        known_from_on, known_to_on: datetime64[D] [N], when this was known of the deal; the end is exclusive.
        is_won: [N].
        amount: [N], won amount in the reporting currency; 0 where it is lost or the amount is unknown.
    """

    segment: NDArray[np.str_]
    created_on: Days
    created_known_on: Days
    closed_on: Days
    known_from_on: Days
    known_to_on: Days
    is_won: NDArray[np.bool_]
    amount: Floats

    def __len__(self) -> int:
        return len(self.amount)

    def known_by(self, as_of: date) -> "ClosedDeals":
        """Return the deals that were known to be closed at the end of ``as_of``, as they were known then.

        Rows come in an order of their content.
        """
        day = np.datetime64(as_of)
        keep = np.flatnonzero((self.known_from_on <= day) & (self.known_to_on > day))
        keys = (self.created_on[keep], self.closed_on[keep], self.amount[keep])
        return self._take(keep[np.lexsort(keys)])

    def won(self) -> "ClosedDeals":
        """Return the won deals only."""
        return self._take(np.flatnonzero(self.is_won))

    def _take(self, rows: NDArray[np.intp]) -> "ClosedDeals":
        return ClosedDeals(
            self.segment[rows],
            self.created_on[rows],
            self.created_known_on[rows],
            self.closed_on[rows],
            self.known_from_on[rows],
            self.known_to_on[rows],
            self.is_won[rows],
            np.maximum(_finite(self.amount[rows]), 0.0),
        )


def sigma_of_interval(p10: Floats, p90: Floats) -> Floats:
    """Return the lognormal's standard deviation of the log from its 10 % and 90 % quantiles.

    Intervals that are not positive and ordered give 0.

    Source: ln(p90 / p10) = 2 z(0.9) sigma.
    """
    low, high = np.asarray(p10, dtype=np.float64), np.asarray(p90, dtype=np.float64)
    usable = np.isfinite(low) & np.isfinite(high) & (low > 0) & (high > low)
    ratio = np.divide(high, low, out=np.ones_like(high), where=usable)
    return np.asarray(np.log(ratio) / (2 * Z90), dtype=np.float64)


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
