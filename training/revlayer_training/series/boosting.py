"""LightGBM over all series of a panel at once: lags, calendar and trend, every horizon directly.

A row is a series, a month from which is forecast and a horizon. What is learnt is the change against the same month
of the year before, in units of the series' own level, so that large and small series teach each other and a trend
can go on beyond what was seen.
"""

from datetime import date

import lightgbm
import numpy as np
from dateutil.easter import easter

from revlayer_training.series.panel import SEASON, Floats, Ints
from revlayer_udf.forecast.months import month_end, month_start

# Months from which is learnt: older ones are of another economy.
LEARNT = 10 * SEASON
LEAST_ROWS = 200
# Changes beyond so many levels are of series that hardly were: one would set the mean of all.
LARGEST_CHANGE = 5.0
SEED = 1
RECENT = 6


def boosted(values: Floats, first_month: int, horizon: int) -> Floats:
    """Forecast the months after the last one known.

    Args:
        values: [series, months], NaN before a series begins.
        first_month: of the first column, in months since January 1970.
        horizon: at most 12, since the year before must be known.

    Returns:
        [series, horizon]; NaN for a series of less than three years, or without an amount in the last two.
    """
    months, ahead = values.shape[1], np.arange(1, horizon + 1)
    nothing = np.full((len(values), horizon), np.nan)
    if months < 3 * SEASON:
        return nothing
    past = np.arange(max(2 * SEASON, months - LEARNT), months)
    x, base, scale = design(values, first_month, past, ahead)
    columns = past[:, None] + ahead - 1
    actual = np.where(columns < months, values[:, np.minimum(columns, months - 1)], np.nan)
    y = np.clip((actual - base) / scale, -LARGEST_CHANGE, LARGEST_CHANGE)
    rows = np.isfinite(y) & np.isfinite(x).all(axis=-1)
    if rows.sum() < LEAST_ROWS:
        return nothing
    booster = _fit(x[rows], y[rows])
    x, base, scale = design(values, first_month, np.array([months]), ahead)
    change = np.asarray(booster.predict(x.reshape(-1, x.shape[-1]), num_threads=1)).reshape(base.shape)
    made = np.where(np.isfinite(x).all(axis=-1), base + scale * change, np.nan)[:, 0]
    begun = ~np.isnan(values[:, months - 3 * SEASON])
    return np.where(begun[:, None], made, np.nan)


def _fit(x: Floats, y: Floats) -> lightgbm.Booster:
    parameters = {
        "objective": "huber", "alpha": 0.1, "learning_rate": 0.05, "num_leaves": 15,
        "min_data_in_leaf": int(np.clip(len(y) // 100, 10, 200)), "feature_fraction": 0.7, "bagging_fraction": 0.7,
        "bagging_freq": 1, "lambda_l2": 1.0, "seed": SEED, "deterministic": True, "force_col_wise": True,
        "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    return lightgbm.train(parameters, lightgbm.Dataset(x, y), num_boost_round=200)


def design(values: Floats, first_month: int, known: Ints, ahead: Ints) -> tuple[Floats, Floats, Floats]:
    """Describe forecasts by what is known before them.

    Args:
        known: [origins]: months known at each, at least 24.
        ahead: [horizons], 1 to 12.

    Returns:
        Features [series, origins, horizons, features]; the same month of the year before and the series' level of two
        years, both [series, origins, horizons]; the level is NaN where it is 0.
    """
    shape = (len(values), len(known), len(ahead))
    target = known[:, None] + ahead - 1
    year_before, two_before = values[:, target - SEASON], values[:, target - 2 * SEASON]
    last_year = values[:, known[:, None] - 1 - np.arange(SEASON)]
    earlier = values[:, known[:, None] - 1 - SEASON - np.arange(SEASON)]
    level = last_year.mean(axis=2, keepdims=True)
    size = (np.abs(last_year).mean(axis=2, keepdims=True) + np.abs(earlier).mean(axis=2, keepdims=True)) / 2
    scale = np.where(size > 0, size, np.nan)
    changes = (last_year - earlier) / scale
    of_origin = [changes[:, :, k] for k in range(RECENT)]
    of_origin += [changes[:, :, :k].mean(axis=2) for k in (3, 6, SEASON)]
    of_origin += [changes[:, :, :3].mean(axis=2) - changes[:, :, 3:6].mean(axis=2), changes.std(axis=2)]
    of_target = [(year_before - two_before) / scale, (year_before - level) / scale]
    calendar = _calendar(first_month, target)
    features = [np.broadcast_to(f[:, :, None], shape) for f in of_origin] + of_target
    features += [np.broadcast_to(c, shape) for c in (ahead.astype(np.float64), *np.moveaxis(calendar, -1, 0))]
    return np.stack(features, axis=-1), year_before, np.broadcast_to(scale, shape)


def _calendar(first_month: int, target: Ints) -> Floats:
    """Return [..., 5]: month of the year, and days, Saturdays, Sundays and Easter more than a year before."""
    numbers = np.arange(target.min() - SEASON, target.max() + 1)
    facts = np.array([_facts(first_month + int(number)) for number in numbers])
    now, before = facts[target - numbers[0]], facts[target - SEASON - numbers[0]]
    month = ((first_month + target) % SEASON + 1).astype(np.float64)
    return np.concatenate([month[..., None], now - before], axis=-1)


def _facts(month: int) -> tuple[float, float, float, float]:
    first, last = month_start(month), month_end(month)
    saturdays, sundays = (_count(first, last, weekday) for weekday in (5, 6))
    sunday = easter(first.year)
    # Good Friday and the days of shopping before it may lie in March although Sunday is in April.
    days = [date.fromordinal(sunday.toordinal() - back) for back in range(7)]
    share = sum(first <= day <= last for day in days) / len(days)
    return float(last.day), float(saturdays), float(sundays), share


def _count(first: date, last: date, weekday: int) -> int:
    return sum((first.weekday() + day) % 7 == weekday for day in range(last.day))
