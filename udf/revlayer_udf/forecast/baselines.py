"""Forecasts that need no model, each from what was known at the as-of date.

Where not said otherwise, all return arrays [segments, months]; the months start with the one of the as-of date.
"""

from dataclasses import replace
from datetime import date

import numpy as np

from revlayer_udf.forecast import fallbacks
from revlayer_udf.forecast.inputs import ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import (
    Floats,
    Ints,
    is_month_end,
    last_complete_month,
    month_number,
    month_of,
)
from revlayer_udf.forecast.reading import CrmView
from revlayer_udf.forecast.timing import LifeTable


def stage_weighted(view: CrmView, known: ClosedDeals, as_of: date, segments: list[str], horizon: int) -> Floats:
    """Amount x the CRM's stage probability in the month of the expected close, plus what closed already.

    A deal whose expected close is over counts in the month that still has days left: the current one, or the
    next where the as-of date is a month end. Deals without an amount, a probability or a date count nowhere.
    """
    now = month_number(as_of)
    earliest = 1 if is_month_end(as_of) else 0
    worth = np.nan_to_num(view.amount * view.stage_probability)
    dated = ~np.isnat(view.expected_close_on)
    ahead = np.maximum(month_of(view.expected_close_on) - now, earliest)
    open_part = _table(view.segment[dated], ahead[dated], worth[dated], segments, horizon)
    won = known.won()
    return open_part + _table(won.segment, month_of(won.closed_on) - now, won.amount, segments, horizon)


def by_crm_probability(deals: OpenDeals, view: CrmView, known: ClosedDeals, table: LifeTable) -> OpenDeals:
    """Return the deals as the CRM sees them, to be forecast by all the rest of the production forecast.

    Stage probability x amount, in the months in which deals of the stage were won in the past; deals not yet
    created are added as ever. It is a stronger rival than ``stage_weighted``, which trusts expected close dates.

    Args:
        table: what became of past open deals by stage, as known at the as-of date.
    """
    won = table.won[:, -1]
    within = won / np.maximum(won[:, -1:], 1e-9)
    return replace(
        deals,
        win_probability=fallbacks.win_probability(view.stage_probability, known),
        value_mean=fallbacks.value_mean(view.amount, known),
        close_cdf=within[table.rows_of(view.stage_name)],
    )


def naive_error(known: ClosedDeals, as_of: date, segments: list[str], months: int = 36) -> Floats:
    """Return the mean absolute error that ``naive`` made one month ahead in the past: the unit of MASE.

    Source: Hyndman and Koehler 2006; over the last ``months`` complete months known at the as-of date.

    Returns:
        [segments + 1], the total first; NaN below two months or where nothing ever changed.
    """
    won, last = known.won(), last_complete_month(as_of)
    first = int(month_of(won.closed_on).min()) if len(won) else last + 1
    first = max(first, last - months)
    if last - first < 1:
        return np.full(len(segments) + 1, np.nan)
    history = _table(won.segment, month_of(won.closed_on) - first, won.amount, segments, last - first)
    history = np.vstack([history.sum(axis=0), history])
    errors = np.abs(np.diff(history, axis=1)).mean(axis=1)
    return np.where(errors > 0, errors, np.nan)


def naive(known: ClosedDeals, as_of: date, segments: list[str], horizon: int) -> Floats:
    """Every month brings what the last complete month brought."""
    last = last_complete_month(as_of)
    return np.tile(_month(known, last, segments)[:, None], (1, horizon + 1))


def seasonal_naive(known: ClosedDeals, as_of: date, segments: list[str], horizon: int) -> Floats:
    """Every month brings what the same month brought a year before; without a year of history, ``naive``."""
    last, now = last_complete_month(as_of), month_number(as_of)
    won = known.won()
    first = int(month_of(won.closed_on).min()) if len(won) else now
    result = naive(known, as_of, segments, horizon)
    for ahead in range(horizon + 1):
        source = now + ahead - 12
        while source > last:
            source -= 12
        if source >= first:
            result[:, ahead] = _month(known, source, segments)
    return result


def actuals(closed: ClosedDeals, as_of: date, segments: list[str], horizon: int) -> Floats:
    """Won revenue by the month it closed in, with everything known of it."""
    won = closed.won()
    return _table(won.segment, month_of(won.closed_on) - month_number(as_of), won.amount, segments, horizon)


def _month(known: ClosedDeals, month: int, segments: list[str]) -> Floats:
    won = known.won()
    return _table(won.segment, month_of(won.closed_on) - month, won.amount, segments, 0)[:, 0]


def _table(segment: np.ndarray, ahead: Ints, worth: Floats, segments: list[str], horizon: int) -> Floats:
    table = np.zeros((len(segments), horizon + 1))
    rows = (ahead >= 0) & (ahead <= horizon) & np.isin(segment, segments)
    codes = np.searchsorted(np.array(segments, dtype=np.str_), segment[rows])
    np.add.at(table, (codes, ahead[rows]), worth[rows])
    return table
