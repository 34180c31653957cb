"""Marts of a company of nine deals, checked by hand, without predictions."""

from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import sql

from revlayer import dbt

AS_OF = {"as_of_date": "2025-06-30", "history_months": 3, "calendar_start_on": "2020-01-01"}
TARGET = """
insert into planning.targets (segment_id, month_start_on, target_amount, currency_code, owner_id, stated_at)
values ('(all)', '2025-07-01', 100, 'chf', null, '2025-06-01'),
    ('(all)', '2025-07-01', 100, 'usd', 'hand:U9', '2025-06-01'),
    ('(all)', '2025-07-01', 100, 'usd', 'hand:O1', '2025-06-01'),
    ('Nowhere', '2025-08-01', 100, 'usd', null, '2025-06-01'), ('Later', '2025-08-01', 100, 'usd', null, '2025-07-01')
"""
SAID = """
insert into planning.forecast_submissions (category, period_start_on, amount, currency_code, submitted_at)
values ('commit', '2025-07-01', 100, 'XXX', '2025-06-01')
"""
TESTED = ("pipeline_summary", "at_risk_deals", "won_deals_summary", "revenue_forecast_monthly_total", "deal_scores")


@pytest.fixture(scope="module")
def hand(make_database, models_only, tmp_path_factory):
    """All models, and dbt's tests of those with deals."""
    database, target = make_database("hand"), tmp_path_factory.mktemp("target")
    with database.connect("loader") as conn:
        conn.execute((Path(__file__).parent / "hand_company.sql").read_bytes())
    with database.connect("planner") as conn:
        conn.execute(TARGET)
        conn.execute(SAID)
    for selector in ("features", "marts"):
        dbt.run(database.settings, ["build", "--selector", selector], AS_OF, target_path=target)
    dbt.run(database.settings, ["test", "--select", *TESTED], AS_OF, target_path=target)
    return database


@pytest.fixture
def read(hand):
    def run(columns: str, mart: str, condition: str = "true"):
        query = sql.SQL("select {} from {} where {} order by 1, 2").format(
            sql.SQL(columns), sql.Identifier("marts", mart), sql.SQL(condition)
        )
        with hand.connect("reader") as conn:
            return conn.execute(query).fetchall()

    return run


def test_currencies_are_never_added(read):
    rows = read(
        "currency_code, sum(deal_count), sum(amount), sum(weighted_amount), sum(reporting_amount),"
        " sum(weighted_reporting_amount), sum(deal_without_rate_count), sum(deal_without_amount_count)",
        "pipeline_summary",
        "as_of_date = '2025-06-30' group by currency_code",
    )
    assert rows == [
        ("EUR", 1, 2000, 1600, 2200, 1760, 0, 0),
        ("GBP", 1, 500, 250, None, None, 1, 0),
        ("USD", 2, 15000, 7500, 15000, 7500, 0, 0),
        (None, 1, None, None, None, None, 0, 1),
    ]


def test_a_deal_won_later_is_open_in_the_past(read):
    rows = read("as_of_date::text, sum(deal_count), sum(amount)", "pipeline_summary", "true group by as_of_date")
    assert rows == [
        ("2025-04-30", 2, 13000),
        ("2025-05-31", 2, 15000),
        ("2025-06-30", 5, 17500),
    ]


def test_reasons_in_plain_words(read):
    rows = read("deal_id, risk_factors", "at_risk_deals")
    assert rows == [
        ("hand:D1", "stagnant for 90 days; no activity for 90 days; deal health at 12 points"),
        (
            "hand:D9",
            "no activity for 21 days; close date pushed 3 times; close date overdue by 12 days;"
            " no decision maker engaged; deal health at 40 points",
        ),
    ]


def test_rank_is_in_money(read):
    rows = read("risk_rank, deal_id, revenue_at_risk_amount, probability_source", "at_risk_deals")
    assert rows == [(1, "hand:D1", 5000, "crm_stage"), (2, "hand:D9", 2500, "crm_stage")]


def test_won_deals_by_month(read):
    rows = read(
        "month_start_on::text, won_deal_count, won_amount, previous_month_amount, previous_year_amount,"
        " round(month_over_month_rate::numeric, 3), round(year_over_year_rate::numeric, 3)",
        "won_deals_summary",
    )
    assert rows == [
        ("2024-06-01", 1, 2000, 0, 0, None, None),
        ("2024-07-01", 0, 0, 2000, 0, -1, None),
        ("2025-05-01", 1, 3000, 0, 0, None, None),
        ("2025-06-01", 1, 1100, 3000, 2000, Decimal("-0.633"), Decimal("-0.450")),
    ]


def test_forecast_without_a_model_is_stage_weighted(read):
    rows = read(
        "month_start_on::text, closed_amount, open_weighted_amount, stage_weighted_amount, mean_amount, p50_amount",
        "revenue_forecast_monthly_total",
        "stage_weighted_amount > 0",
    )
    # The as-of date is a month end: what is overdue counts in July.
    assert rows == [
        ("2025-06-01", 1100, 0, 1100, None, None),
        ("2025-07-01", 0, 7500, 7500, None, None),
        ("2025-08-01", 0, 1760, 1760, None, None),
    ]
    assert len(read("month_start_on, as_of_date", "revenue_forecast_monthly_total")) == 13


def test_scores_without_a_model_are_the_rules(read):
    rows = read("deal_id, win_probability, value_amount, rule_stage_base", "deal_scores")
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (f"hand:{name}", None, None) for name in ("D1", "D2", "D3", "D4", "D9")
    ]
    assert [row[3] for row in rows] == [50, 70, 50, 30, 50]


def test_missing_rates_and_refused_rows_are_listed(read):
    rows = read("currency_code, needed_for, needed_on::text, deal_count, row_count", "missing_exchange_rates")
    assert rows == [
        ("CHF", "targets", "2025-06-30", 0, 1), ("GBP", "open deals", "2025-06-30", 1, 1),
        ("XXX", "submissions", "2025-06-30", 0, 1),
    ]  # fmt: skip
    # What was stated after the as-of date is not looked at.
    rows = read("used_in, name_kind, name, row_count", "unknown_names")
    assert rows == [("targets", "owner", "hand:U9", 1), ("targets", "segment", "Nowhere", 1)]
    rows = read("table_name, rejected_count, first_line_number, example_reason", "import_issues")
    assert rows == [("deals", 2, 4, "amount is not a number")]


def test_health_view_says_what_to_do(hand):
    with hand.connect("reader") as conn:
        found = {
            name: (status, todo)
            for name, status, todo in conn.execute(
                "select check_name, status, what_to_do from metrics.health"
            ).fetchall()
        }
    assert found["marts"] == ("ok", None)
    assert found["predictions deal_win"] == (
        "warn",
        "revlayer train deal_win says why none serves; with more history: revlayer run",
    )
    with hand.connect("reader") as conn:
        [(rates,)] = conn.execute("select detail from metrics.health where check_name = 'exchange rates'").fetchall()
    assert "rates are missing: " in rates and "deals (" in rates
    assert {found[name][0] for name in ("exchange rates", "imports", "deals without account", "forecast")} == {"warn"}
    assert all(todo for status, todo in found.values() if status != "ok")
