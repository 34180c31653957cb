"""Scores, health and next actions of customers, worked out by hand."""

import math
from decimal import Decimal

import pytest

from .checks import check
from .conftest import AS_OF
from .predictions import publish, rebuild, records, register

PURCHASING = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "p": 6.25, "q": 3.74, "gamma": 15.44}


@pytest.fixture
def found(score_models, shop):
    """Return a function that gives a mart's row of a customer, with predictions published before."""

    def read(relation="customer_scores", key="s:C", registered=(), **predictions):
        column = "party_id" if relation == "next_actions" else "customer_id"
        with score_models.filled(shop.rows) as conn:
            for version, extra, day in registered:
                register(conn, "customer_value", version, extra=extra, trained_through=day)
            for target, (rows, extra, *rung) in predictions.items():
                publish(conn, f"customer_{target}", AS_OF, rows, extra, *rung)
            rebuild(conn, score_models)
            rows = records(conn, f"select * from marts.{relation} where {column} = %s", [key])
        return rows[0] if rows else {}

    return read


def churn(probability, customer="s:C", **columns):
    return {"customer_id": customer, "churn_probability": probability, **columns}


def value(amount, low, high, **columns):
    return {"customer_id": "s:C", "value_amount": amount, "value_p10_amount": low, "value_p90_amount": high, **columns}


def growth(probability, amount, customer="s:C"):
    return {"customer_id": customer, "expansion_probability": probability, "expansion_amount": amount}


def test_without_models_nothing_is_predicted_and_it_says_so(shop, found):
    shop.customer()
    shop.order("2024-12-01", "10.00")
    check(
        found(),
        prediction_state="none", churn_probability=None, churn_tier=None, churn_tier_source=None, churn_confidence=None,
        value_amount=None, alive_probability=None, expansion_probability=None, churn_rung=None,
        value_sentence="No forecast of its revenue is published for this day.", is_general_risk_factors=None,
        net_revenue_amount=Decimal("10.00"), plan_value_amount=None,
    )  # fmt: skip
    assert found("next_actions") == {}


def test_a_customer_without_a_prediction_beside_one_with(shop, found):
    for key in ("C", "other"):
        shop.customer(key)
        shop.order("2024-12-01", "10.00", customer=key)
    rows = ([churn(0.9, "s:other")], {})
    check(found(churn=rows), prediction_state="none", churn_tier=None)
    check(found(key="s:other", churn=rows), prediction_state="partial", churn_tier="high")


@pytest.mark.parametrize(
    ("probability", "extra", "tier", "source"),
    [
        (0.39, {}, "low", "variables"), (0.4, {}, "medium", "variables"), (0.7, {}, "high", "variables"),
        (0.3, {"tiers": {"medium_from": 0.1, "high_from": 0.3}}, "high", "model"),
        (0.09, {"tiers": {"medium_from": 0.1, "high_from": 0.3}}, "low", "model"),
        (0.5, {"tiers": {"medium_from": 0.3, "high_from": 0.3}}, "medium", "variables"),  # no tiers at all
        (0.5, {"tiers": "unknown"}, "medium", "variables"),
    ],
)  # fmt: skip
def test_tiers_are_the_models_else_the_variables(shop, found, probability, extra, tier, source):
    shop.customer()
    shop.order("2024-12-01", "10.00")
    check(found(churn=([churn(probability)], extra)), churn_tier=tier, churn_tier_source=source)


def test_tiers_are_those_of_the_kind(shop, found):
    """The same probability is high of one who pays for a plan and low of one who buys."""
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-01-10", "10.00")
    shop.customer("other")
    shop.order("2024-12-01", "10.00", customer="other")
    tiers = {"contractual": {"medium_from": 0.02, "high_from": 0.05},
             "noncontractual": {"medium_from": 0.5, "high_from": 0.8}}  # fmt: skip
    rows = [churn(0.06), churn(0.06, "s:other")]
    check(found(churn=(rows, {"tiers": tiers})), churn_tier="high", churn_medium_from=0.02, churn_high_from=0.05)
    check(
        found(key="s:other", churn=(rows, {"tiers": tiers})),
        churn_tier="low", churn_medium_from=0.5, churn_high_from=0.8, churn_tier_source="model",
    )  # fmt: skip
    del tiers["noncontractual"]  # a model that knew no such customer
    check(found(key="s:other", churn=(rows, {"tiers": tiers})), churn_medium_from=0.4, churn_tier_source="variables")


def test_reasons_by_rules(shop, found):
    """One who pays by month and has not been seen for 20 days, with a payment that failed."""
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-01-10", "10.00")
    shop.add("daily_usage", None, billing_customer_source_id="C", usage_on="2024-12-11", event_count=5, usage_score=0.1)
    shop.add("invoices", "2024-10-01", "I", billing_customer_source_id="C", issued_on="2024-10-01", due_on="2025-01-20",
             status="open", currency_code="USD", total_amount=10, subtotal_amount=10)  # fmt: skip
    shop.add("payments", "2024-12-05", billing_customer_source_id="C", invoice_source_id="I", status="failed",
             amount=10, currency_code="USD")  # fmt: skip
    check(
        found(churn=([churn(0.8)], {})),
        is_inactive_14d=True, is_payment_issue_recent=True, is_no_recent_activity=False, is_low_feature_usage=True,
        is_general_risk_factors=False,
        churn_rule_reasons="inactive_14d; payment_issue_recent; low_feature_usage",
        # Tickets (1 of 10) are not known.
        churn_confidence=0.9,
    )  # fmt: skip


def test_a_risk_that_no_rule_explains(shop, found):
    shop.customer()
    shop.order("2024-12-30", "10.00")
    rows = ([churn(0.5)], {}, "shrinkage")
    check(found(churn=rows), churn_rule_reasons="general_risk_factors", is_general_risk_factors=True,
          is_no_recent_activity=False, is_inactive_14d=None, is_payment_issue_recent=None, churn_rung="shrinkage",
          churn_confidence=0.5 * 0.4)  # fmt: skip
    check(found(churn=([churn(0.1)], {})), churn_rule_reasons=None, is_general_risk_factors=False)


def test_a_silent_shopper(shop, found):
    shop.customer()
    shop.order("2024-09-01", "10.00")
    check(found(), is_no_recent_activity=True, churn_rule_reasons="no_recent_activity")


@pytest.mark.parametrize("days", [[], ["2024-12-24"], ["2024-10-01", "2024-12-10"], ["2024-10-01", "2024-10-01"]])
def test_probability_of_still_buying(shop, found, score_models, days):
    shop.customer()
    shop.customer("other")
    shop.order("2024-01-10", "5.00", customer="other")
    for day in days:
        shop.order(day, "10.00")
    row = found(value=([value(10.0, 0.0, 20.0)], {"purchasing": PURCHASING}))
    if not days:
        assert row["alive_probability"] is None
    elif len(set(days)) == 1:
        assert row["alive_probability"] == 1
    else:
        r, alpha, a, b = (PURCHASING[name] for name in ("r", "alpha", "a", "b"))
        age, recency = 91 / 7, 70 / 7
        odds = a / (b + 1 - 1) * ((alpha + age) / (alpha + recency)) ** (r + 1)
        assert math.isclose(row["alive_probability"], 1 / (1 + odds), rel_tol=1e-12)
        with score_models.filled({}) as conn:
            query = "select metrics.purchase_alive_probability(1, %s, %s, %s, %s, %s, %s) as p"
            same = records(conn, query, [recency, age, r, alpha, a, b])[0]["p"]
        assert math.isclose(row["alive_probability"], same, rel_tol=1e-12)


def test_parameters_of_purchasing_are_those_of_what_serves_else_of_the_last_model(shop, found):
    """Parameters that let everybody stay, or leave, tell them apart."""
    shop.customer()
    for day in ("2024-10-01", "2024-12-10"):
        shop.order(day, "10.00")
    stay, leave = ({"purchasing": PURCHASING | {"a": a}} for a in (1e-6, 1e6))
    formula = ([value(10.0, 0.0, 20.0)], {}, "shrinkage")
    check(found(value=formula), alive_probability=None, alive_model_version=None)
    later = [("c1", stay, "2024-12-31"), ("c0", leave, "2024-06-30"), ("c2", leave, "2025-01-31"), ("c3", {}, AS_OF)]
    row = found(value=formula, registered=later)
    check(row, alive_model_version="c1")
    assert row["alive_probability"] > 0.99 and row["value_sentence"].endswith("; it very likely still buys.")
    served = ([value(10.0, 0.0, 20.0)], leave)
    row = found(value=served, registered=later)
    check(row, alive_model_version="customer_value__test")
    assert row["alive_probability"] < 0.01 and row["value_sentence"].endswith("; it has very likely left.")


def test_the_sentence_on_a_customers_value(shop, found):
    shop.customer()
    shop.order("2024-12-24", "10.00")
    reasons = {"net revenue 90d": 0.5, "days since last order": -0.2, "a feature of our own": 0.1}
    drivers = {f"reason_{n}": name for n, name in enumerate(reasons, 1)}
    drivers |= {f"reason_{n}_contribution": contribution for n, contribution in enumerate(reasons.values(), 1)}
    row = found(value=([value(1234.4, 0.0, 2500.6, **drivers)], {"purchasing": PURCHASING}))
    assert row["value_sentence"] == (
        "Expected to bring USD 1,234 in the next 90 days (four times in five 0 to 2,501), raised by its revenue in the"
        " last 90 days, a feature of our own, lowered by the time since its last purchase; it has come once so far."
    )
    check(row, value_confidence=1234.4 / (1234.4 + 1250.3), value_driver_1="net revenue 90d", value_horizon_days=90,
          prediction_state="partial")  # fmt: skip


def test_who_neither_pays_nor_ever_bought_has_nothing_to_leave(shop, found):
    shop.customer()
    shop.add("billing_customers", "2024-01-01", "B")
    shop.subscribe("S", "2024-01-10", "10.00", customer="B")
    predicted = {"churn": ([churn(0.9), churn(0.2, "s:B")], {}), "value": ([value(5.0, 0.0, 9.0)], {})}
    words = "It has no purchases that a forecast could be made from."
    check(found(**predicted), churn_probability=None, churn_tier=None, churn_reason_1=None, value_amount=None,
          value_sentence=words, prediction_state="none")  # fmt: skip
    words = "Pays USD 10 a month by contract; without purchases there is no forecast of any."
    check(found(key="s:B", **predicted), churn_probability=0.2, churn_tier="low", value_amount=None,
          value_sentence=words, prediction_state="partial")  # fmt: skip
    predicted["expansion"] = ([growth(0.1, 5.0, "s:B")], {})
    check(found(key="s:B", **predicted), prediction_state="complete")


def test_a_value_below_the_rung_of_a_model(shop, found):
    shop.customer()
    shop.order("2024-12-24", "10.00")
    row = found(value=([value(0.0, 0.0, 0.0)], {}, "prior"))
    assert row["value_sentence"] == (
        "Expected to bring USD 0 in the next 90 days (four times in five 0 to 0), from its purchases so far."
    )
    check(row, value_rung="prior", value_confidence=None, alive_probability=None)
    # A mean above its p90 lies beyond what nine of ten spend: a narrow interval is no confidence then.
    for p90, confidence in ((0.0, None), (3.99, None), (4.0, 4 / 6)):
        check(found(value=([value(4.0, 0.0, p90)], {}, "prior")), value_confidence=confidence)


def test_refunds_above_purchases(shop, found):
    shop.customer()
    shop.order("2024-12-01", "10.00")
    shop.order("2024-12-05", "-25.00", units=-1)
    row = found(value=([value(0.0, -5.0, 0.0)], {"purchasing": PURCHASING}))
    check(row, net_revenue_amount=Decimal("-15.00"), value_p10_amount=Decimal("-5.00"), alive_probability=1)


def test_growth_needs_something_that_can_grow(shop, found):
    shop.customer()
    shop.add("billing_customers", "2024-01-01", "B")
    shop.subscribe("S", "2024-01-10", "10.00", customer="B", quantity=5)
    shop.change("subscriptions", "S", "2024-11-15", "quantity", 3, 5, subscription_item_source_id="S")
    rows = ([growth(0.25, 40.0), growth(0.25, 40.0, "s:B")], {})
    check(found(expansion=rows), expansion_probability=None, expansion_drivers=None, prediction_state="none")
    check(found(key="s:B", expansion=rows), expansion_probability=0.25, expansion_amount=Decimal("40.00"),
          expected_expansion_amount=Decimal("10.00"), expansion_drivers="seats", has_seats_driver=True)  # fmt: skip


def test_health_of_a_subscriber(shop, found):
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-01-10", "10.00", current_period_ended_at="2025-01-30", observed_at="2024-11-01T00:00:00Z")
    for day, score in [("2024-12-10", 0.5), ("2024-12-20", 0.5), ("2024-12-30", 0.8)]:
        shop.add("daily_usage", None, billing_customer_source_id="C", usage_on=day, event_count=1, usage_score=score)
    shop.add("tickets", "2024-12-28", billing_customer_source_id="C")
    # Usage 60, engagement 3 of 12 days, tickets 100 - 10 - 15, renewal 30 of 90 days; payments are not known.
    scores = {"usage": 60, "engagement": 25, "tickets": 75, "renewal": 100 / 3, "churn_risk": 80}
    weights = {"usage": 25, "engagement": 20, "tickets": 10, "renewal": 10, "churn_risk": 20}
    total = sum(weights.values())
    points = {name: weights[name] * scores[name] / total for name in scores}
    # Seven days before: usage 50, two days, no ticket yet known, 37 days to renewal; churn has no prediction of then.
    earlier = {"usage": 50, "engagement": 100 / 6, "renewal": 100 * 37 / 90}
    change = sum(weights[name] * (scores[name] - earlier[name]) for name in earlier) / 55
    row = found("account_health", churn=([churn(0.2)], {}))
    check(row, **{f"{name}_score": score for name, score in scores.items()}, payments_score=None, payments_points=None)
    check(row, **{f"{name}_points": value for name, value in points.items()}, health_score=sum(points.values()),
          health_confidence=0.85, health_change=change, health_change_confidence=0.55, tickets_earlier_score=None,
          churn_risk_earlier_score=None, health_category="watch")  # fmt: skip


def test_health_without_anything_known(shop, found):
    shop.customer(created="2024-12-29")
    check(found("account_health"), health_score=None, health_category=None, health_confidence=0, health_change=None,
          compared_with_on=None)  # fmt: skip


def test_health_of_a_shopper(shop, found):
    shop.customer()
    shop.order("2024-12-13", "10.00")
    # 18 of 180 quiet days; seven days before 11.
    check(found("account_health"), engagement_score=90, health_score=90, health_change=90 - 100 * (1 - 11 / 180),
          usage_score=None, renewal_score=None, health_category="healthy")  # fmt: skip


def test_the_next_action_of_an_account(shop, found):
    """Two customers of one account, one of whom may leave, grow and owes something: 40 % of 70 at 72 days overdue."""
    shop.add("accounts", "2024-01-01", "A", name="Acme")
    for key, amount in [("C", "100.00"), ("D", "10.00")]:
        shop.add("billing_customers", "2024-01-01", key, account_source_id="A")
        shop.subscribe(f"S{key}", "2024-01-10", amount, customer=key)
    shop.add("invoices", "2024-10-01", "I", billing_customer_source_id="C", issued_on="2024-10-01", due_on="2024-10-20",
             status="open", currency_code="USD", total_amount=70, subtotal_amount=70)  # fmt: skip
    predicted = {
        "churn": ([churn(0.5), churn(0.1, "s:D")], {}),
        "expansion": ([growth(0.2, 25.0), growth(0.1, 5.0, "s:D")], {}),
    }
    check(
        found("next_actions", "s:A", **predicted),
        action_rank=1, party_kind="account", account_id="s:A", best_action="save", best_action_amount=Decimal(612),
        subject_id="s:C", subject_probability=0.5, subject_base_amount=Decimal(1200), subject_amount=Decimal(600),
        save_amount=Decimal(612), expand_amount=Decimal(66), collect_amount=Decimal(28), rescue_amount=Decimal(0),
        ranked_amount=Decimal(706), part_count=5,
    )  # fmt: skip


def test_a_customer_without_an_account_is_a_party_of_its_own(shop, found):
    shop.customer()
    shop.order("2024-12-24", "10.00")
    row = found("next_actions", churn=([churn(0.5)], {}), value=([value(80.0, 0.0, 100.0)], {}))
    check(row, party_kind="customer", account_id=None, best_action="save", ranked_amount=Decimal(40))
