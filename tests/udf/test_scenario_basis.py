"""The basis of scenarios holds every deal once: wins, means and squares of values, in and after the intervals."""

from dataclasses import replace

import numpy as np
import pytest
from forecast_world import World

from revlayer_udf.forecast import forecast, scenario
from revlayer_udf.forecast.distribution import PROBABILITIES
from revlayer_udf.forecast.months import month_end
from revlayer_udf.targets import CLOSE_DAYS


@pytest.fixture(scope="module")
def made():
    world = World(4)
    deals = world.open_at(month_end(world.last))
    probability = deals.win_probability.copy()
    probability[:3] = 0.0, 1.0, np.nan
    return forecast(replace(deals, win_probability=probability), world.history(), horizon=3, draws=300)


def test_sums_are_those_of_the_deals(made):
    rows, deals = scenario.basis_table(made).to_pylist(), made.deals
    assert len({(row["segment_id"], row["win_class"], row["from_days"]) for row in rows}) == len(rows)
    for segment in made.parts.segments:
        for win_class in range(100):
            mine = (deals.segment == segment) & (np.minimum(np.floor(deals.win_probability * 100), 99) == win_class)
            held = [row for row in rows if (row["segment_id"], row["win_class"]) == (segment, win_class)]
            wins = deals.win_probability[mine]
            square = deals.value_mean[mine] ** 2 * np.exp(deals.value_sigma[mine] ** 2)
            assert sum(row["win_count"] for row in held) == pytest.approx(wins.sum())
            assert sum(row["mean_amount"] for row in held) == pytest.approx(wins @ deals.value_mean[mine])
            assert sum(row["second_moment"] for row in held) == pytest.approx(wins @ square)
            for row in held:
                assert row["win_probability"] == pytest.approx(wins.mean())
                within = np.c_[np.zeros(mine.sum()), deals.close_cdf[mine], np.ones(mine.sum())]
                place = (0, *CLOSE_DAYS).index(row["from_days"])
                assert row["to_days"] == (*CLOSE_DAYS, None)[place]
                assert row["win_count"] == pytest.approx(wins @ (within[:, place + 1] - within[:, place]))


def test_the_horizon_is_the_distribution_of_all_months(made):
    table = scenario.horizon_table(made)
    assert table.num_rows == len(made.segments) * len(PROBABILITIES)
    held = made.distribution.horizon
    assert (np.diff(held, axis=1) >= 0).all()
    means = np.unique(table["mean_amount"].to_numpy())
    np.testing.assert_allclose(np.sort(means), np.sort(made.mean.sum(axis=1)))
    # The mean of a distribution lies within its quantiles, and no month adds more than it has.
    assert (held[:, 0] < made.mean.sum(axis=1)).all() and (held[:, -1] > made.mean.sum(axis=1)).all()
    assert (held[:, 52] < made.distribution.months[:, :, -1].sum(axis=1)).all()


def test_without_deals_there_is_no_basis():
    world = World(4)
    as_of = month_end(world.last)
    deals = world.open_at(as_of)
    nothing = replace(deals, **{
        name: getattr(deals, name)[:0]
        for name in ("segment", "win_probability", "value_mean", "value_sigma", "close_cdf", "created_on")
    })  # fmt: skip
    made = forecast(nothing, world.history(), horizon=2, draws=50)
    assert scenario.basis_table(made).num_rows == 0 and scenario.horizon_table(made).num_rows == 4 * len(PROBABILITIES)
