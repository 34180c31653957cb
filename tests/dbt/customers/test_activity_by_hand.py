"""Sessions, use, tickets, subscriptions and payments of customers, worked out by hand."""

from datetime import date

import pytest

from .checks import check


def test_sessions_carts_and_what_they_bring(shop, features):
    shop.customer()
    for day, pages, items, has_cart, has_order in [
        ("2023-04-02", 10, 4, True, True),  # 364 days before
        ("2024-02-01", 6, 2, True, False),
        ("2024-03-10", 4, 2, True, False),
        ("2024-03-30", 5, 1, False, False),
        ("2023-04-01", 100, 100, True, False),  # 365 days before
    ]:
        shop.add("sessions", day, customer_source_id="C", page_view_count=pages, item_view_count=items,
                 has_cart=has_cart, has_order=has_order)  # fmt: skip
    shop.order("2024-02-01", "60.00")
    check(
        features(),
        session_count_30d=2, session_count_90d=3, session_count_365d=4, page_view_count_365d=25,
        item_view_count_365d=9, items_per_session_365d=9 / 4, cart_count_365d=3, cart_abandonment_rate_365d=2 / 3,
        revenue_per_session_365d=15, orders_per_session_365d=1 / 4, pages_per_order_365d=25, days_since_last_session=1,
        activity_7d=1, activity_30d=2, activity_90d=3, activity_trend=1, active_days_30d=2, time_since_last_use_days=1,
        # Nothing else is delivered by the source.
        features_used_30d=None, usage_score=None, tickets_7d=None,
    )  # fmt: skip


def test_what_sessions_do_not_tell_is_unknown(shop, features):
    shop.customer()
    shop.customer("quiet")
    shop.add("sessions", "2024-03-10", customer_source_id="C")
    check(features(), session_count_30d=1, page_view_count_365d=None, cart_count_365d=None,
          cart_abandonment_rate_365d=None, items_per_session_365d=None, revenue_per_session_365d=None)  # fmt: skip
    check(features(customer="s:quiet"), session_count_30d=0, days_since_last_session=None, activity_90d=0,
          activity_trend=None, time_since_last_use_days=None)  # fmt: skip


def test_a_source_covers_whom_it_knows_in_what_it_delivers(shop, features):
    """0 where a source of the customer would have told, null where none does or none did yet."""
    shop.customer()  # s delivers sessions, from May on
    shop.customer("D", source_name="t")  # t delivers tickets alone
    shop.customer("E")
    shop.add("sessions", "2024-05-10", customer_source_id="E")
    shop.add("tickets", "2024-01-20", customer_source_id="other", source_name="t")
    check(features("2024-03-31"), session_count_30d=None, activity_30d=None, tickets_30d=None)
    check(features("2024-06-30"), session_count_30d=0, activity_30d=0, tickets_30d=None, features_used_30d=None,
          order_count=None)  # fmt: skip
    check(features("2024-06-30", "t:D"), session_count_30d=None, activity_30d=None, active_days_30d=None, tickets_30d=0,
          open_ticket_count=0, features_used_30d=None, clock_skew_count=None)  # fmt: skip


def test_use_by_event_and_by_day(shop, features):
    shop.customer()
    for day, feature in [("2024-03-31", "map"), ("2024-03-31", "map"), ("2024-03-10", "chat"), ("2024-01-15", "fax")]:
        shop.add("usage_events", day, customer_source_id="C", event_name="open", feature_name=feature)
    for day, count, score in [("2024-03-20", 5, 0.5), ("2024-03-10", None, 0.25), ("2024-02-10", 20, 1.0)]:
        shop.add("daily_usage", None, customer_source_id="C", usage_on=day, event_count=count, usage_score=score)
    check(
        features(),
        activity_7d=2, activity_30d=9, activity_90d=30, activity_trend=3 * 9 / 30 - 1, active_days_30d=3,
        active_days_90d=5, time_since_last_use_days=0, usage_score=0.375, features_used_30d=2, features_used_90d=3,
        clock_skew_count=0, session_count_30d=None, order_count=None,
    )  # fmt: skip


def test_events_of_users_and_accounts_count_for_the_customer(shop, features):
    """A user's own key, the billing customer's and the account's all lead to the one who pays."""
    shop.add("accounts", "2024-01-01", "A", name="Acme")
    shop.add("billing_customers", "2024-01-01", "B", account_source_id="A")
    shop.customer("U", billing_customer_source_id="B")
    shop.add("usage_events", "2024-03-31", customer_source_id="U", event_name="open")
    shop.add("usage_events", "2024-03-30", billing_customer_source_id="B", event_name="open")
    shop.add("usage_events", "2024-03-29", account_source_id="A", event_name="open")
    check(features(customer="s:B"), activity_7d=3, active_days_30d=3, account_id="s:A")
    assert features(customer="s:U") == {}


def test_a_link_joins_a_shopper_and_a_billing_customer(shop, features):
    shop.add("billing_customers", "2024-01-01", "B", source_name="billing")
    shop.customer("U", country_code="FR")
    for entity, source, key in [("customer", "s", "U"), ("billing_customer", "billing", "B")]:
        shop.rows.setdefault("entity_links", []).append(
            {"entity": entity, "source_name": source, "source_id": key, "canonical_id": "one"}
        )
    shop.order("2024-03-01", "10.00", customer="U")
    check(features(customer="one"), order_count=1, country_code="FR")
    assert features(customer="s:U") == {} and features(customer="billing:B") == {}


def test_tickets_by_age_and_those_still_open(shop, features):
    shop.customer()
    for day, solved in [("2024-03-30", None), ("2024-03-10", "2024-03-12"), ("2024-01-10", "2024-05-01")]:
        shop.add("tickets", day, customer_source_id="C", solved_at=solved and f"{solved}T00:00:00Z")
    key = shop.add("tickets", "2024-03-25", customer_source_id="C", status="closed")
    shop.change("tickets", key, "2024-04-02", "status", "open", "closed")
    check(features(), tickets_7d=2, tickets_30d=3, tickets_90d=4, open_ticket_count=3)
    check(features("2024-06-30"), tickets_30d=0, tickets_90d=0, open_ticket_count=1)


def test_a_subscription_and_its_changes(shop, features):
    shop.add("billing_customers", "2024-01-01", "C", currency_code="USD")
    shop.subscribe("S", "2024-01-10", "10.00", quantity=5, plan_source_id="basic")
    shop.change("subscriptions", "S", "2024-02-15", "quantity", 3, 5, subscription_item_source_id="S")
    shop.change("subscriptions", "S", "2024-05-01", "plan", "basic", "pro", subscription_item_source_id="S")
    shop.change("subscriptions", "S", "2024-05-01", "unit_amount", 10, 20, subscription_item_source_id="S")
    shop.change("subscriptions", "S", "2024-05-20", "cancel_requested_at", None, "2024-05-20T00:00:00Z")
    shop.change("subscriptions", "S", "2024-05-20", "cancels_at", None, "2024-08-01T00:00:00Z")
    check(
        features("2024-03-31"),
        plan_value=50, plan_value_change_90d=50, seat_count=5, seat_change_90d=5, subscription_count=1,
        subscription_age_days=81, plan="s:basic", plan_change_count=0, has_cancellation_pending=0, is_in_trial=0,
        discount_rate=0, currency_code="USD", order_count=None, days_to_renewal=None,
    )  # fmt: skip
    check(
        features("2024-06-30"),
        plan_value=100, plan_value_change_90d=50, seat_count=5, seat_change_90d=0, plan="s:pro", plan_change_count=1,
        plan_change_count_90d=1, has_cancellation_pending=1,
    )  # fmt: skip
    check(features("2024-09-30"), plan_value=0, seat_count=0, subscription_count=0, plan=None, plan_change_count_90d=0)


def test_trials_discounts_and_ends_told_ahead(shop, features):
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-03-20", "40.00", discount_rate=0.25, trial_ended_at="2024-04-20",
                   current_period_ended_at="2024-07-20", observed_at="2024-06-20T00:00:00Z")  # fmt: skip
    check(features("2024-03-31"), plan_value=0, is_in_trial=1, subscription_count=1, days_to_renewal=None)
    check(features("2024-06-30"), plan_value=30, is_in_trial=0, discount_rate=0.25, days_to_renewal=20)


def test_payments_that_fail_come_late_or_are_due(shop, features):
    shop.add("billing_customers", "2024-01-01", "C")
    for key, issued, due, amount in [("I", "2024-01-05", "2024-01-20", 100), ("J", "2024-02-05", "2024-02-20", 60)]:
        shop.add("invoices", issued, key, billing_customer_source_id="C", issued_on=issued, due_on=due, status="open",
                 currency_code="USD", total_amount=amount, subtotal_amount=amount)  # fmt: skip
    shop.add("payments", "2024-02-01", billing_customer_source_id="C", invoice_source_id="I", status="succeeded",
             amount=100, currency_code="USD")  # fmt: skip
    for day in ("2024-03-05", "2024-02-25"):
        shop.add("payments", day, billing_customer_source_id="C", invoice_source_id="J", status="failed", amount=60,
                 currency_code="USD")  # fmt: skip
    check(
        features(),
        failed_renewals_30d=1, failed_payment_count_365d=2, late_payment_count_365d=1, paid_invoice_count_365d=1,
        average_days_late_365d=12, overdue_invoice_count=1, overdue_amount=60,
    )  # fmt: skip


def test_invoices_count_for_a_customer_only_once_it_is_known_whose_they_are(shop, features):
    """A further billing customer of the same canonical id, told after its first invoice."""
    for key, since in (("A", "2024-01-01"), ("B", "2024-05-01")):
        shop.add("billing_customers", since, key)
        link = {"entity": "billing_customer", "source_name": "s", "source_id": key, "canonical_id": "C"}
        shop.rows.setdefault("entity_links", []).append(link)
    for key, amount in (("A", 100), ("B", 60)):
        shop.add("invoices", "2024-02-01", key, billing_customer_source_id=key, issued_on="2024-02-01",
                 due_on="2024-02-10", status="open", currency_code="USD", total_amount=amount)  # fmt: skip
        shop.add("payments", "2024-02-15", billing_customer_source_id=key, invoice_source_id=key, status="failed",
                 amount=amount, currency_code="USD")  # fmt: skip
    check(features(customer="C"), overdue_invoice_count=1, overdue_amount=100, failed_payment_count_365d=1)
    check(features("2024-06-30", "C"), overdue_invoice_count=2, overdue_amount=160, failed_payment_count_365d=2)


def test_labels_are_what_came_within_the_window(shop, features):
    shop.customer()
    shop.customer("gone")
    shop.order("2024-01-10", "5.00", customer="gone")
    shop.order("2024-01-10", "5.00")
    shop.order("2024-04-01", "20.00")
    shop.order("2024-06-29", "30.00")  # the last of 90 days
    shop.order("2024-06-30", "400.00")
    shop.order("2024-05-05", "-8.00", units=-1, recorded_at="2024-07-15T00:00:00Z")
    check(features(relation="lbl_customers"), forward_revenue=42, forward_order_count=2, forward_order_day_count=2,
          value_known_on=date(2024, 7, 15), is_churned_noncontractual=False, is_churned_contractual=None)  # fmt: skip
    check(features(customer="s:gone", relation="lbl_customers"), forward_revenue=0, forward_order_count=0,
          is_churned_noncontractual=True, noncontractual_known_on=date(2024, 6, 29))  # fmt: skip
    # 2024-09-30 and 90 days are 2024-12-29: over; nothing is labelled for the as-of date itself.
    check(features("2024-09-30", relation="lbl_customers"), forward_revenue=0, is_churned_noncontractual=True)
    assert features("2024-12-31", relation="lbl_customers") == {}


def test_a_contract_is_churned_when_nothing_recurs_after_the_window(shop, features):
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-01-10", "10.00", ended_at="2024-06-29")
    found = features(relation="lbl_customers")
    check(found, is_churned_contractual=True, contractual_known_on=date(2024, 6, 29), forward_revenue=None)
    # Without MRR on the day nothing can end.
    assert features("2024-09-30", relation="lbl_customers") == {}


def test_growth_is_what_recurs_more_after_the_window(shop, features):
    """More seats and a further subscription, less what a third one loses; 2024-03-31 and 90 days are 2024-06-29."""
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-01-10", "10.00", quantity=5)
    shop.change("subscriptions", "S", "2024-06-29", "quantity", 3, 5, subscription_item_source_id="S")
    shop.subscribe("T", "2024-05-01", "7.50")
    shop.subscribe("U", "2024-01-10", "2.00", ended_at="2024-04-10")
    shop.subscribe("V", "2024-06-30", "100.00")  # a day too late
    found = features(relation="lbl_customers")
    check(found, is_expanded=True, expansion_amount=25.5, expansion_known_on=date(2024, 6, 29))
    # From 2024-06-30 on nothing grows; of the as-of date nothing is known yet.
    check(features("2024-06-30", relation="lbl_customers"), is_expanded=False, expansion_amount=0)


def test_growth_needs_recurring_revenue_before_and_a_rate(shop, features):
    shop.add("billing_customers", "2024-01-01", "C")
    shop.subscribe("S", "2024-05-01", "10.00")
    assert features(relation="lbl_customers") == {}
    shop.add("billing_customers", "2024-01-01", "D")
    shop.subscribe("E", "2024-01-10", "10.00", customer="D", quantity=2)
    shop.rows["subscription_items"][-1]["currency_code"] = "CHF"
    check(features(customer="s:D", relation="lbl_customers"), is_expanded=None, expansion_amount=None,
          is_churned_contractual=False)  # fmt: skip


@pytest.mark.parametrize(("labelled", "is_churned", "known"), [("2024-12-01", True, date(2024, 12, 1)),
                                                              ("2025-02-01", None, None)])  # fmt: skip
def test_labelled_snapshots(shop, models, labelled, is_churned, known):
    shop.add("customer_snapshots", None, "N", customer_source_id="C", snapshot_at="2024-05-05T00:00:00Z", activity_7d=3,
             region="EU", is_churned=True, labelled_at=f"{labelled}T00:00:00Z")  # fmt: skip
    for name, columns in {"contract": {"text_value": "monthly"}, "lines": {"number_value": 2},
                          "activity_7d": {"number_value": 99}}.items():  # fmt: skip
        shop.add("customer_snapshot_features", None, customer_snapshot_source_id="N", name=name, **columns)
    with models.filled(shop.rows) as conn:
        row = conn.execute(
            "select customer_id, as_of_date, activity_7d, plan_value, region, is_churned, label_known_on"
            " from features.ftr_customer_snapshots"
        ).fetchall()
        further = conn.execute(
            "select feature_name, number_value, text_value from features.ftr_customer_snapshot_features order by 1"
        ).fetchall()
    assert row == [("s:C", date(2024, 5, 5), 3.0, None, "EU", is_churned, known)]
    assert further == [("contract", None, "monthly"), ("lines", 2.0, None)]
