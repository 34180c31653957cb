"""The forecast against brute force, its identities, and its coverage where its assumptions hold."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from forecast_world import END, World
from hypothesis import given, settings
from hypothesis import strategies as st

from revlayer_udf.forecast import ALL_SEGMENTS, ClosedDeals, Forecast, OpenDeals, forecast, forecast_parts
from revlayer_udf.forecast.created import created_revenue
from revlayer_udf.forecast.months import (
    days_to_month_ends,
    is_month_end,
    last_complete_month,
    month_end,
    month_number,
    shift_as_of,
)
from revlayer_udf.forecast.pipeline import (
    KNOT_DAYS,
    draw_segment,
    draw_shifted_gamma,
    month_probabilities,
    revenue_cumulants,
)


@pytest.fixture(scope="module")
def world() -> World:
    return World(7)


def no_deals(as_of: date) -> OpenDeals:
    nothing = np.zeros(0)
    return OpenDeals(
        as_of, np.array([], dtype="U1"), nothing, nothing, nothing, np.zeros((0, 10)), np.array([], "M8[D]")
    )


def no_history() -> ClosedDeals:
    days = np.array([], "M8[D]")
    return ClosedDeals(np.array([], "U1"), days, days, days, days, days, np.zeros(0, bool), np.zeros(0))


def random_deals(seed: int, count: int, segments: int = 3) -> OpenDeals:
    rng = np.random.default_rng(seed)
    return OpenDeals(
        date(2024, 3, 12),
        np.array([f"S{code}" for code in rng.integers(0, segments, count)], dtype="U8"),
        rng.random(count),
        np.exp(rng.normal(9, 1, count)),
        rng.uniform(0, 1, count),
        np.sort(rng.random((count, 10)), axis=1),
        np.full(count, np.datetime64("2024-01-05")),
    )


def assert_sound(result: Forecast) -> None:
    """Every figure is finite, ordered, not negative, and the total is the sum of its segments."""
    for part in (result.closed, result.open_mean, result.created_mean, result.mean):
        assert np.isfinite(part).all() and (part >= 0).all()
        np.testing.assert_allclose(part[0], part[1:].sum(axis=0), rtol=1e-12)
    assert np.isfinite(result.p10).all() and (result.p10 >= 0).all()
    assert (result.p10 <= result.p50).all() and (result.p50 <= result.p90).all()
    assert (result.p10 >= result.closed - 1e-6).all()


def assert_same(one: Forecast, other: Forecast) -> None:
    assert one.segments == other.segments
    for name in ("closed", "open_mean", "created_mean", "p10", "p50", "p90"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_month_ends_are_counted_in_days() -> None:
    np.testing.assert_array_equal(days_to_month_ends(date(2024, 2, 10), 2), [19, 50, 80])
    assert days_to_month_ends(date(2024, 2, 29), 1)[0] == 0
    assert is_month_end(date(2023, 2, 28)) and not is_month_end(date(2024, 2, 28))


def test_shifted_dates_keep_their_place_in_the_month() -> None:
    assert shift_as_of(date(2024, 2, 29), -1) == date(2024, 1, 31)
    assert shift_as_of(date(2024, 3, 30), -1) == date(2024, 2, 29)
    assert shift_as_of(date(2024, 1, 15), -13) == date(2022, 12, 15)
    assert last_complete_month(date(2024, 1, 30)) == month_number(date(2023, 12, 1))


def test_month_probabilities_interpolate_between_knots() -> None:
    cdf = np.array([[0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]])
    result = month_probabilities(cdf, np.array([0.0, 3.5, 37.5, 400.0, 500.0]))
    np.testing.assert_allclose(result, [[0.0, 0.05, 0.40, 0.50, 0.0]])


def test_cumulants_equal_brute_force() -> None:
    deals = random_deals(3, 12).cleaned()
    codes = np.array([int(segment[1:]) for segment in deals.segment])
    days = days_to_month_ends(deals.as_of, 5)
    result = revenue_cumulants(deals, codes, 3, days)
    knots = np.array((0, *KNOT_DAYS))
    for segment in range(3):
        for month in range(6):
            mean = variance = 0.0
            for row in np.flatnonzero(codes == segment):
                until = np.interp(days, knots, np.r_[0.0, deals.close_cdf[row]])
                chance = deals.win_probability[row] * (until[month] - (until[month - 1] if month else 0.0))
                value, growth = deals.value_mean[row], np.exp(deals.value_sigma[row] ** 2)
                mean += chance * value
                variance += chance * value**2 * growth - (chance * value) ** 2
            assert result.mean[segment, month] == pytest.approx(mean)
            assert result.variance[segment, month] == pytest.approx(variance)


@pytest.mark.parametrize("count", [40, 3000])
def test_draws_have_the_exact_mean_and_variance(count: int) -> None:
    """Below 2,000 deals every deal is simulated, above the sum is drawn from its cumulants."""
    deals = replace(random_deals(5, count, segments=1), value_sigma=np.full(count, 0.5)).cleaned()
    days = days_to_month_ends(deals.as_of, 4)
    exact = revenue_cumulants(deals, np.zeros(count, dtype=np.int64), 1, days)
    draws = draw_segment(deals, np.arange(count), exact, 0, days, 8000, np.random.default_rng(1))
    error = np.sqrt(exact.variance[0] / 8000)
    assert (np.abs(draws.mean(axis=1) - exact.mean[0]) < 4 * error).all()
    np.testing.assert_allclose(draws.var(axis=1), exact.variance[0], rtol=0.15)


def test_cumulant_draws_agree_with_simulated_deals() -> None:
    deals = replace(random_deals(6, 1500, segments=1), value_sigma=np.full(1500, 0.7)).cleaned()
    days = days_to_month_ends(deals.as_of, 3)
    exact = revenue_cumulants(deals, np.zeros(1500, dtype=np.int64), 1, days)
    rng = np.random.default_rng(2)
    simulated = draw_segment(deals, np.arange(1500), exact, 0, days, 4000, rng)
    for month in range(4):
        moments = (exact.mean[0, month], exact.variance[0, month], exact.third[0, month])
        matched = draw_shifted_gamma(*moments, 20_000, rng)
        quantiles = [np.quantile(values, (0.1, 0.5, 0.9)) for values in (simulated[month], matched)]
        np.testing.assert_allclose(*quantiles, rtol=0.05)


def test_created_draws_have_their_mean(world: World) -> None:
    as_of = month_end(world.last)
    deals, known = world.open_at(as_of).cleaned(), world.history().known_by(as_of)
    created = created_revenue(known, deals, as_of, sorted(set(world.segment)), 6)
    rng = np.random.default_rng(1)
    factors = created.draw_factors(20_000, rng)
    draws = sum(created.draw_segment(segment, factors, rng) for segment in range(3))
    error = np.sqrt(created.variance_of_total() / 20_000)
    assert (np.abs(draws.mean(axis=1) - created.mean.sum(axis=0)) <= 4 * error).all()
    np.testing.assert_allclose(draws[1:].var(axis=1), created.variance_of_total()[1:], rtol=0.15)


def test_parts_add_up_and_are_ordered(world: World) -> None:
    result = forecast(world.open_at(month_end(world.last)), world.history())
    assert_sound(result)
    assert result.segments[0] == ALL_SEGMENTS and len(result.months) == 13


def test_month_of_a_month_end_is_closed_already(world: World) -> None:
    as_of = month_end(world.last)
    result = forecast(world.open_at(as_of), world.history(), horizon=3)
    assert result.mean[0, 0] == pytest.approx(world.actual(world.last))
    assert result.p10[0, 0] == result.p90[0, 0] == pytest.approx(result.mean[0, 0])


def test_middle_of_a_month_adds_its_rest(world: World) -> None:
    as_of = month_end(world.last - 3).replace(day=12)
    result = forecast(world.open_at(as_of), world.history(), horizon=2)
    assert_sound(result)
    assert result.closed[0, 0] > 0 and result.open_mean[0, 0] > 0 and result.created_mean[0, 0] > 0
    assert result.closed[0, 1] == 0


def test_rows_in_another_order_change_nothing(world: World) -> None:
    as_of = month_end(world.last)
    deals, history = world.open_at(as_of), world.history()
    order = np.random.default_rng(0).permutation(len(deals))
    columns = ("segment", "win_probability", "value_mean", "value_sigma", "close_cdf", "created_on")
    shuffled = replace(deals, **{name: getattr(deals, name)[order] for name in columns})
    other = history._take(np.random.default_rng(1).permutation(len(history)))
    assert_same(forecast(deals, history, draws=500), forecast(shuffled, other, draws=500))


def test_the_seed_decides(world: World) -> None:
    deals, history = world.open_at(month_end(world.last)), world.history()
    assert_same(forecast(deals, history, draws=500, seed=4), forecast(deals, history, draws=500, seed=4))
    other = forecast(deals, history, draws=500, seed=5)
    assert (other.p50[0, 1:] != forecast(deals, history, draws=500, seed=4).p50[0, 1:]).any()


def test_what_became_known_later_changes_nothing(world: World) -> None:
    """Rows known after the as-of date, whenever they happened, are invisible; so are later past forecasts."""
    as_of = month_end(world.last - 10)
    deals, history = world.open_at(as_of), world.history()
    earlier = [forecast_parts(world.open_at(month_end(world.last - back)), history) for back in (14, 12)]
    later = forecast_parts(world.open_at(month_end(world.last - 5)), history)
    known = history.known_by(as_of)
    assert 0 < len(known) < len(history)
    assert_same(
        forecast(deals, history, past=[*earlier, later], draws=500),
        forecast(deals, known, past=earlier, draws=500),
    )


def test_a_win_recorded_late_counts_from_then() -> None:
    day = np.array(["2024-01-10"], "M8[D]")
    late = np.array(["2024-02-05"], "M8[D]")
    history = ClosedDeals(np.array(["A"]), day, day, day, late, np.array([END]), np.array([True]), np.array([100.0]))
    assert forecast(no_deals(date(2024, 1, 31)), history).closed.sum() == 0
    assert forecast(no_deals(date(2024, 2, 5)), history).closed.sum() == 0
    assert len(history.known_by(date(2024, 2, 5))) == 1


def test_what_was_known_of_a_deal_is_what_counts_on_a_day() -> None:
    won, corrected, reopened = (np.datetime64(day) for day in ("2024-01-10", "2024-01-20", "2024-02-05"))
    days = np.array([won, won])
    history = ClosedDeals(
        np.array(["A", "A"]), days, days, days, np.array([won, corrected]), np.array([corrected, reopened]),
        np.array([True, True]), np.array([100.0, 70.0]),
    )  # fmt: skip
    known = {day: history.known_by(date(2024, *day)).amount.tolist() for day in ((1, 9), (1, 10), (1, 19), (1, 20))}
    assert known == {(1, 9): [], (1, 10): [100.0], (1, 19): [100.0], (1, 20): [70.0]}
    assert history.known_by(date(2024, 2, 4)).amount.tolist() == [70.0] and not len(history.known_by(date(2024, 2, 5)))


def test_nothing_at_all_is_a_forecast_of_nothing() -> None:
    result = forecast(no_deals(date(2024, 5, 17)), no_history())
    assert result.segments == [ALL_SEGMENTS] and result.mean.sum() == 0 and result.p90.sum() == 0


def test_a_single_closed_deal_is_no_trouble() -> None:
    day = np.array(["2024-01-10"], "M8[D]")
    history = ClosedDeals(np.array(["A"]), day, day, day, day, np.array([END]), np.array([True]), np.array([100.0]))
    for as_of in (date(2024, 1, 10), date(2024, 1, 31), date(2024, 3, 31), date(2029, 3, 31)):
        assert_sound(forecast(no_deals(as_of), history, draws=200))


def test_unknown_numbers_are_no_revenue() -> None:
    deals = random_deals(1, 6)
    broken = replace(
        deals,
        win_probability=np.array([np.nan, 0.5, 2.0, -1.0, 0.5, 0.5]),
        value_mean=np.array([1.0, np.nan, 10.0, 1.0, np.inf, 5.0]),
        value_sigma=np.array([np.nan, 1.0, 9.0, -1.0, 0.1, 0.1]),
        close_cdf=np.full((6, 10), np.nan),
    )
    history = ClosedDeals(
        np.array(["A", "A"]), *(np.array(["2024-01-10", "NaT"], "M8[D]"),) * 4, np.array([END, END]),
        np.array([True, True]), np.array([np.nan, 5.0]),
    )  # fmt: skip
    assert_sound(forecast(broken, history, draws=200))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 30),
    closed=st.integers(0, 60),
    as_of=st.dates(date(2023, 1, 1), date(2025, 12, 31)),
)
def test_any_input_gives_a_sound_forecast(seed: int, count: int, closed: int, as_of: date) -> None:
    rng = np.random.default_rng(seed)
    deals = replace(random_deals(seed, count), as_of=as_of)
    created = np.datetime64("2023-01-01") + rng.integers(0, 900, closed)
    ended = created + rng.integers(0, 200, closed)
    segment = np.array([f"S{code}" for code in rng.integers(1, 5, closed)], dtype="U8")
    amount = np.where(rng.random(closed) < 0.2, 0.0, np.exp(rng.normal(5, 3, closed)))
    history = ClosedDeals(
        segment, created, created + rng.integers(0, 5, closed), ended, ended + rng.integers(0, 40, closed),
        ended + rng.integers(20, 400, closed), rng.random(closed) < 0.5, amount,
    )  # fmt: skip
    result = forecast(deals, history, draws=100, seed=seed)
    assert_sound(result)
    assert result.months[0] == month_number(as_of)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 100.0))
def test_a_forecast_scales_with_its_currency(seed: int, factor: float) -> None:
    deals = random_deals(seed, 20)
    scaled = replace(deals, value_mean=deals.value_mean * factor)
    one, other = (forecast(each, no_history(), draws=300) for each in (deals, scaled))
    np.testing.assert_allclose(other.mean, one.mean * factor, rtol=1e-9)
    np.testing.assert_allclose(other.p90, one.p90 * factor, rtol=1e-9)


@pytest.mark.parametrize("common", [0.0, 0.3])
def test_intervals_cover_in_a_world_that_follows_the_assumptions(common: float) -> None:
    """80 % intervals of the next month's total; the bounds allow for chance (standard error 3 points)."""
    inside = []
    for seed in range(15):
        world = World(seed, common=common)
        history = world.history()
        past = []
        for month in range(world.last - 14, world.last):
            deals = world.open_at(month_end(month))
            result = forecast(deals, history, horizon=1, past=past, draws=1000)
            past.append(forecast_parts(deals, history, 1))
            inside.append(result.p10[0, 1] <= world.actual(month + 1) <= result.p90[0, 1])
    assert 0.72 <= np.mean(inside) <= 0.89
