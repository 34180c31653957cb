"""What customers buy, worked out by hand, and the awkward cases."""

from math import cos, pi, sin, sqrt

import pytest

from .checks import check

NOTHING = ("average_order_amount", "refund_rate", "days_since_last_order", "days_since_first_order",
           "order_interval_mean_days", "order_interval_cv", "preferred_hour_sin", "last_order_month_cos",
           "top_category_rate", "is_single_order_day", "order_lateness")  # fmt: skip


def test_a_customer_with_three_purchases_and_a_return(shop, features):
    shop.customer(country_code="DE", region_code="BE", lead_source="ads")
    shop.order("2024-01-10", "100.00", units=2, category="books")  # a Wednesday
    shop.order("2024-01-20", "50.00", units=3, category="books")  # a Saturday
    shop.order("2024-02-09T15:00:00Z", "30.00", category="music")  # a Friday
    shop.order("2024-02-15", "-50.00", units=-3, category="books")
    check(
        features(),
        tenure_days=90, order_count=3, order_day_count=3, return_count=1, purchase_amount=180, refund_amount=50,
        net_revenue=130, average_order_amount=60, refund_rate=50 / 180, repeat_day_revenue=80, items_per_order=2,
        days_since_last_order=51, days_since_first_order=81, days_between_first_and_last_order_day=30,
        order_interval_mean_days=15, order_interval_std_days=sqrt(50), order_interval_min_days=10,
        order_interval_max_days=20, order_interval_cv=sqrt(50) / 15, order_regularity=1 / (1 + sqrt(50) / 15),
        order_lateness=51 / 15, behaviour_type="regular",
        order_count_30d=0, order_count_90d=3, order_count_365d=3, return_count_365d=1, net_revenue_30d=0,
        net_revenue_90d=130, net_revenue_365d=130, purchase_amount_90d=180, refund_amount_365d=50, revenue_trend=-1,
        preferred_hour_sin=sin(2 * pi * 10 / 24), preferred_hour_cos=cos(2 * pi * 10 / 24),
        # One purchase on each of three weekdays: the first of the week.
        preferred_weekday_sin=sin(2 * pi * 2 / 7), preferred_weekday_cos=cos(2 * pi * 2 / 7),
        last_order_month_sin=sin(2 * pi / 12), last_order_month_cos=cos(2 * pi / 12),
        category_count=2, top_category_rate=2 / 3, is_single_order_day=0, has_order_before_creation=0,
        clock_skew_count=0, month_sin=sin(2 * pi * 2 / 12), country_code="DE", region="BE", lead_source="ads",
        currency_code="USD",
        # The shop delivers neither sessions nor use, tickets, subscriptions or payments.
        session_count_365d=None, activity_30d=None, usage_score=None, tickets_30d=None, plan_value=None,
        failed_renewals_30d=None, time_since_last_use_days=None, revenue_per_session_365d=None,
    )  # fmt: skip


def test_each_day_sees_its_own_past(shop, features):
    shop.customer()
    shop.order("2024-01-10", "100.00")
    shop.order("2024-05-31", "40.00")
    check(features("2024-03-31"), order_count=1, purchase_amount=100, behaviour_type="one_time")
    check(features("2024-06-30"), order_count=2, purchase_amount=140, order_interval_mean_days=142,
          behaviour_type="long_cycle", order_count_30d=0, order_count_90d=1)  # fmt: skip


def test_windows_end_with_the_day_and_begin_after_as_many_days(shop, features):
    shop.customer()
    shop.order("2024-03-31T23:59:59Z", "1.00")
    shop.order("2024-03-02", "10.00")  # 29 days before
    shop.order("2024-03-01", "100.00")  # 30 days before
    check(features(), purchase_amount_30d=11, purchase_amount_90d=111, order_count_30d=2)


def test_one_purchase(shop, features):
    shop.customer()
    shop.order("2024-03-30", "100.00")
    check(features(), order_count=1, days_since_last_order=1, days_since_first_order=1, repeat_day_revenue=0,
          days_between_first_and_last_order_day=0, order_interval_mean_days=None, order_interval_cv=None,
          is_single_order_day=0, behaviour_type="new")  # fmt: skip
    check(features("2024-06-30"), behaviour_type="one_time", order_count_90d=0, net_revenue_90d=0, revenue_trend=None)


def test_no_purchase_is_zero_where_the_source_has_orders(shop, features):
    shop.customer()
    shop.customer("other")
    shop.order("2024-03-30", "100.00", customer="other")
    found = features()
    check(found, order_count=0, order_day_count=0, purchase_amount=0, net_revenue=0, refund_amount=0, category_count=0,
          repeat_day_revenue=0, behaviour_type="new", **dict.fromkeys(NOTHING))  # fmt: skip


def test_no_purchase_is_unknown_where_the_source_has_no_orders(shop, features):
    shop.customer()
    check(features(), order_count=None, purchase_amount=None, behaviour_type=None, tenure_days=90)


def test_all_purchases_on_one_day(shop, features):
    shop.customer()
    for hour in (9, 12, 18):
        shop.order(f"2024-02-10T{hour:02}:00:00Z", "10.00")
    check(features(), order_count=3, order_day_count=1, days_between_first_and_last_order_day=0, is_single_order_day=1,
          order_interval_mean_days=None, repeat_day_revenue=0, behaviour_type="one_time",
          preferred_hour_sin=sin(2 * pi * 9 / 24))  # fmt: skip


def test_refunds_may_exceed_purchases(shop, features):
    shop.customer()
    shop.order("2024-02-10", "10.00")
    shop.order("2024-02-20", "-35.00", units=-1)
    check(features(), purchase_amount=10, refund_amount=35, net_revenue=-25, refund_rate=3.5, order_count=1,
          return_count=1, net_revenue_90d=-25, revenue_trend=None, order_day_count=1)  # fmt: skip


def test_only_returns_are_no_purchase(shop, features):
    shop.customer()
    shop.order("2024-02-20", "-35.00", units=-1)
    check(features(), order_count=0, return_count=1, net_revenue=-35, average_order_amount=None,
          days_since_last_order=None, behaviour_type="new")  # fmt: skip


def test_a_purchase_before_creation_is_told(shop, features):
    shop.customer(created="2024-02-01")
    shop.order("2024-01-10", "10.00")
    check(features(), tenure_days=59, days_since_first_order=81, has_order_before_creation=1)


def test_no_tenure_is_negative(shop, features):
    """A record that begins later is not known yet, even where it was written before; its order is."""
    shop.customer(created="2024-05-01", recorded_at="2024-01-05T00:00:00Z")
    shop.order("2024-01-10", "10.00")
    check(features(), tenure_days=81, order_count=1, has_order_before_creation=None)
    check(features("2024-06-30"), tenure_days=60, order_count=1, has_order_before_creation=1)


def test_a_customer_without_a_day_of_its_own_is_known_from_its_first_order(shop, features):
    shop.customer(created=None)
    shop.order("2024-01-10", "10.00")
    check(features(), tenure_days=81, order_count=1, has_order_before_creation=None)


def test_an_order_recorded_before_it_happened_counts_when_it_happened(shop, features):
    shop.customer()
    shop.order("2024-04-10", "10.00", recorded_at="2024-03-01T00:00:00Z")
    shop.order("2024-01-10", "5.00")
    check(features(), order_count=1, clock_skew_count=0)
    check(features("2024-06-30"), order_count=2, clock_skew_count=1)


def test_what_is_recorded_late_counts_late(shop, features):
    shop.customer()
    shop.order("2024-01-10", "5.00")
    shop.order("2024-02-10", "10.00", recorded_at="2024-04-01T00:00:00Z")
    check(features(), order_count=1, purchase_amount=5)
    check(features("2024-06-30"), order_count=2, purchase_amount=15, days_since_last_order=141)


def test_cancelled_and_deleted_orders_count_until_then(shop, features):
    shop.customer()
    shop.order("2024-01-10", "5.00")
    key = shop.order("2024-02-10", "10.00", status="cancelled")
    shop.change("orders", key, "2024-05-01", "status", "paid", "cancelled")
    shop.order("2024-03-10", "20.00", deleted_at="2024-07-01T00:00:00Z")
    check(features(), order_count=3, purchase_amount=35)
    check(features("2024-06-30"), order_count=2, purchase_amount=25)
    check(features("2024-09-30"), order_count=1, purchase_amount=5)


def test_an_order_without_lines_has_its_own_amount(shop, features):
    shop.customer()
    shop.add("orders", "2024-01-10", customer_source_id="C", currency_code="USD", total_amount="119.00",
             tax_amount="19.00")  # fmt: skip
    shop.add("orders", "2024-01-20", customer_source_id="C", currency_code="USD", subtotal_amount="-30.00",
             is_return=True)  # fmt: skip
    check(features(), order_count=1, purchase_amount=100, refund_amount=30, return_count=1)


def test_an_order_without_a_time_happened_with_its_lines(shop, features):
    shop.customer(created=None)
    shop.add("orders", None, "O", customer_source_id="C", currency_code="USD")
    shop.add("order_lines", "2024-02-10", order_source_id="O", quantity=3, unit_amount="2.50", currency_code="USD")
    check(features(), order_count=1, purchase_amount=7.5, days_since_last_order=50, tenure_days=50)


def test_amounts_without_a_rate_are_unknown_and_named(shop, models, features):
    shop.customer()
    shop.order("2024-02-10", "10.00", currency="EUR")
    shop.order("2024-02-20", "7.00")
    shop.add("exchange_rates", "2024-05-01", from_currency_code="EUR", to_currency_code="USD", rate=1.25,
             rate_on="2024-05-01")  # fmt: skip
    check(features(), order_count=2, purchase_amount=None, net_revenue_90d=None, repeat_day_revenue=None,
          average_order_amount=None)  # fmt: skip
    check(features("2024-06-30"), purchase_amount=19.5, repeat_day_revenue=7)
    with models.filled(shop.rows) as conn:
        missing = conn.execute(
            "select currency_code, needed_on::text, row_count from intermediate.int_customer_rates_missing"
        ).fetchall()
    assert missing == [("EUR", "2024-03-31", 1)]


@pytest.mark.parametrize(
    ("days", "kind"),
    [
        (["2024-01-01", "2024-01-11", "2024-01-21", "2024-01-31"], "regular"),  # 10, 10, 10
        (["2024-01-01", "2024-01-06", "2024-01-21"], "irregular"),  # 5, 15: CV 0.71
        (["2024-01-01", "2024-01-02", "2024-01-03", "2024-03-01"], "long_cycle"),  # 1, 1, 58: CV 1.64
        (["2024-01-01", "2024-01-11"], "irregular"),  # one interval says nothing of regularity
    ],
)
def test_behaviour_types(shop, features, days, kind):
    shop.customer()
    for day in days:
        shop.order(day, "1.00")
    assert features()["behaviour_type"] == kind


def _line(shop, order, occurred, amount, **columns):
    shop.add("order_lines", occurred, order_source_id=order, amount=amount, quantity=1, currency_code="USD", **columns)


def test_an_order_is_one_in_however_many_parts_things_are_sent_back(shop, features):
    shop.customer()
    key = shop.order("2024-01-10", "100.00")
    _line(shop, key, "2024-02-01", "-30.00")
    _line(shop, key, "2024-02-15", "-70.00")
    check(features(), order_count=1, return_count=1, return_count_365d=1, refund_amount=100, average_order_amount=100)


@pytest.mark.parametrize("columns", [{}, {"currency_code": "EUR"}, {"subtotal_amount": "-35.00"}])
def test_a_return_is_no_purchase_when_its_lines_come_later_or_in_another_currency(shop, features, columns):
    shop.customer()
    key = shop.add("orders", "2024-02-19", customer_source_id="C", **columns)
    _line(shop, key, "2024-02-20", "-35.00")
    check(features(), order_count=0, order_day_count=0, return_count=1, net_revenue=-35, behaviour_type="new")


def test_an_order_without_lines_below_nothing_is_a_return(shop, features):
    shop.customer()
    shop.add("orders", "2024-01-20", customer_source_id="C", currency_code="USD", subtotal_amount="-30.00")
    check(features(), order_count=0, return_count=1, refund_amount=30)
