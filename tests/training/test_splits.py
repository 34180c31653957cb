from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from revlayer_training.splits import (
    choose_horizon,
    duplicate_groups,
    grouped_folds,
    label_known_on,
    split_dates,
    split_rows,
)

START = np.datetime64("2020-01-01")


def month_ends(months: int) -> np.ndarray:
    return np.arange(np.datetime64("2020-02"), np.datetime64("2020-02") + months).astype("datetime64[D]") - 1


@given(st.integers(4, 60), st.integers(30, 365), st.integers(0, 2**32 - 1))
def test_no_label_is_known_later_than_the_next_split_begins(months: int, horizon: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ends = month_ends(months)
    cutoff = ends[-1].astype(object)
    dates = split_dates(ends, horizon, cutoff)
    if dates is None:
        return
    as_of = rng.choice(ends, 300)
    closed = as_of + rng.integers(1, 500, 300).astype("timedelta64[D]")
    known_closed = closed + rng.integers(0, 60, 300).astype("timedelta64[D]")
    known_on = label_known_on(as_of, horizon, closed, known_closed)
    split = split_rows(as_of, known_on, dates, cutoff)
    assert np.all(known_on[split.train] <= dates[1][0])
    assert np.all(known_on[split.validate] <= dates[2][0])
    assert np.all(known_on[split.test] <= np.datetime64(cutoff))
    assert not np.any(split.train & split.validate) and not np.any(split.validate & split.test)
    assert dates[0][-1] + horizon <= dates[1][0] and dates[1][-1] + horizon <= dates[2][0]
    moved = split.moved(known_on)
    assert np.array_equal(moved.validate, split.test) and not np.any(moved.test)
    assert np.all(moved.train >= split.before_test) and not np.any(moved.train & moved.validate)
    assert np.all(known_on[moved.train] <= dates[2][0])


def test_a_quick_outcome_is_not_known_earlier_than_a_slow_one() -> None:
    as_of = np.full(3, START)
    closed = START + np.array([5, 80, 500]).astype("timedelta64[D]")
    late = START + np.array([5, 95, 500]).astype("timedelta64[D]")
    known = label_known_on(as_of, 90, closed, late)
    assert (known - START).astype(int).tolist() == [90, 95, 90]


def test_a_short_history_takes_a_shorter_horizon_and_says_so() -> None:
    cycles = np.random.default_rng(1).uniform(1, 138, 1000)
    short = choose_horizon(month_ends(14), cycles, date(2021, 2, 28))
    assert short.split is not None and short.days < 138
    assert "too short" in short.note
    long = choose_horizon(month_ends(48), cycles, date(2023, 12, 31))
    assert 130 <= long.days <= 138 and "too short" not in long.note


def test_too_short_a_history_has_no_split() -> None:
    assert choose_horizon(month_ends(4), np.array([200.0]), date(2020, 4, 30)).split is None


def test_no_closed_deal_still_gives_a_horizon() -> None:
    found = choose_horizon(month_ends(3), np.empty(0), date(2020, 3, 31) + timedelta(days=1))
    assert 30 <= found.days <= 365


def test_duplicates_stay_in_one_fold() -> None:
    values = np.array(["x", "y", "x", "z", "x", "y", "w", "v"] * 5, dtype=object)
    groups = duplicate_groups(values, values)
    for fit, held in grouped_folds(groups, folds=3, repeats=4):
        assert not set(values[fit]) & set(values[held])
        assert np.array_equal(fit, ~held)
