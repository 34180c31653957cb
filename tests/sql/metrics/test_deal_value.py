"""The rule-based deal value: worked example, blending, bounds, monotony, hostile text."""

import math
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLE = {"planned_users": 50, "list_price": 29, "contract_months": 12, "discount_rate": 0.15}

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
inputs = st.fixed_dictionaries(
    {
        "planned_users": st.floats(1, 1e5),
        "list_price": st.floats(1, 1e4),
        "contract_months": st.none() | st.floats(1, 60),
        "discount_rate": st.none() | st.floats(0, 0.9),
        "industry": st.sampled_from([None, "Technology", "education", "nowhere"]),
        "stage": st.sampled_from([None, "proposal", "lead"]),
        "similar_closed_average": st.none() | st.floats(0, 1e6),
        "expansion_factor": st.none() | st.floats(0, 5),
    }
)


def test_worked_example(call):
    found = call("deal_value", **EXAMPLE)
    assert found["base_amount"] == found["deal_value"] == Decimal("14790.00")
    assert found["breakdown"]["base_amount"] == 14790


def test_factors_and_blend(call):
    found = call(
        "deal_value",
        **EXAMPLE,
        industry="Technology",
        stage="Proposal",
        expansion_factor=1.2,
        similar_closed_average=10000,
    )
    adjusted = 14790 * 1.1 * 1.0 * 1.2
    assert found["base_amount"] == Decimal("14790.00")
    assert float(found["breakdown"]["adjusted_amount"]) == pytest.approx(adjusted)
    assert float(found["deal_value"]) == pytest.approx(0.7 * adjusted + 0.3 * 10000)
    assert found["confidence"] == 1


def test_without_users_similar_deals_speak_alone(call):
    found = call("deal_value", list_price=29, similar_closed_average=8000)
    assert found["base_amount"] is None
    assert found["deal_value"] == Decimal("8000.00")
    assert found["breakdown"]["similar_closed_weight"] == 1


def test_nothing_known_is_no_value(call):
    found = call("deal_value", industry="Technology")
    assert found["deal_value"] is None
    assert found["confidence"] == 0


def test_unknown_is_not_zero(call):
    unknown = call("deal_value", **{**EXAMPLE, "contract_months": None})
    zero = call("deal_value", **{**EXAMPLE, "contract_months": 0})
    assert unknown["deal_value"] == Decimal("14790.00") and zero["deal_value"] == 0
    assert unknown["confidence"] < zero["confidence"]


@quick
@given(
    inputs,
    st.sampled_from(
        [
            "planned_users",
            "list_price",
            "contract_months",
            "discount_rate",
            "similar_closed_average",
            "expansion_factor",
        ]
    ),
)
def test_monotony(call, given_inputs, name):
    low, high = {"discount_rate": (0.1, 0.4), "expansion_factor": (0.8, 1.5)}.get(name, (10, 40))
    less = call("deal_value", **{**given_inputs, name: low})["deal_value"]
    more = call("deal_value", **{**given_inputs, name: high})["deal_value"]
    assert (more < less) if name == "discount_rate" else (more > less)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e308, -5])
@pytest.mark.parametrize("name", [*EXAMPLE, "similar_closed_average", "expansion_factor"])
def test_absurd_numbers_give_no_negative_and_no_error(call, name, value):
    found = call("deal_value", **{**EXAMPLE, name: value})
    assert found["deal_value"] is None or 0 <= found["deal_value"] <= Decimal("1e15")
    assert 0 <= found["confidence"] <= 1


@pytest.mark.parametrize("text", ["'; drop table marts.rule_deal_value; --", "(default)", "", "%", '"', None])
@pytest.mark.parametrize("name", ["industry", "stage", "product_plan", "billing_cycle"])
def test_hostile_names_get_the_default_factor(call, name, text):
    assert call("deal_value", **EXAMPLE, **{name: text})["deal_value"] == Decimal("14790.00")
