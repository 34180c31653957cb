"""The open pipeline of random histories on any day and its change between any two, against a reckoning in Python."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from billing_rows import AS_OF, FIRST, LAST
from deal_histories import days_of_interest, deal_histories, known_by
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_change_reckoning import change
from pipeline_reckoning import PipelineReckoning
from reckoned_days import month_ends

quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
PERIODS = month_ends(FIRST - timedelta(days=1), AS_OF)
CHANGE = (
    "select cause, currency_code, owner_id, segment_id, event_count, deal_count, deal_without_rate_count, amount,"
    " reporting_amount from metrics.pipeline_change(%s, %s, %s, %s)"
)
#: Windows of close dates: none, a quarter, the past, the future, one day.
WINDOWS = (
    (None, None), (date(2024, 7, 1), date(2024, 9, 30)), (None, date(2024, 6, 30)), (date(2024, 10, 1), None),
    (date(2024, 9, 30), date(2024, 9, 30)),
)  # fmt: skip
#: Two days by their places among those of interest, and a window.
questions = st.lists(
    st.tuples(st.integers(0, 999), st.integers(0, 999), st.sampled_from(WINDOWS)), min_size=6, max_size=6
)


def _as_of(conn, days):
    """Open deals by day."""
    rows = conn.execute(
        "select day, deal_id, stage_id, forecast_category, owner_id, account_id, segment_id, expected_close_on,"
        " currency_code, amount, reporting_amount"
        " from unnest(%s::date[]) as day cross join lateral metrics.pipeline_as_of(day)",
        (days,),
    ).fetchall()
    found = defaultdict(dict)
    for day, deal, *columns in rows:
        assert deal not in found[day]
        found[day][deal] = tuple(columns)
    return found


@pytest.mark.identity
@quiet
@given(rows=deal_histories())
def test_the_pipeline_of_any_day_is_that_of_the_reckoning(models, rows):
    reckoning, days = PipelineReckoning(rows, AS_OF), days_of_interest(rows)
    with models.filled(rows) as conn:
        found = _as_of(conn, [*days, AS_OF, LAST])
        assert found[LAST] == found[AS_OF]
        for day in days:
            expected = {
                deal: (
                    state.stage, state.category, state.owner, state.account, state.segment, state.close_on,
                    state.currency, state.amount, reckoning.reported(state.amount, state.currency, day),
                )
                for deal, state in reckoning.pipeline(day).items()
            }  # fmt: skip
            assert found[day] == expected, day


@pytest.mark.identity
@quiet
@given(rows=deal_histories(), number=st.integers(0, 999))
def test_the_past_is_what_a_replay_without_later_rows_gives(models, rows, number):
    days = days_of_interest(rows)
    day = days[number % len(days)]
    before = [other for other in days if other <= day]
    with models.filled(rows) as conn:
        known = _as_of(conn, before)
        models.refill(known_by(rows, day))
        assert _as_of(conn, before) == known


@pytest.mark.identity
@quiet
@given(rows=deal_histories())
def test_every_event_has_the_cause_of_the_reckoning(models, rows):
    expected = [
        (event.deal, event.day, event.cause, event.before is not None and event.before.is_open, event.after.is_open,
         event.before and event.before.amount, event.after.amount)
        for event in PipelineReckoning(rows, AS_OF).events()
    ]  # fmt: skip
    with models.filled(rows) as conn:
        found = conn.execute(
            "select deal_id, changed_on, cause, was_open, is_open, previous_amount, amount"
            " from marts.fct_pipeline_changes order by deal_id, change_number"
        ).fetchall()
    assert found == expected


def _check_adding_up(found):
    """Opening + changes = closing: deals and amounts of each currency, owner and segment, and reporting amounts."""
    sums = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    for (cause, *group), (_, deals, _, amount, reporting) in found.items():
        sign = -1 if cause == "closing" else 1
        for place, part in enumerate((deals, amount, reporting)):
            sums[tuple(group)][place] += sign * part
    assert [group for group, values in sums.items() if any(values)] == []
    for cause in ("owner_moved", "segment_moved"):
        assert sum(values[3] for (name, *_), values in found.items() if name == cause) == 0


@pytest.mark.identity
@quiet
@given(rows=deal_histories(), asked=questions)
def test_the_change_between_any_two_days_adds_up(models, rows, asked):
    reckoning, days = PipelineReckoning(rows, AS_OF), days_of_interest(rows)
    events = reckoning.events()
    with models.filled(rows) as conn:
        for one, other, (low, high) in asked:
            first, last = sorted((days[one % len(days)], days[other % len(days)]))
            found = {row[:4]: list(row[4:]) for row in conn.execute(CHANGE, (first, last, low, high)).fetchall()}
            _check_adding_up(found)

            def is_in(close_on, low=low, high=high):
                if close_on is None:
                    return low is None and high is None
                return (low is None or close_on >= low) and (high is None or close_on <= high)

            expected = change(reckoning, events, first, last, is_in, is_bounded=bool(low or high))
            assert found == expected, (first, last, low, high)


def _quarter(day):
    return day and date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


@pytest.mark.identity
@quiet
@given(rows=deal_histories())
def test_months_by_close_quarter_add_up(models, rows):
    reckoning = PipelineReckoning(rows, AS_OF)
    events = reckoning.events()
    with models.filled(rows) as conn:
        monthly = conn.execute(
            "select month_start_on, opening_on, closing_on, close_quarter_start_on, cause, currency_code, owner_id,"
            " segment_id, event_count, deal_count, deal_without_rate_count, amount, reporting_amount"
            " from marts.pipeline_changes_monthly"
        ).fetchall()
    found = defaultdict(dict)
    for row in monthly:
        found[row[2], row[3]][row[4:8]] = list(row[8:])
    closings = {end: start for start, end in PERIODS}
    assert all(row[0] == closings[row[2]] for row in monthly)
    quarters = {_quarter(state.close_on) for event in events for state in (event.before, event.after) if state}
    ends = [end for _, end in PERIODS]
    for opening, closing in pairwise(ends):
        for quarter in quarters:
            expected = change(
                reckoning, events, opening, closing, lambda day, quarter=quarter: _quarter(day) == quarter, True
            )
            assert found.pop((closing, quarter), {}) == expected, (closing, quarter)
            _check_adding_up(expected)
    assert found == {}
