"""The rule-based close probability: worked example, bounds, monotony, unknowns, hostile text."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLE = {
    "stage": "proposal",
    "days_in_stage": 10,
    "lead_score": 75,
    "interactions": 8,
    "objections_handled": 2,
    "has_champion": True,
    "has_budget": True,
    "has_decision_maker": False,
    "competitors": 1,
}

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

numbers = st.none() | st.floats(0, 500, allow_nan=False)
flags = st.none() | st.booleans()
inputs = st.fixed_dictionaries(
    {
        "stage": st.sampled_from(["lead", "Proposal", "negotiation", "Closed Won", "closed-lost", "no such stage"]),
        "days_in_stage": numbers,
        "lead_score": st.none() | st.floats(0, 100),
        "interactions": numbers,
        "objections_handled": numbers,
        "has_champion": flags,
        "has_budget": flags,
        "has_decision_maker": flags,
        "competitors": numbers,
    }
)


def test_worked_example(call):
    found = call("close_probability", **EXAMPLE)
    assert found["breakdown"] == {
        "stage_base": 50,
        "engagement_boost": 23.5,
        "qualification_boost": 25,
        "velocity_penalty": 0,
        "competition_penalty": -5,
        "unknown_inputs": [],
    }
    assert found["score_points"] == 93.5
    assert found["confidence"] == 1
    assert found["close_probability"] == pytest.approx(0.01 + 0.98 / (1 + math.exp(-(93.5 - 50) / 20)))
    assert found["key_factors"][:3] == [
        "budget confirmed (+15)",
        "interactions: 8 (+12)",
        "champion identified (+10)",
    ]
    assert "competitors mentioned: 1 (-5)" in found["key_factors"]


def test_slow_deals_lose_points_up_to_a_limit(call):
    points = [
        call("close_probability", **{**EXAMPLE, "days_in_stage": days})["breakdown"]["velocity_penalty"]
        for days in (30, 35, 80, 155, 900)
    ]
    assert points == [0, -1, -10, -25, -25]


@pytest.mark.parametrize("name", ["Proposal", " PROPOSAL ", "proposal", "needs_analysis", "Needs-Analysis"])
def test_stage_names_match_however_they_are_written(call, name):
    base = {"p": 50, "n": 30}[name.strip().lower()[0]]
    assert call("close_probability", stage=name)["breakdown"]["stage_base"] == base


@quick
@given(inputs)
def test_bounds_and_parts(call, given_inputs):
    found = call("close_probability", **given_inputs)
    parts = found["breakdown"]
    assert 0.01 <= found["close_probability"] <= 0.99
    assert 0 <= found["confidence"] <= 1
    assert found["score_points"] == pytest.approx(
        sum(value for name, value in parts.items() if name != "unknown_inputs")
    )
    assert parts["velocity_penalty"] <= 0 and parts["competition_penalty"] <= 0
    assert parts["engagement_boost"] >= 0 and parts["qualification_boost"] >= 0


@quick
@given(
    inputs,
    st.sampled_from(["lead_score", "interactions", "objections_handled", "competitors", "days_in_stage"]),
    st.floats(0, 99, allow_nan=False),
    st.floats(0.01, 50),
)
def test_rises_with_every_boost_and_falls_with_every_penalty(call, given_inputs, name, low, step):
    high = min(low + step, 100)
    less = call("close_probability", **{**given_inputs, name: low})
    more = call("close_probability", **{**given_inputs, name: high})
    sign = -1 if name in {"competitors", "days_in_stage"} else 1
    points = sign * (more["score_points"] - less["score_points"])
    gained = sign * (more["close_probability"] - less["close_probability"])
    assert points >= 0 and gained >= 0
    # Slowness has a free time and a limit. Far out on the curve two doubles are the same.
    if name != "days_in_stage":
        assert points > 0
        if max(abs(more["score_points"]), abs(less["score_points"])) < 400:
            assert gained > 0


@quick
@given(inputs, st.sampled_from(["has_champion", "has_budget", "has_decision_maker"]))
def test_rises_with_every_qualification(call, given_inputs, name):
    without = call("close_probability", **{**given_inputs, name: False})
    having = call("close_probability", **{**given_inputs, name: True})
    assert having["score_points"] > without["score_points"]
    assert having["close_probability"] >= without["close_probability"]


@pytest.mark.parametrize("name", [n for n in EXAMPLE if n != "stage"])
def test_an_unknown_input_is_named_and_costs_confidence(call, name):
    found = call("close_probability", **{**EXAMPLE, name: None})
    assert found["breakdown"]["unknown_inputs"] == [name.removeprefix("has_")]
    assert found["confidence"] < 1


def test_unknown_is_not_zero(call):
    unknown = call("close_probability", **{**EXAMPLE, "lead_score": None})
    zero = call("close_probability", **{**EXAMPLE, "lead_score": 0})
    assert unknown["score_points"] > zero["score_points"]
    assert zero["confidence"] == 1


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e308, -5])
@pytest.mark.parametrize("name", ["days_in_stage", "lead_score", "interactions", "objections_handled", "competitors"])
def test_absurd_numbers_stay_within_bounds(call, name, value):
    assert 0.01 <= call("close_probability", **{**EXAMPLE, name: value})["close_probability"] <= 0.99


@pytest.mark.parametrize(
    "text",
    [
        "'; drop table marts.rule_close_probability; --",
        "(default)",
        "",
        "%",
        "\\",
        '"',
        "proposal' or '1'='1",
        None,
    ],
)
def test_hostile_stage_names_are_only_unknown_stages(call, text):
    found = call("close_probability", stage=text)
    assert found["breakdown"]["stage_base"] == 30
    assert "stage" in found["breakdown"]["unknown_inputs"]
    assert found["confidence"] == 0


def test_hidden_tables_of_the_caller_are_not_read(reader):
    reader.execute("create temporary table rule_close_probability (rule_group text, rule_name text, rule_value float8)")
    row = reader.execute("select (metrics.close_probability('proposal')).score_points").fetchone()
    assert row == (55.0,)
