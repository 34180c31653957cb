"""Splits by time with an embargo, and grouped repeated folds for data without times.

A row's label must be known before the first as-of date of the next split: what is learnt in one split could
have been learnt on the day the next one begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

SHORTEST_HORIZON, LONGEST_HORIZON = 30, 365
# A longer horizon misses fewer late wins, a shorter one learns from later deals.
USUAL_SHARE = 0.97
# Three horizons pass before a tested model stands: they may take half of the history.
LARGEST_PART = 1 / 6
FEWEST_TRAIN_DATES = 3


@dataclass(frozen=True)
class TimeSplit:
    """Masks over rows; rows in an embargo, or whose label is not known yet, are in none of them."""

    train: Mask
    validate: Mask
    test: Mask
    validate_from: np.datetime64
    test_from: np.datetime64

    @property
    def before_test(self) -> Mask:
        """Rows whose label is known when the test begins: what a baseline may learn from."""
        return self.train | self.validate

    def moved(self, known_on: Days) -> "TimeSplit":
        """Return the split one step later: learn from all that was known when the test began, validate on the test.

        Nothing is left to test. Rows that lay between the splits are learnt from too.

        Args:
            known_on: day from which each row's label is known.
        """
        return TimeSplit(
            known_on <= self.test_from, self.test, np.zeros_like(self.test), self.test_from, self.test_from
        )


@dataclass(frozen=True)
class Horizon:
    """How many days a deal gets to be won, and how that number came about."""

    days: int
    note: str
    split: tuple[Days, Days, Days] | None


def label_known_on(as_of: Days, horizon: int, closed_on: Days, closed_known_on: Days) -> Days:
    """Return the day from which 'won within the horizon' is known: its end, or later where a win came late.

    Rows that merely resolved early are not known earlier: taking them alone would favour quick deals.
    """
    ends = as_of + np.timedelta64(horizon, "D")
    inside = ~np.isnat(closed_on) & (closed_on <= ends)
    known = np.where(np.isnat(closed_known_on), ends, closed_known_on)
    return np.where(inside & (known > ends), known, ends)


def split_dates(
    dates: Days, horizon: int, cutoff: date, fewest_train_dates: int = FEWEST_TRAIN_DATES
) -> tuple[Days, Days, Days] | None:
    """Deal the matured as-of dates out to train, validate and test with a horizon between them.

    Args:
        dates: as-of dates, any order.
        horizon: days until a label is known.
        cutoff: last day anything is known of.
        fewest_train_dates: one is enough where a date has every entity there is.

    Returns:
        The dates of each split, or None where there are too few for three splits.
    """
    step = np.timedelta64(horizon, "D")
    matured = np.unique(dates)
    matured = matured[matured + step <= np.datetime64(cutoff, "D")]
    best: tuple[int, tuple[Days, Days, Days]] | None = None
    for first_test in range(len(matured) - 1, 0, -1):
        before_test = matured[matured + step <= matured[first_test]]
        for first_validate in range(len(before_test) - 1, 0, -1):
            train = matured[matured + step <= before_test[first_validate]]
            validate, test = before_test[first_validate:], matured[first_test:]
            if len(train) < fewest_train_dates:
                continue
            # Half of the usable dates train, a quarter each validates and tests.
            score = min(len(train), 2 * len(validate), 2 * len(test)) * 1000 + len(train)
            if best is None or score > best[0]:
                best = (score, (train, validate, test))
    return best[1] if best else None


def choose_horizon(as_of: Days, cycle_days: NDArray[np.float64], cutoff: date) -> Horizon:
    """Choose the label horizon: the 97th percentile of cycles in [30, 365], shorter where history is short.

    Args:
        as_of: as-of dates of the rows.
        cycle_days: days from creation to close of the closed deals, one per deal.
        cutoff: last day anything is known of.
    """
    wanted = _bounded(np.quantile(cycle_days, USUAL_SHARE)) if len(cycle_days) else 90
    history = int((np.datetime64(cutoff, "D") - as_of.min()).astype(int)) if len(as_of) else 0
    longest = max(history * LARGEST_PART, SHORTEST_HORIZON)
    for days in _candidates(wanted, cycle_days):
        if days > longest:
            continue
        split = split_dates(as_of, days, cutoff)
        if split is None:
            continue
        if days == wanted:
            return Horizon(days, f"{days} days: {USUAL_SHARE:.0%} of closed deals took no longer", split)
        usual = f"{wanted}, by which {USUAL_SHARE:.0%} of deals had closed"
        note = f"{days} days: the history is too short for {usual}"
        return Horizon(days, note, split)
    note = f"{wanted} days: the history is too short to train, validate and test at different times"
    return Horizon(wanted, note, None)


def split_rows(as_of: Days, known_on: Days, dates: tuple[Days, Days, Days], cutoff: date) -> TimeSplit:
    """Turn split dates into row masks, leaving out rows whose label comes too late for their split."""
    train_dates, validate_dates, test_dates = dates
    validate_from, test_from = validate_dates[0], test_dates[0]
    last = np.datetime64(cutoff, "D")
    return TimeSplit(
        np.isin(as_of, train_dates) & (known_on <= validate_from),
        np.isin(as_of, validate_dates) & (known_on <= test_from),
        np.isin(as_of, test_dates) & (known_on <= last),
        validate_from,
        test_from,
    )


def grouped_folds(
    groups: NDArray[np.int64], folds: int = 5, repeats: int = 5, seed: int = 1
) -> Iterator[tuple[Mask, Mask]]:
    """Yield (fit, held) masks; rows of one group are never on both sides.

    Args:
        groups: equal numbers for rows that belong together, such as exact duplicates.
    """
    names, index = np.unique(groups, return_inverse=True)
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(len(names))
        fold_of = order % folds
        for fold in range(folds):
            held = fold_of[index] == fold
            yield ~held, held


def stratified_folds(
    groups: NDArray[np.int64], y: NDArray[np.float64], folds: int = 5, repeats: int = 3, seed: int = 1
) -> Iterator[tuple[Mask, Mask]]:
    """Yield (fit, held) masks with about the same share of ``y`` in each; rows of one group are never on both sides.

    Args:
        groups: equal numbers for rows that belong together, such as exact duplicates.
        y: 0/1 labels; a group of both counts by its mean.
    """
    names, index = np.unique(groups, return_inverse=True)
    share = np.bincount(index, weights=y) / np.bincount(index)
    for repeat in range(repeats):
        shuffled = np.random.default_rng([seed, repeat]).permutation(len(names))
        dealt = shuffled[np.argsort(share[shuffled], kind="stable")]
        fold_of = np.empty(len(names), np.int64)
        fold_of[dealt] = np.arange(len(names)) % folds
        for fold in range(folds):
            held = fold_of[index] == fold
            yield ~held, held


def duplicate_groups(*columns: NDArray[np.object_]) -> NDArray[np.int64]:
    """Number the rows so that exact duplicates share a number."""
    seen: dict[tuple[object, ...], int] = {}
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return np.array([seen.setdefault(row, len(seen)) for row in rows], np.int64)


def _bounded(days: float) -> int:
    return int(min(max(np.ceil(days), SHORTEST_HORIZON), LONGEST_HORIZON))


def _candidates(wanted: int, cycle_days: NDArray[np.float64]) -> list[int]:
    shares = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
    shorter = {_bounded(np.quantile(cycle_days, share)) for share in shares} if len(cycle_days) else set()
    return sorted({wanted, *shorter, 60, 45, 30} & set(range(wanted + 1)), reverse=True)
