"""Cash by period: identities of the law and of the sums, against calculations of their own."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, logistic

from revlayer_udf.cash.calendar import months, weeks
from revlayer_udf.cash.expectation import OpenInvoices, amounts_due, mean_by_period, quantiles_by_period
from revlayer_udf.cash.law import day_unpaid, unpaid

DAYS = st.floats(-120, 400)
SCALES = st.floats(1, 60)
SHARES = st.floats(1e-6, 1)


def invoices(*rows):
    return OpenInvoices(*(np.array(column, float) for column in zip(*rows, strict=True)))


OPEN = st.lists(st.tuples(DAYS, st.floats(0.01, 1e6), DAYS, SCALES), min_size=1, max_size=6).map(lambda r: invoices(*r))
ENDS = st.lists(st.integers(1, 60), min_size=1, max_size=5).map(lambda steps: np.cumsum(steps).tolist())


@pytest.mark.identity
@given(since=DAYS, location=DAYS, scale=SCALES, share=SHARES)
def test_the_day_of_a_share_leaves_that_share(since, location, scale, share):
    arguments = (np.array([value]) for value in (since, location, scale))
    since_, location_, scale_ = arguments
    day = day_unpaid(np.array([share]), since_, location_, scale_)
    assert day[0] >= since
    assert unpaid(day, since_, location_, scale_)[0] == pytest.approx(share, rel=1e-6, abs=1e-9)


@pytest.mark.identity
@given(since=DAYS, ahead=st.floats(0, 300), location=st.floats(-60, 100), scale=SCALES)
def test_unpaid_is_the_survival_of_the_logistic_law(since, ahead, location, scale):
    day = since + ahead
    law = logistic(location, scale)
    wanted = np.exp(law.logsf(day + 0.5) - law.logsf(since + 0.5))
    assert unpaid(*(np.array([v]) for v in (day, since, location, scale)))[0] == pytest.approx(
        wanted, rel=1e-6, abs=1e-12
    )


@pytest.mark.identity
@given(held=OPEN, ends=ENDS, shift=st.floats(0, 10))
def test_expected_cash_and_what_falls_due_add_up_to_what_is_owed(held, ends, shift):
    mean, due = mean_by_period(held, ends, shift), amounts_due(held.past_due, held.amount, ends)
    assert (mean >= -1e-6 * held.amount.sum()).all() and len(mean) == len(due) == len(ends) + 1
    assert mean.sum() == pytest.approx(held.amount.sum()) and due.sum() == pytest.approx(held.amount.sum())


def test_the_mean_is_the_integral_over_the_shift():
    held, ends, shift = invoices((-10, 100, 3, 4), (5, 40, -2, 9)), [3, 10, 40], 5.0

    def still(end):
        def at(node):
            location = held.location + node
            return float(unpaid(held.past_due + end, held.past_due, location, held.scale) @ held.amount) * (
                np.exp(-(node**2) / 2 / shift**2) / shift / np.sqrt(2 * np.pi)
            )

        return quad(at, -60, 60, limit=200)[0]

    left = [140.0, *(still(end) for end in ends), 0.0]
    assert mean_by_period(held, ends, shift) == pytest.approx([a - b for a, b in pairwise(left)], abs=0.02)


def test_quantiles_are_those_of_an_exact_sum():
    """Twenty invoices of 1: how many are paid in the first week is binomial."""
    held, ends = invoices(*[(0, 1, 0, 4)] * 20), [7]
    found = quantiles_by_period(held, [ends], 0.0, 20_000, 1)[0][:, 0]
    p = 1 - float(unpaid(*(np.array([value]) for value in (7.0, 0.0, 0.0, 4.0)))[0])
    assert found.tolist() == [binom.ppf(share, 20, p) for share in (0.1, 0.5, 0.9)]


def test_a_shift_widens_a_sum_of_many():
    held, ends = invoices(*[(-20, 1, 0, 3)] * 500), [[20]]
    narrow, wide = (quantiles_by_period(held, ends, shift, 2_000, 1)[0][:, 0] for shift in (0.0, 4.0))
    assert wide[2] - wide[0] > 3 * (narrow[2] - narrow[0])
    assert quantiles_by_period(held, ends, 4.0, 2_000, 1)[0][:, 0] == pytest.approx(wide)


def test_several_series_are_drawn_from_the_same_payments():
    held = invoices(*[(-5, 10, 2, 5)] * 40)
    by_week, by_two = quantiles_by_period(held, [[7, 14], [14]], 1.0, 500, 3)
    assert by_week.shape == (3, 3) and by_two.shape == (3, 2)
    assert by_two[:, 1] == pytest.approx(by_week[:, 2])


def test_no_invoice_is_no_cash():
    nothing = OpenInvoices(*(np.zeros(0) for _ in range(4)))
    assert mean_by_period(nothing, [7], 1.0).tolist() == [0, 0]
    assert quantiles_by_period(nothing, [[7]], 1.0, 100, 1)[0].tolist() == [[0, 0]] * 3


@pytest.mark.identity
@given(as_of=st.dates(date(2000, 1, 1), date(2100, 1, 1)), count=st.integers(1, 30))
def test_periods_follow_each_other_from_the_next_day(as_of, count):
    for found in (weeks(as_of, count), months(as_of, count)):
        ends = found.ends
        assert found.starts[0] == as_of + timedelta(days=1) and len(found.starts) == len(ends) == count + 1
        assert all(after == end + timedelta(days=1) for end, after in zip(ends, found.starts[1:], strict=False))
        assert ends[-1] is None and found.days_ahead(as_of) == [(end - as_of).days for end in ends[:-1]]
    assert all(end.isoweekday() == 7 for end in weeks(as_of, count).ends[:-1])
    assert all((end + timedelta(days=1)).day == 1 for end in months(as_of, count).ends[:-1])
