"""Forecasts of segments add up to their total, exactly, before and after rounding."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from revlayer_training.series.reconciliation import in_cents, reconcile

amounts = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 4))


@st.composite
def forecasts(draw):
    """Forecasts, some segments without one, and squared errors, some unknown."""
    segments, horizon = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    forecast = draw(hnp.arrays(np.float64, (1 + segments, horizon), elements=amounts))
    squared = draw(hnp.arrays(np.float64, (2 + segments, horizon), elements=st.floats(0, 1e12)))
    missing = draw(st.lists(st.integers(1, segments), max_size=segments - 1, unique=True))
    forecast[missing] = np.nan
    if draw(st.booleans()):
        squared[:] = np.nan
    return forecast, squared


@pytest.mark.identity
@given(forecasts())
def test_segments_add_up_exactly_and_in_cents(given_forecasts):
    forecast, squared = given_forecasts
    made = reconcile(forecast, squared)
    has = ~np.isnan(made).any(axis=1)
    assert (has[1:] == ~np.isnan(forecast[1:]).any(axis=1)).all()
    cents = in_cents(made[has])
    for column in range(forecast.shape[1]):
        exact = sum((Fraction(x) for x in made[1:][has[1:], column]), Fraction(0))
        assert made[0, column] == float(exact)
        assert cents[0, column] == sum(int(c) for c in cents[1:, column])
        assert abs(cents[0, column] - 100 * exact) <= Fraction(1, 2) + Fraction(1, 100)
        assert all(abs(c - 100 * Fraction(x)) < Fraction(101, 100)
                   for c, x in zip(cents[1:, column], made[1:][has[1:], column], strict=True))  # fmt: skip
    assert (made[1:][forecast[1:] >= 0] >= 0).all()


def test_a_total_that_is_surer_wins_and_surer_segments_move_less():
    forecast = np.array([[120.0], [40.0], [60.0]])
    squared = np.array([[1.0], [4.0], [12.0], [3.0]])
    # The total's own forecast weighs 3 of 4: 115. The 15 that lack go to the segments 1 to 3.
    assert reconcile(forecast, squared).ravel() == pytest.approx([115, 43.75, 71.25])


def test_without_known_errors_both_sides_count_alike_and_segments_share_by_size():
    forecast = np.array([[120.0], [40.0], [60.0]])
    assert reconcile(forecast, np.full((4, 1), np.nan)).ravel() == pytest.approx([110, 44, 66])


def test_cents_go_to_the_largest_remainders():
    made = np.array([[1.0], [0.331], [0.337], [0.332]])
    assert in_cents(made).ravel().tolist() == [100, 33, 34, 33]
