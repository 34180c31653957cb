"""Deal health: parts, categories, unknowns, monotony."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEST = {
    "days_in_stage": 5,
    "expected_stage_days": 30,
    "interactions_30d": 9,
    "days_since_last_activity": 1,
    "has_champion": True,
    "has_budget": True,
    "has_decision_maker": True,
    "days_to_expected_close": 20,
    "close_date_push_count": 0,
}
WORST = {
    "days_in_stage": 400,
    "expected_stage_days": 30,
    "interactions_30d": 0,
    "days_since_last_activity": 90,
    "has_champion": False,
    "has_budget": False,
    "has_decision_maker": False,
    "days_to_expected_close": -90,
    "close_date_push_count": 9,
}
PARTS = {"velocity", "engagement", "qualification", "recency", "schedule"}

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = st.none() | st.floats(0, 400)
flags = st.none() | st.booleans()
inputs = st.fixed_dictionaries(
    {
        "days_in_stage": numbers,
        "expected_stage_days": numbers,
        "interactions_30d": numbers,
        "days_since_last_activity": numbers,
        "has_champion": flags,
        "has_budget": flags,
        "has_decision_maker": flags,
        "days_to_expected_close": st.none() | st.floats(-200, 200),
        "close_date_push_count": numbers,
    }
)


def test_best_and_worst(call):
    best, worst = call("deal_health", **BEST), call("deal_health", **WORST)
    assert (best["health_score"], best["health_category"], best["confidence"]) == (100, "healthy", 1)
    assert (worst["health_score"], worst["health_category"], worst["confidence"]) == (0, "critical", 1)
    assert best["breakdown"] == dict.fromkeys(PARTS, 100)


def test_each_part_by_hand(call):
    found = call(
        "deal_health",
        **{
            **BEST,
            "days_in_stage": 60,
            "interactions_30d": 3,
            "days_since_last_activity": 26,
            "has_budget": False,
            "days_to_expected_close": -30,
            "close_date_push_count": 2,
        },
    )
    assert found["breakdown"] == pytest.approx(
        {"velocity": 50, "engagement": 50, "qualification": 65, "recency": 50, "schedule": 20}
    )
    assert found["health_score"] == pytest.approx(0.25 * 50 + 0.25 * 50 + 0.2 * 65 + 0.2 * 50 + 0.1 * 20)
    assert found["health_category"] == "watch"


def test_unknown_parts_drop_out(call):
    found = call("deal_health", days_in_stage=60, has_budget=True)
    assert found["breakdown"] == {
        "velocity": 50,
        "engagement": None,
        "qualification": 100,
        "recency": None,
        "schedule": None,
    }
    assert found["health_score"] == (25 * 50 + 20 * 100) // 45
    assert found["confidence"] == pytest.approx(0.45)


def test_nothing_known(call):
    found = call("deal_health")
    assert (found["health_score"], found["health_category"], found["confidence"]) == (None, None, 0)


@quick
@given(inputs)
def test_bounds(call, given_inputs):
    found = call("deal_health", **given_inputs)
    assert set(found["breakdown"]) == PARTS
    values = [*found["breakdown"].values(), found["health_score"]]
    assert all(value is None or 0 <= value <= 100 for value in values)
    assert 0 <= found["confidence"] <= 1
    assert (found["health_score"] is None) == (found["health_category"] is None)


@quick
@given(inputs, st.sampled_from(sorted(set(BEST) - {"expected_stage_days"})), st.floats(0, 1), st.floats(0, 1))
def test_monotony(call, given_inputs, name, first, second):
    # From WORST to BEST every input improves the score.
    def between(share: float) -> float | bool:
        if name.startswith("has_"):
            return share > 0.5
        return float(WORST[name]) + share * (float(BEST[name]) - float(WORST[name]))

    low, high = sorted((first, second))
    worse = call("deal_health", **{**given_inputs, name: between(low)})["health_score"]
    better = call("deal_health", **{**given_inputs, name: between(high)})["health_score"]
    # A push count without an expected close date belongs to no part, so both can be unknown.
    assert worse == better or better >= worse - 1e-9


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e308, -5])
@pytest.mark.parametrize("name", [n for n in BEST if not n.startswith("has_")])
def test_absurd_numbers_stay_within_bounds(call, name, value):
    assert 0 <= call("deal_health", **{**BEST, name: value})["health_score"] <= 100
