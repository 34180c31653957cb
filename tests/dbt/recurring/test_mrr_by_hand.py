"""Recurring revenue of a few subscriptions, worked out by hand: amounts, movements and their reasons."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from compiled_models import compile_models
from psycopg import sql
from subscribed_company import Company

AS_OF = "2024-12-31"
JAN, FEB, MAR, APR, MAY = (date(2024, month, 1) for month in range(1, 6))


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("mrr_hand", built),
        ["+fct_mrr_movements", "+fct_mrr_movements_daily", "+fct_mrr_movements_reporting"],
        AS_OF,
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def movements(models, company) -> Callable[[], list[tuple[Any, ...]]]:
    def read(mart: str = "fct_mrr_movements", columns: str = "month_start_on, movement, reason, movement_amount"):
        with models.filled(company.rows) as conn:
            parts = {"columns": sql.SQL(columns), "mart": sql.Identifier("marts", mart)}
            return conn.execute(sql.SQL("select {columns} from {mart} order by {columns}").format(**parts)).fetchall()

    return read


@pytest.fixture
def mrr(models, company) -> Callable[[str], Decimal | None]:
    """MRR of the company in a month."""

    def read(month: str, column: str = "mrr_amount"):
        with models.filled(company.rows) as conn:
            query = f"select sum({column}) from marts.fct_mrr_monthly where month_start_on = %s"
            return conn.execute(query.encode(), [month]).fetchone()[0]

    return read


@pytest.mark.parametrize(
    ("period", "count", "amount", "monthly", "yearly"),
    [
        ("month", 1, "100", "100.00", "1200.00"),
        ("month", 3, "100", "33.33", "400.00"),
        ("quarter", 1, "100", "33.33", "400.00"),
        ("year", 1, "1000", "83.33", "1000.00"),
        ("year", 2, "1000", "41.67", "500.00"),
        ("week", 1, "12", "52.00", "624.00"),
        ("day", 1, "1", "30.42", "365.00"),
        ("one_time", 1, "500", None, None),
    ],
)
def test_every_billing_period_is_brought_to_a_month(company, mrr, period, count, amount, monthly, yearly):
    company.subscribe("S", "2024-01-10", amount, billing_period=period, billing_period_count=count)
    found = mrr("2024-02-01"), mrr("2024-02-01", "arr_amount")
    assert found == (monthly and Decimal(monthly), yearly and Decimal(yearly))


def test_seats_price_and_discount_are_told_apart(company, movements):
    company.subscribe("S", "2024-01-10", "10", quantity=5)
    company.change("S", "2024-02-05", "quantity", 5, 8)
    company.change("S", "2024-03-05", "unit_amount", 10, 12)
    company.change("S", "2024-04-05", "discount_rate", None, "0.25")
    company.change("S", "2024-05-05", "quantity", 8, 10)
    company.change("S", "2024-05-06", "unit_amount", 12, 11)
    assert movements() == [
        (JAN, "new", "start", 50),
        (FEB, "expansion", "seats", 30),
        (MAR, "expansion", "price", 16),
        (APR, "contraction", "discount", -24),
        # 96 × 0.75 = 72 becomes 110 × 0.75 = 82.50: two seats at the old price of 9 are 18, the price is the rest.
        (MAY, "expansion", "price", Decimal("-7.50")),
        (MAY, "expansion", "seats", 18),
    ]


def test_a_discount_in_money_ends_by_itself_and_takes_no_more_than_there_is(company, movements):
    company.subscribe("S", "2024-01-10", "1200", billing_period="year", discount_amount="240.00",
                      discount_ended_on="2024-03-10")  # fmt: skip
    company.subscribe("T", "2024-01-10", "10", customer="D", discount_amount="50.00")
    assert movements() == [(JAN, "new", "start", 80), (MAR, "expansion", "discount", 20)]


def test_a_switch_of_product_nets_before_it_is_called_anything(company, movements):
    company.subscribe("S", "2024-01-10", "100", plan_source_id="basic", ended_on="2024-03-15")
    company.subscribe("T", "2024-03-15", "130", plan_source_id="pro")
    assert movements() == [
        (JAN, "new", "start", 100),
        (MAR, "expansion", "plan", -100 + 130),
    ]


def test_an_item_in_place_of_another_of_its_plan_is_a_change_of_seats_or_price(company, movements):
    company.subscribe("S", "2024-01-10", "10", quantity=10, plan_source_id="pro", ended_on="2024-02-15")
    company.subscribe("T", "2024-02-15", "10", quantity=7, plan_source_id="pro")
    assert movements() == [(JAN, "new", "start", 100), (FEB, "contraction", "seats", -30)]


def test_churn_and_return_come_before_contraction_and_expansion(company, movements):
    company.subscribe("S", "2024-01-10", "100", ended_at="2024-02-20")
    company.subscribe("T", "2024-04-02", "40")
    assert movements() == [
        (JAN, "new", "start", 100),
        (FEB, "churn", "cancellation", -100),
        (APR, "reactivation", "return", 40),
    ]


def test_a_pause_is_churn_and_its_end_a_reactivation(company, movements):
    company.subscribe("S", "2024-01-10", "100", paused_at="2024-02-20", resumes_at="2024-04-01")
    assert movements() == [
        (JAN, "new", "start", 100),
        (FEB, "churn", "pause", -100),
        (APR, "reactivation", "resumption", 100),
    ]


def test_a_trial_is_worth_nothing_until_it_ends(company, movements):
    company.subscribe("S", "2024-01-10", "100", trial_started_at="2024-01-10", trial_ended_at="2024-02-09")
    assert movements() == [(FEB, "new", "start", 100)]


def test_what_happens_within_a_month_shows_by_day_only(company, movements):
    company.subscribe("S", "2024-01-10", "100", ended_at="2024-01-20")
    assert movements() == []
    assert movements("fct_mrr_movements_daily", "moved_on, movement, movement_amount") == [
        (date(2024, 1, 10), "new", 100),
        (date(2024, 1, 20), "churn", -100),
    ]


def test_a_customer_who_changes_currency_stays(company, movements):
    company.subscribe("S", "2024-01-10", "100", ended_at="2024-03-10")
    company.subscribe("T", "2024-03-10", "95", currency_code="EUR")
    columns = "month_start_on, currency_code, movement, reason, movement_amount"
    assert movements(columns=columns) == [
        (JAN, "USD", "new", "start", 100),
        (MAR, "EUR", "expansion", "currency", 95),
        (MAR, "USD", "contraction", "currency", -100),
    ]


def test_movements_are_reported_at_the_opening_rate_and_fx_is_the_rest(company, movements):
    company.subscribe("S", "2024-01-10", "100", currency_code="EUR")
    company.change("S", "2024-03-05", "unit_amount", 100, 120)
    for day, rate in (("2024-01-31", 1.10), ("2024-02-29", 1.20), ("2024-03-31", 1.00)):
        company.rate("EUR", day, rate)
    columns = "month_start_on, movement, reason, movement_reporting_amount"
    assert movements("fct_mrr_movements_reporting", columns) == [
        (JAN, "new", "start", 110),
        (FEB, "fx", "rate", 10),
        (MAR, "expansion", "price", 24),
        (MAR, "fx", "rate", -24),
    ]


def test_without_a_rate_nothing_is_reported_until_there_is_one(company, movements, mrr):
    company.subscribe("S", "2024-01-10", "100", currency_code="EUR")
    company.change("S", "2024-02-05", "unit_amount", 100, 120)
    company.rate("EUR", "2024-02-10", 1.5)
    columns = "month_start_on, movement, reason, movement_reporting_amount"
    assert mrr("2024-01-01", "mrr_reporting_amount") is None
    assert movements("fct_mrr_movements_reporting", columns) == [
        (FEB, "expansion", "price", 30),
        (FEB, "fx", "missing_rate", 150),
    ]


def test_committed_revenue_has_what_will_start_and_lacks_what_will_end(company, mrr):
    company.subscribe("S", "2024-01-10", "100")
    company.change("S", "2024-02-10", "cancels_at", None, "2024-08-01T00:00:00Z", item=False)
    company.add("subscriptions", "T", "2024-03-05", billing_customer_source_id="C", started_at="2024-06-01")
    company.add("subscription_items", "T", "2024-03-05", subscription_source_id="T", unit_amount="70",
                billing_period="month", currency_code="USD", started_on="2024-06-01")  # fmt: skip
    months = ("2024-01-01", "2024-02-01", "2024-03-01", "2024-08-01")
    assert [mrr(month) for month in months] == [100, 100, 100, 70]
    assert [mrr(month, "committed_mrr_amount") for month in months] == [100, 0, 70, 70]


def test_an_end_that_is_told_later_counts_from_its_own_day(company, movements):
    company.subscribe("S", "2024-01-10", "100")
    company.change("S", "2024-04-12", "ended_at", None, "2024-02-20T00:00:00Z", item=False)
    assert movements() == [(JAN, "new", "start", 100), (FEB, "churn", "cancellation", -100)]


def test_a_first_value_seen_in_an_export_holds_for_the_time_before(company, movements):
    company.subscribe("S", "2024-01-10", "60")
    company.change("S", None, "unit_amount", None, 50, recorded_at="2024-03-01T00:00:00Z")
    company.change("S", None, "unit_amount", 50, 60, recorded_at="2024-04-01T00:00:00Z")
    assert movements() == [(JAN, "new", "start", 50), (APR, "expansion", "price", 10)]


@pytest.mark.parametrize(
    ("first", "model", "quantity", "amount"),
    [
        # 10 units at 3, the rest at 2 and 5 for reaching the second step.
        (0, "tiered", 10, 30), (0, "tiered", 12, 39), (1, "tiered", 10, 30), (1, "tiered", 12, 39),
        (0, "volume", 9, 27), (0, "volume", 12, 29), (1, "volume", 10, 30), (1, "volume", 11, 27),
        (0, "tiered", 0, None), (0, "volume", 0, None),
    ],
)  # fmt: skip
def test_steps_of_prices(company, mrr, first, model, quantity, amount):
    company.add("prices", "P", "2024-01-01", charge_model=model, billing_period="month", currency_code="USD")
    company.add("price_tiers", "1", "2024-01-01", price_source_id="P", from_quantity=first, to_quantity=first + 10,
                unit_amount="3")  # fmt: skip
    company.add("price_tiers", "2", "2024-01-01", price_source_id="P", from_quantity=first + 10, unit_amount="2",
                flat_amount="5")  # fmt: skip
    company.subscribe("S", "2024-01-10", "0", quantity=quantity, price_source_id="P", billing_period=None)
    company.rows["subscription_items"][0]["unit_amount"] = None
    assert mrr("2024-02-01") == amount


def test_the_reason_a_source_gives_stands_where_only_the_amount_tells_a_change(company, movements):
    company.subscribe("S", "2024-01-10", "100")
    company.change("S", "2024-02-05", "unit_amount", 100, 150, reason="seats")
    assert movements() == [(JAN, "new", "start", 100), (FEB, "expansion", "seats", 50)]
