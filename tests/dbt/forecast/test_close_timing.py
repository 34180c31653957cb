"""Close timing by month: wins, losses and what stays open add up, as reckoned in fractions."""

import calendar
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AS_OF, HORIZON, records

KNOTS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)
DAY = date.fromisoformat(AS_OF)
# Whole sixteenths are the same in doubles and in fractions.
CLASSES = ((0, 14), (15, None))
curves = st.lists(st.integers(0, 16), min_size=10, max_size=10).map(lambda sixteenths: sorted(sixteenths))
deals = st.fixed_dictionaries({
    "stage": st.sampled_from([None, "A", "B", "never seen"]), "win": st.none() | st.integers(0, 16), "curve": curves,
    "in_stage": st.none() | st.integers(-3, 40), "expected": st.none() | st.dates(date(2024, 8, 1), date(2026, 3, 31)),
})  # fmt: skip


def _columns(curve):
    return {f"within_{knot}d_probability": value / 16 for knot, value in zip(KNOTS, curve, strict=True)}


def _by(curve, days):
    """Linear between the knots from 0 on the as-of date."""
    points = [(0, Fraction(0)), *((knot, Fraction(value, 16)) for knot, value in zip(KNOTS, curve, strict=True))]
    for (low, below), (high, above) in pairwise(points):
        if days <= high:
            return below + (above - below) * Fraction(days - low, high - low)
    return points[-1][1]


def _months():
    for ahead in range(HORIZON + 1):
        number = DAY.year * 12 + DAY.month - 1 + ahead
        first = date(number // 12, number % 12 + 1, 1)
        yield first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _class(days):
    return None if days is None else next(low for low, high in CLASSES if high is None or days <= high)


def _fill(published, found, losses):
    return published(
        marts__fct_deals=[
            {"deal_id": f"D{n}", "as_of_date": AS_OF, "stage_name": d["stage"], "expected_close_on": d["expected"],
             "stage_entered_on": None if d["in_stage"] is None else DAY - timedelta(d["in_stage"]), "is_open": True}
            for n, d in enumerate(found)
        ],
        scoring__deal_win_predictions=[
            {"deal_id": f"D{n}", "win_probability": d["win"] / 16, "rung": "model", "model_version": "v"}
            for n, d in enumerate(found) if d["win"] is not None
        ],
        scoring__deal_close_predictions=[
            {"deal_id": f"D{n}", "rung": "model", "model_version": "v", **_columns(d["curve"])}
            for n, d in enumerate(found)
        ],
        scoring__deal_loss_timings=[
            {"stage_name": stage, "days_in_stage_from": low, "days_in_stage_to": dict(CLASSES).get(low),
             "deal_count": 1, **_columns(curve)}
            for (stage, low), curve in losses.items()
        ],
    )  # fmt: skip


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    found=st.lists(deals, max_size=5),
    stages=st.sets(st.sampled_from(["A", "B"])),
    by_days=st.booleans(),
)
def test_wins_losses_and_what_stays_open_add_up(published, data, found, stages, by_days):
    # Runs from before there were classes of days have only rows of any days.
    lows = [low for low, _ in CLASSES] if by_days else []
    losses = {(stage, low): data.draw(curves) for stage in [*sorted(stages), None] for low in [*lows, None]}
    with _fill(published, found, losses) as conn:
        rows = records(conn, "select * from marts.deal_close_timing order by deal_id, month_start_on")
    scored = {f"D{n}": deal for n, deal in enumerate(found) if deal["win"] is not None}
    assert len(rows) == len(scored) * (HORIZON + 1)
    closed = dict.fromkeys(scored, Fraction(0))
    for row in rows:
        deal = scored[row["deal_id"]]
        win = Fraction(deal["win"], 16)
        stage, low = deal["stage"] if deal["stage"] in stages else None, _class(deal["in_stage"]) if by_days else None
        loss_curve = losses[stage, low]
        first, last = next(pair for pair in _months() if pair[0] == row["month_start_on"])
        days, before = (last - DAY).days, (first - DAY).days - 1
        won = win * (_by(deal["curve"], days) - _by(deal["curve"], max(before, 0)))
        lost = (1 - win) * (_by(loss_curve, days) - _by(loss_curve, max(before, 0)))
        closed[row["deal_id"]] += won + lost
        assert row["win_probability"] == pytest.approx(float(won), abs=1e-12)
        assert row["loss_probability"] == pytest.approx(float(lost), abs=1e-12)
        assert row["still_open_probability"] == pytest.approx(float(1 - closed[row["deal_id"]]), abs=1e-12)
        expected = None if deal["expected"] is None else max(deal["expected"].replace(day=1), DAY.replace(day=1))
        slips = row["still_open_probability"] if expected == first else None
        assert row["slip_probability"] == slips


def test_a_deal_without_predictions_has_no_rows(published):
    deal = {"stage": "A", "in_stage": 3, "win": None, "curve": [0] * 10, "expected": None}
    with _fill(published, [deal], {(None, None): [0] * 10}) as conn:
        assert records(conn, "select * from marts.deal_close_timing") == []
