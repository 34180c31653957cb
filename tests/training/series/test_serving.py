"""Choice, sums and intervals: each knows only what was over at its origin."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlayer_training.series import intervals, methods, rolling, serving
from revlayer_training.series.methods import METHODS
from revlayer_training.series.panel import Panel
from revlayer_training.series.rolling import Rolled
from revlayer_training.series.selection import choose

HORIZON = 3


def _rolled(seed: int, origins: int = 14, series: int = 4) -> Rolled:
    """Forecasts of monthly origins with errors of known size, the total first."""
    random = np.random.default_rng(seed)
    months = 40
    panel = Panel.of([f"s{i}" for i in range(series)], 600, random.uniform(50, 150, (series, months)))
    values = panel.with_total()
    places = np.arange(months - origins + 1, months + 1)
    padded = np.hstack([values, np.full((len(values), HORIZON), np.nan)])
    actuals = np.stack([padded[:, at : at + HORIZON] for at in places])
    truth = np.where(np.isnan(actuals), 100.0, actuals)
    spread = random.uniform(0.5, 2.0, (len(METHODS), 1, 1, 1))
    forecasts = truth * (1 + 0.1 * spread * random.standard_normal((len(METHODS), *truth.shape)))
    scales = np.full((origins, len(values)), 10.0)
    return Rolled(panel, places, forecasts, actuals, scales)


@given(seed=st.integers(0, 10_000), place=st.integers(1, 12))
def test_nothing_later_than_the_origin_changes_what_is_served_there(seed, place):
    rolled = _rolled(seed)
    at = rolled.origins[place]
    later = (rolled.origins[:, None] + np.arange(1, HORIZON + 1) > at)[:, None, :]
    changed = replace(rolled, actuals=np.where(later, 1e6, rolled.actuals))
    changed.forecasts[:, place + 1 :] *= 7
    before, after = serving.serve(_rolled(seed)), serving.serve(changed)
    assert (before.methods[: place + 1] == after.methods[: place + 1]).all()
    assert np.array_equal(before.mean[: place + 1], after.mean[: place + 1])
    assert np.array_equal(before.half[: place + 1], after.half[: place + 1], equal_nan=True)


def test_the_method_without_error_serves_in_the_end():
    rolled = _rolled(3)
    best = METHODS.index("theta")
    rolled.forecasts[best] = np.where(np.isnan(rolled.actuals), 100.0, rolled.actuals)
    chosen = choose(rolled)
    assert (chosen[:3] == METHODS.index("ets_theta")).all()  # nobody was tried at three origins
    rolled.forecasts[METHODS.index("ets_theta")] = np.nan
    assert (choose(rolled)[:3] == METHODS.index("seasonal_naive")).all()
    assert (chosen[-1] == best).all()


def _with_errors(**sizes) -> Rolled:
    """Every method misses by a size of its own, the others by 5; what is served has errors enough to be judged."""
    rolled = _rolled(5, origins=30)
    truth = np.where(np.isnan(rolled.actuals), 100.0, rolled.actuals)
    for place, name in enumerate(METHODS):
        rolled.forecasts[place] = truth + sizes.get(name, 5.0)
    return rolled


def test_the_combination_serves_until_another_is_surely_better():
    assert (choose(_with_errors(combination=2.0))[-1] == METHODS.index("combination")).all()
    rolled = _with_errors(combination=2.0, ets=1.9)
    assert (choose(rolled)[-1] == METHODS.index("ets")).all()  # a little better, but always
    unsure = np.where(np.arange(30) % 2, 4.0, -0.4)[:, None, None]
    rolled.forecasts[METHODS.index("ets")] = rolled.forecasts[METHODS.index("combination")] - 2 + unsure
    assert (choose(rolled)[-1] == METHODS.index("combination")).all()


def test_a_naive_method_that_erred_less_ends_the_combinations_rule():
    rolled = _with_errors(combination=2.0, naive=0.0, theta=0.5)
    unsure = np.where(np.arange(30) % 2, 3.5, 0.1)[:, None, None]
    rolled.forecasts[METHODS.index("naive")] += unsure
    rolled.forecasts[METHODS.index("theta")] += unsure
    assert (choose(rolled)[-1] == METHODS.index("naive")).all()


def test_a_method_without_a_forecast_now_does_not_serve():
    rolled = _rolled(3)
    best = METHODS.index("theta")
    rolled.forecasts[best] = np.where(np.isnan(rolled.actuals), 100.0, rolled.actuals)
    rolled.forecasts[best, -1, 2] = np.nan
    chosen = choose(rolled)[-1]
    assert chosen[2] != best and (np.delete(chosen, 2) == best).all()


def test_methods_are_compared_on_the_same_forecasts():
    """A newcomer was tried only in easy months; the other was better in these."""
    rolled = _rolled(4)
    easy, other, newcomer = 8, METHODS.index("ets_theta"), METHODS.index("lightgbm")
    truth = np.where(np.isnan(rolled.actuals), 100.0, rolled.actuals)
    rolled.forecasts[:] = np.nan
    rolled.forecasts[other] = truth + 50
    rolled.forecasts[other, easy:] = truth[easy:] + 1
    rolled.forecasts[newcomer, easy:] = truth[easy:] + 2
    assert (choose(rolled)[-1] == other).all()


@given(
    errors=st.lists(st.floats(0, 100), min_size=1, max_size=30),
    extra=st.integers(0, 5),
)
def test_a_conformal_quantile_holds_its_share_of_the_errors(errors, extra):
    values = np.array([errors + [np.nan] * extra])
    found = intervals.quantiles(values, np.array([len(errors)]))[0]
    assert min(errors) <= found <= max(errors)
    # At least 80 % of the next error's places are below: floor allows for the step between two order statistics.
    assert sum(error <= found for error in errors) >= np.floor(0.8 * len(errors))


def test_intervals_of_errors_drawn_alike_hold_four_of_five():
    random = np.random.default_rng(1)
    inside = []
    for seed in range(10):
        rolled = _rolled(seed, origins=30, series=60)
        forecasts = np.where(np.isnan(rolled.actuals), 100.0, rolled.actuals)
        noise = random.standard_normal(forecasts.shape)
        half = intervals.half_widths(forecasts + noise, rolled)
        inside.append((np.abs(noise) <= half)[-1])
    assert np.mean(inside) == pytest.approx(0.8, abs=0.03)


def test_horizons_nobody_came_to_widen_like_a_random_walk():
    rolled = _rolled(5, origins=2)  # one month after the first origin is known
    half = intervals.half_widths(rolled.forecasts[0], rolled)[-1]
    assert np.isfinite(half).all()
    assert np.allclose(half, half[:, :1] * np.sqrt([1, 2, 3]))
    assert np.isnan(intervals.half_widths(rolled.forecasts[0], rolled)[0]).all()


def test_a_far_month_is_not_surer_than_a_nearer_one():
    """Nearer months were missed by more, as where the far ones are over only of origins in quieter years."""
    rolled = _rolled(6, origins=12)
    forecasts = np.where(np.isnan(rolled.actuals), 100.0, rolled.actuals) + np.array([30.0, 20.0, 10.0])
    half = intervals.half_widths(forecasts, rolled)[3:]
    assert (half[:, :, 0] > 0).all() and (np.diff(half, axis=2) >= 0).all()


def test_a_series_that_lay_still_is_not_expected_to_jump_by_its_old_units():
    rolled = _rolled(7, origins=20)
    rolled.scales[:-3, 1] = 0.1
    errors = np.full(rolled.actuals.shape, 20.0)
    half = intervals.half_widths(np.nan_to_num(rolled.actuals) + errors, rolled)[-1, 1]
    assert 20 <= half.max() <= 2 * 20


def test_an_origin_knows_the_months_before_it_only(monkeypatch):
    seen = []

    def spy(values, first_month, horizon):
        seen.append(values.copy())
        return np.zeros((len(METHODS), len(values), horizon))

    monkeypatch.setattr(rolling, "forecast_all", spy)
    values = np.random.default_rng(1).uniform(1, 9, (2, 30))
    values[1, :20] = np.nan
    panel = Panel.of(["old", "young"], 600, values)
    rolled = rolling.roll(panel, [15, 24, 30], 12)
    total = np.nansum(values, axis=0)
    for origin, got in zip((15, 24, 30), seen, strict=True):
        assert np.array_equal(got, np.vstack([total, values])[:, :origin], equal_nan=True)
    assert np.array_equal(rolled.actuals[1, 1, :6], values[0, 24:]) and np.isnan(rolled.actuals[1, 1, 6:]).all()
    assert np.isnan(rolled.actuals[2]).all()


def test_the_ladder_of_history():
    random = np.random.default_rng(2)
    rungs = {}
    for months in (1, 11, 12, 23, 24, 35, 36):
        values = 100 + 10 * np.sin(np.arange(months) * np.pi / 6) + random.normal(0, 1, (12, months))
        made = methods.forecast_all(values, 600, 12)
        rungs[months] = {name for name, of in zip(METHODS, made, strict=True) if np.isfinite(of).all()}
        assert all(np.isfinite(of).all() or np.isnan(of).all() for of in made)
    statistical = {"naive", "seasonal_naive", "theta", "ets", "ets_theta"}
    assert rungs[1] == rungs[11] == {"naive"}
    assert rungs[12] == rungs[23] == {"naive", "seasonal_naive"}
    assert rungs[24] == rungs[35] == statistical
    assert rungs[36] == set(METHODS)
