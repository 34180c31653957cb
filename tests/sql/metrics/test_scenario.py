"""Scenarios of the forecast: nothing changes nothing, more is more, parts add up, and means are those of the deals."""

import json
from decimal import Decimal

import numpy as np
import pytest
import scenario_world as world
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from revlayer_udf.forecast.months import days_to_month_ends
from revlayer_udf.forecast.pipeline import month_probabilities

several = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BY_SEGMENT = "select * from metrics.scenario_by_segment(%s::jsonb)"
AMOUNTS = slice(3, 13)
changes = st.floats(-1, 4) | st.floats(-0.2, 0.2)
cycles = st.floats(-0.9, 3) | st.floats(-0.2, 0.2)
scenarios = st.fixed_dictionaries({}, optional=dict.fromkeys(world.NAMES[:3], changes) | {"cycle_change": cycles})


@pytest.fixture(scope="module")
def made():
    """With segments of few deals, so that months without a win are likely."""
    return world.make(per_month=25.0)


@pytest.fixture(scope="module")
def reader(make_database, made):
    database = make_database("scenario")
    with database.connect("transformer") as conn:
        world.publish(conn, made, world.CYCLES)
    with database.connect("reader", autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="module")
def by_segment(reader, made):
    """Return a function: rows of a scenario by segment, kind of period and its first day."""

    def run(given):
        rows = reader.execute(BY_SEGMENT, [json.dumps(given)]).fetchall()
        return {row[:3]: row[AMOUNTS] for row in rows}

    run.made = made
    return run


def company(rows):
    return {key[1:]: row for key, row in rows.items() if key[0] == "(all)"}


@pytest.mark.parametrize("given", [{}, {"(all)": {}}, {"(all)": dict.fromkeys(world.NAMES, 0), "Large / North": {}}])
def test_no_change_is_the_published_forecast_exactly(reader, by_segment, given):
    rows = by_segment(given)
    assert len(rows) == 4 * 15
    published = {
        (segment, "month", month): values
        for segment, month, *values in reader.execute(
            "select segment_id, period_start_on, max(amount) filter (where probability = 0.1),"
            " max(amount) filter (where probability = 0.5), max(amount) filter (where probability = 0.9)"
            " from marts.revenue_forecast_quantiles where period_type = 'month' group by 1, 2"
        )
    }
    means = {
        ("(all)" if segment is None else segment, "month", month): mean
        for segment, month, mean in reader.execute(
            "select segment_id, month_start_on, sum(mean_amount) from marts.revenue_forecast_monthly"
            " group by grouping sets ((segment_id, month_start_on), (month_start_on))"
        )
    }
    for key, row in rows.items():
        assert row[0] == row[1] and row[2] == 0 and row[4:7] == row[7:10]
        if key[1] == "month":
            assert row[0] == means[key] and list(row[4:7]) == published[key]
    months = [row[0] for key, row in company(rows).items() if key[0] == "month"]
    assert len(months) == 13
    [(horizon, low, middle, high)] = reader.execute(
        "select max(mean_amount), max(amount) filter (where probability = 0.1), max(amount) filter (where probability ="
        " 0.5), max(amount) filter (where probability = 0.9) from marts.revenue_forecast_horizon"
        " where segment_id = '(all)'"
    ).fetchall()
    row = company(rows)["horizon", min(key[1] for key in company(rows))]
    assert row[0] == sum(months) and abs(row[0] - horizon) < 1 and row[4:7] == (low, middle, high)


def test_the_functions_of_one_and_of_many_segments_agree(reader, by_segment):
    values = (0.1, 0.05, 0.15, -0.1)
    rows = reader.execute("select * from metrics.scenario(%s, %s, %s, %s)", values).fetchall()
    wanted = company(by_segment({"(all)": dict(zip(world.NAMES, values, strict=True))}))
    assert {row[:2]: row[2:] for row in rows} == wanted and len(rows) == 15
    assert reader.execute("select sum(delta_amount) from metrics.scenario()").fetchone() == (0,)


@pytest.mark.identity
@given(st.sampled_from(world.NAMES), scenarios, changes, changes)
@several
def test_more_is_more(by_segment, name, others, one, other):
    """Means and quantiles rise with wins, sizes and deals; a longer cycle moves revenue to later."""
    low, high = sorted(max(value, -0.9) if name == "cycle_change" else value for value in (one, other))
    assume(low < high)
    less, more = (company(by_segment({"(all)": others | {name: value}})) for value in (low, high))
    if name != "cycle_change":
        for key, row in less.items():
            assert row[1] <= more[key][1]
            if key[0] != "later":
                assert all(before <= after for before, after in zip(row[7:], more[key][7:], strict=True))
        return
    cent = Decimal("0.01") * 3
    until = [sum(rows[key][1] for key in sorted(rows) if key[0] == "month" and key[1] <= month[1]) for rows in
             (less, more) for month in sorted(less) if month[0] == "month"]  # fmt: skip
    assert all(short >= long - 13 * cent for short, long in zip(until[:13], until[13:], strict=True))
    [later] = [key for key in less if key[0] == "later"]
    assert less[later][1] <= more[later][1] + cent
    # What leaves the horizon comes later.
    months = [key for key in less if key[0] == "month"]
    totals = [sum(rows[key][1] for key in (*months, later)) for rows in (less, more)]
    assert abs(totals[0] - totals[1]) <= 14 * cent


@pytest.mark.identity
@given(st.dictionaries(st.sampled_from(["(all)", "Large / North", "Large / South", "Small / North"]), scenarios))
@several
def test_segments_and_months_add_up(by_segment, given):
    rows = by_segment(given)
    for key in company(rows):
        parts = [row for found, row in rows.items() if found[0] != "(all)" and found[1:] == key]
        for place in range(3):
            assert sum(part[place] for part in parts) == rows["(all)", *key][place]
    for segment in {key[0] for key in rows}:
        months = [row for key, row in rows.items() if key[:2] == (segment, "month")]
        [horizon] = [row for key, row in rows.items() if key[:2] == (segment, "horizon")]
        assert all(sum(month[place] for month in months) == horizon[place] for place in range(3))
        for row in (*months, horizon):
            assert row[1] == row[0] + row[2] and 0 <= row[7] <= row[8] <= row[9]


@pytest.mark.identity
@given(scenarios)
@several
def test_a_segment_changes_alone(by_segment, given):
    rows, before = by_segment({"Large / South": given}), by_segment({})
    for key, row in rows.items():
        if key[0] not in ("(all)", "Large / South"):
            assert row == before[key]


@pytest.mark.identity
@given(scenarios)
@several
def test_means_are_those_of_the_changed_deals(by_segment, given):
    """Deal by deal; where a win rate would rise above 1, deals of one hundredth share their bound."""
    made = by_segment.made  # not a fixture of its own: hypothesis would print all of it
    win, size, growth, cycle = (given.get(name, 0.0) for name in world.NAMES)
    ends = days_to_month_ends(made.as_of, 12)
    rows, deals = by_segment({"(all)": given}), made.deals
    probability = deals.win_probability * (1 + win)
    tolerance = 1e-9 if probability.max() <= 1 else 0.004
    shares = month_probabilities(deals.close_cdf, ends / (1 + cycle))
    value = np.minimum(probability, 1.0) * deals.value_mean * (1 + size) * (1 + growth)
    delay, waiting = world.delay(world.CYCLES, cycle, ends)
    for number, segment in enumerate(made.parts.segments):
        mine = deals.segment == segment
        created = made.parts.created.mean[number] * (1 + size) * (1 + growth) * world.effect(made, segment, win)
        wanted = made.parts.closed[number] + value[mine] @ shares[mine] + created * delay
        found = [float(row[1]) for key, row in sorted(rows.items()) if key[:2] == (segment, "month")]
        np.testing.assert_allclose(found, wanted, rtol=tolerance + 1e-4, atol=0.02)
        wanted = value[mine] @ (1 - shares[mine].sum(axis=1)) + created @ waiting
        [later] = [float(row[1]) for key, row in rows.items() if key[:2] == (segment, "later")]
        assert later == pytest.approx(wanted, rel=tolerance + 1e-4, abs=1e-5 * float(value[mine].sum()) + 0.05)


@pytest.mark.parametrize(
    "given",
    [
        {"win_rate_increase": 0.1, "deal_size_increase": 0.05, "pipeline_growth": 0.15},
        {"win_rate_increase": 3.0, "cycle_change": 0.2},
        {"win_rate_increase": -0.5},
        {"pipeline_growth": 1.0, "cycle_change": -0.4},
    ],
)
def test_intervals_are_those_of_draws_of_the_changed_deals(by_segment, made, given):
    """Apart by shares of the interval's width: the published quantiles have an error of sampling of 2 % themselves."""
    rows, drawn = by_segment({"(all)": given}), world.draw(made, given, 12_000, 1, world.CYCLES)
    apart = {"(all)": [], "segment": []}
    for key, row in rows.items():
        if key[1] == "later" or key[2] == min(rows)[2]:
            continue
        segment = None if key[0] == "(all)" else made.parts.segments.index(key[0])
        month = (
            None if key[1] == "horizon" else int(made.months.searchsorted((key[2].year - 1970) * 12 + key[2].month - 1))
        )
        wanted = drawn.quantiles(segment, month)
        found = np.array([float(value) for value in row[7:10]])
        apart["(all)" if segment is None else "segment"].append(np.abs(found - wanted) / (wanted[2] - wanted[0]))
    assert np.mean(apart["(all)"]) < 0.03 and np.max(apart["(all)"]) < 0.1
    assert np.mean(apart["segment"]) < 0.05 and np.max(apart["segment"]) < 0.2
