"""Factors that deals share, quarters that hang together, and the distribution as rows."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from forecast_world import World
from hypothesis import given, settings
from hypothesis import strategies as st

from revlayer_udf.forecast import forecast, forecast_parts, rows
from revlayer_udf.forecast.distribution import PROBABILITIES, share_below
from revlayer_udf.forecast.months import days_to_month_ends, month_end, month_number, month_of, quarter_start
from revlayer_udf.forecast.pipeline import draw_segment
from revlayer_udf.forecast.spread import (
    CORRELATIONS,
    GRID,
    PastError,
    common_factor_weights,
    correlation_weights,
    draw_factors,
    draw_spread,
    expected_square,
    segment_factor_weights,
)


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, per_month=15)


def missed(rng, count: int, *, common: float = 0.0, own: float = 0.0, correlation: float = 0.0) -> list[PastError]:
    """Errors of four segments with a mean of 100 and a standard deviation of 5, three months of each forecast."""
    errors = []
    for origin in range(count):
        shared, alone = rng.standard_normal(), rng.standard_normal(3)
        factors = 1 + common * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * alone)
        for ahead in (1, 2, 3):
            mean = np.full(4, 100.0)
            actual = mean * factors[ahead - 1] * (1 + own * rng.standard_normal(4)) + 5 * rng.standard_normal(4)
            errors.append(PastError(origin, ahead, actual, mean, np.full(4, 25.0), 100.0))
    return errors


def root(weights: np.ndarray) -> float:
    return float(np.sqrt(expected_square(weights)))


def test_the_common_and_the_segments_factors_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    common, own = missed(rng, 40, common=0.3), missed(rng, 40, own=0.3)
    assert root(segment_factor_weights(common, 1)) < 0.06 and root(segment_factor_weights(own, 1)) > 0.2
    spread = root(segment_factor_weights(own, 1))
    assert root(common_factor_weights(common, 1)) > 0.2
    assert root(common_factor_weights(own, 1, spread)) < root(common_factor_weights(own, 1, 0.0))


def test_without_errors_the_prior_stands_and_one_segment_has_nothing_of_its_own() -> None:
    assert segment_factor_weights([], 1)[0] == 1.0
    alone = PastError(0, 1, np.array([150.0, 0.0]), np.array([100.0, 0.0]), np.array([25.0, 0.0]), 25.0)
    assert segment_factor_weights([alone], 1)[0] == 1.0
    assert 0.1 < root(common_factor_weights([], 1)) < 0.2
    np.testing.assert_allclose(correlation_weights([], np.full(4, 0.1)), 1 / len(CORRELATIONS))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.2, 3.0), min_size=1, max_size=5))
def test_what_all_segments_share_says_nothing_of_their_own(shares: list[float]) -> None:
    """Twice as much everywhere teaches of the segments what a perfect forecast does."""
    mean = 100 * np.array([*shares, 1.0])
    variance = np.full(len(mean), 4.0)
    twice, right = (PastError(0, 1, level * mean, mean, variance, variance.sum()) for level in (2.0, 1.0))
    np.testing.assert_allclose(segment_factor_weights([twice], 1), segment_factor_weights([right], 1), atol=1e-12)


def test_months_that_miss_together_correlate() -> None:
    rng = np.random.default_rng(2)
    spreads = np.full(4, 0.3)
    together = correlation_weights(missed(rng, 60, common=0.3, correlation=0.95), spreads) @ CORRELATIONS
    apart = correlation_weights(missed(rng, 60, common=0.3), spreads) @ CORRELATIONS
    assert apart < 0.3 < 0.7 < together


def test_factors_have_mean_one_their_spread_and_their_correlation() -> None:
    rng = np.random.default_rng(3)
    draws = 200_000
    factors = draw_factors(np.full((3, draws), 0.4), np.full(draws, 0.6), rng)
    np.testing.assert_allclose(factors.mean(axis=1), 1.0, atol=0.01)
    np.testing.assert_allclose(factors.std(axis=1), 0.4, rtol=0.03)
    np.testing.assert_allclose(np.corrcoef(np.log(factors))[np.triu_indices(3, 1)], 0.6, atol=0.01)


def test_spreads_are_drawn_by_their_weights() -> None:
    weights = np.zeros(len(GRID))
    weights[[2, 10]] = 0.25, 0.75
    drawn = draw_spread(weights, np.array([0.0, 0.2, 0.3, 0.999999]))
    np.testing.assert_array_equal(drawn, GRID[[2, 2, 10, 10]])


@pytest.mark.parametrize(
    ("month", "start", "first"), [(0, 1, 0), (2, 1, 0), (3, 1, 3), (3, 2, 1), (4, 2, 4), (0, 2, -2)]
)
def test_quarters_begin_with_the_fiscal_year(month: int, start: int, first: int) -> None:
    assert quarter_start(month, start) == first


def test_quarters_hold_their_months_and_what_closed_before(world: World) -> None:
    as_of = month_end(world.last - 3).replace(day=12)
    history = world.history()
    for start in (1, 2, 3):
        result = forecast(world.open_at(as_of), history, horizon=7, draws=300, fiscal_start_month=start)
        first = int(result.quarters[0])
        assert first <= month_number(as_of) < first + 3 and result.quarters[-1] + 2 <= result.months[-1]
        won = history.known_by(as_of).won()
        before = won.amount[(month_of(won.closed_on) >= first) & (month_of(won.closed_on) < month_number(as_of))].sum()
        inside = result.months < first + 3
        assert result.quarter_mean[0, 0] == pytest.approx(result.mean[0, inside].sum() + before)
        assert result.quarter_mean[0, 1] == pytest.approx(result.mean[0, ~inside][:3].sum())
        np.testing.assert_allclose(result.quarter_mean[0], result.quarter_mean[1:].sum(axis=0))
        # What is won is in every quantile, and quantiles rise.
        assert (result.distribution.quarters[0, 0] >= before + result.closed[0, 0] - 1e-6).all()
        assert (np.diff(result.distribution.quarters, axis=2) >= 0).all()


def test_a_short_horizon_has_no_whole_quarter(world: World) -> None:
    result = forecast(world.open_at(month_end(world.last - 2)), world.history(), horizon=1, draws=50)
    assert len(result.quarters) == 0 and result.quarter_mean.shape[1] == 0
    assert set(rows.quantile_table(result)["period_type"].to_pylist()) == {"month"}


def test_quarters_of_one_factor_are_wider_than_of_three(world: World) -> None:
    """A forecast that misses for a whole quarter is less certain of it than one that misses month by month."""
    as_of, history = month_end(world.last), world.history()
    deals = world.open_at(as_of)
    past = [forecast_parts(world.open_at(month_end(world.last - back)), history) for back in range(12, 0, -1)]
    high = [replace(parts, created=replace(parts.created, mean=parts.created.mean * 0.2)) for parts in past]
    for made in (past, high):
        result = forecast(deals, history, past=made, draws=2000)
        months = result.distribution.months[0, 1:4]
        width = (result.distribution.quarters[0, 1, -12] - result.distribution.quarters[0, 1, 11]) / 2
        widths = (months[:, -12] - months[:, 11]) / 2
        assert np.sqrt((widths**2).sum()) * 0.85 < width < widths.sum()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=103, max_size=103).map(sorted), st.integers(-10, 310))
def test_share_below_is_the_inverse_of_the_quantiles(held: list[int], amount: int) -> None:
    share = share_below(np.array([held], dtype=np.float64), np.array([float(amount)]))[0]
    below = PROBABILITIES[np.array(held) < amount]
    above = PROBABILITIES[np.array(held) > amount]
    assert (below[-1] if len(below) else 0.0) <= share <= (above[0] if len(above) else 1.0)


def test_rows_hold_every_figure_once(world: World) -> None:
    result = forecast(world.open_at(month_end(world.last)), world.history(), horizon=5, draws=100)
    segments, periods = len(result.segments), len(result.months) + len(result.quarters)
    quantiles = rows.quantile_table(result)
    assert quantiles.num_rows == segments * periods * len(PROBABILITIES)
    found = {
        (row["period_type"], row["period_start_on"], row["segment_id"], row["probability"]): row["amount"]
        for row in quantiles.to_pylist()
    }
    assert len(found) == quantiles.num_rows
    assert found["month", date(2025, 2, 1), "Large / South", 0.9] == pytest.approx(result.p90[2, 2])
    parts = rows.parts_table(result).to_pylist()
    assert len(parts) == (segments - 1) * len(result.months)
    of_month = [row for row in parts if row["month_start_on"] == date(2025, 2, 1)]
    total = sum(row["closed_amount"] + row["open_mean"] + row["created_mean"] for row in of_month)
    assert total == pytest.approx(result.mean[0, 2])


def test_the_published_parts_make_up_mean_and_variance() -> None:
    """Of segments and of the company, by the formulas of docs/forecast.md, against draws of all that is in them."""
    world, draws, rng = World(11, per_month=40), 20_000, np.random.default_rng(5)
    as_of = month_end(world.last)
    result = forecast(world.open_at(as_of), world.history(), horizon=1, draws=100)
    found = [row for row in rows.parts_table(result).to_pylist() if row["month_start_on"] == date(2025, 1, 1)]
    deals, days = world.open_at(as_of).cleaned(), days_to_month_ends(as_of, 1)
    parts, spreads = result.parts, result.spreads
    created = parts.created.draw_factors(draws, rng)
    total = np.zeros(draws)
    common = draw_factors(draw_spread(spreads.common[1], rng.random(draws))[None], np.zeros(draws), rng)[0]
    own_spread = draw_spread(spreads.own[1], rng.random(draws))[None]
    for number, row in enumerate(found):
        members = np.flatnonzero(parts.codes(deals) == number)
        drawn = draw_segment(deals, members, parts.open_deals, number, days, draws, rng)[1]
        drawn += parts.created.draw_segment(number, created, rng)[1]
        drawn *= common * draw_factors(own_spread, np.zeros(draws), rng)[0]
        mean, variance = published_moments([row])
        assert drawn.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / draws))
        assert drawn.var() == pytest.approx(variance, rel=0.12)
        total += drawn
    mean, variance = published_moments(found)
    assert total.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / draws))
    assert total.var() == pytest.approx(variance, rel=0.12)


def published_moments(found: list[dict[str, float]]) -> tuple[float, float]:
    """Mean and variance of what is to come in some segments of one month, from their published parts alone."""

    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in found])

    first = found[0]
    level = (1 + first["created_level_variance"]) * (1 + first["created_error_variance"]) - 1
    made = column("created_mean")
    mean, alone = column("open_mean") + made, column("open_variance") + column("created_variance")
    own = first["segment_variance"] * (alone + level * made**2 + mean**2).sum()
    square = alone.sum() + level * made.sum() ** 2 + mean.sum() ** 2 + own
    return float(mean.sum()), float((1 + first["common_variance"]) * square - mean.sum() ** 2)
