"""Expected revenue by part, of one as-of date, and how the parts of earlier dates missed what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from revlayer_udf.forecast.created import CreatedRevenue, created_revenue
from revlayer_udf.forecast.inputs import ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import (
    Floats,
    Ints,
    days_to_month_ends,
    last_complete_month,
    month_number,
    month_of,
)
from revlayer_udf.forecast.pipeline import Cumulants, revenue_cumulants
from revlayer_udf.forecast.spread import PastError


@dataclass(frozen=True)
class Parts:
    """Expected revenue by part, each [segments, months], of one as-of date.

    Attributes:
        closed: won in a month, known by the as-of date.
        closed_before: [segments], won in months of the as-of date's quarter before its month.
    """

    as_of: date
    segments: list[str]
    closed: Floats
    closed_before: Floats
    open_deals: Cumulants
    created: CreatedRevenue

    @property
    def remaining_mean(self) -> Floats:
        """Revenue still to come."""
        return self.open_deals.mean + self.created.mean

    def codes(self, deals: OpenDeals) -> Ints:
        """Return the number of each deal's segment."""
        if not self.segments:
            return np.zeros(0, dtype=np.int64)
        return np.searchsorted(self.segments, deals.segment).astype(np.int64)


def make_parts(deals: OpenDeals, closed_deals: ClosedDeals, horizon: int, quarter_start: int) -> Parts:
    """Return the parts of a forecast, using only what was known by the as-of date of the open deals.

    Args:
        deals: cleaned deals.
        closed_deals: history; rows not known by then are not used.
        horizon: months after the one of the as-of date.
        quarter_start: month number of the first month of the as-of date's quarter.
    """
    as_of = deals.as_of
    known = closed_deals.known_by(as_of)
    segments = sorted({*np.unique(deals.segment).tolist(), *np.unique(known.segment).tolist()})
    codes = np.searchsorted(segments, deals.segment).astype(np.int64) if segments else np.zeros(0, dtype=np.int64)
    cumulants = revenue_cumulants(deals, codes, len(segments), days_to_month_ends(as_of, horizon))
    won = known.won()
    ahead = month_of(won.closed_on) - month_number(as_of)
    inside = (ahead >= 0) & (ahead <= horizon)
    before = (ahead < 0) & (ahead >= quarter_start - month_number(as_of))
    closed, closed_before = np.zeros((len(segments), horizon + 1)), np.zeros(len(segments))
    np.add.at(closed, (np.searchsorted(segments, won.segment[inside]), ahead[inside]), won.amount[inside])
    np.add.at(closed_before, np.searchsorted(segments, won.segment[before]), won.amount[before])
    created = created_revenue(known, deals, as_of, segments, horizon)
    return Parts(as_of, segments, closed, closed_before, cumulants, created)


def past_errors(past: Sequence[Parts], closed_deals: ClosedDeals, as_of: date) -> list[PastError]:
    """Return how earlier forecasts missed the months that are complete and known by ``as_of``."""
    won = closed_deals.known_by(as_of).won()
    months = month_of(won.closed_on)
    errors = []
    for parts in past:
        first = month_number(parts.as_of)
        known = min(parts.closed.shape[1] - 1, last_complete_month(as_of) - first) if parts.as_of < as_of else 0
        for ahead in range(1, known + 1):
            inside = months == first + ahead
            errors.append(_error(parts, ahead, won.segment[inside], won.amount[inside]))
    return errors


def _error(parts: Parts, ahead: int, segment: np.ndarray, amount: Floats) -> PastError:
    # What came in a segment that did not exist then is an error of the total alone: it stands in a row of its own.
    count = len(parts.segments)
    actual = np.zeros(count + 1)
    found = np.isin(segment, parts.segments)
    place = np.where(found, np.searchsorted(parts.segments, segment), count) if count else np.zeros(len(segment), int)
    np.add.at(actual, place, amount)
    actual[:count] -= parts.closed[:, ahead]
    mean, variance = parts.remaining_mean[:, ahead], parts.open_deals.variance[:, ahead]
    total = float(variance.sum() + parts.created.variance_of_total()[ahead])
    own = variance + parts.created.variance[:, ahead]
    return PastError(month_number(parts.as_of), ahead, actual, np.r_[mean, 0.0], np.r_[own, 0.0], total)
