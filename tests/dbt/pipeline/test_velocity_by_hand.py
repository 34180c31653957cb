"""Velocity and ageing of a few deals, reckoned by hand."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from billing_rows import AS_OF
from compiled_models import compile_models


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("velocity", built),
        ["+deal_velocity", "+pipeline_ageing"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-09-01", "history_months": 15, "stage_minimum_stay_count": 3},
    )


def _close(story, key: str, begun: str, days: int, stage: str, amount: str | None = "100") -> None:
    story.deal(key, begun, amount=amount, currency_code="USD")
    story.change(key, (date.fromisoformat(begun) + timedelta(days=days)).isoformat(), stage=stage)


def test_velocity_is_deals_times_win_rate_times_value_by_cycle(models, story):
    _close(story, "A", "2024-05-01", 10, "won", "100")
    _close(story, "B", "2024-05-01", 30, "won", "300")
    _close(story, "C", "2024-05-01", 20, "won", None)
    _close(story, "D", "2024-05-01", 5, "lost")
    _close(story, "Old", "2024-01-02", 5, "won", "9000")
    for key in ("E", "F"):
        story.deal(key, "2024-06-01", amount="50", currency_code="USD")
    columns = "open_deal_count, won_deal_count, lost_deal_count, win_rate, average_won_amount"
    query = (
        f"select as_of_date, {columns}, won_without_amount_count, average_cycle_days, velocity_amount"
        " from marts.deal_velocity where segment_id = '(all)' and as_of_date in ('2024-05-31', '2025-01-31', %s)"
        " order by 1"
    )
    with models.filled(story.rows) as conn:
        rows = conn.execute(query, [AS_OF - timedelta(days=31)]).fetchall()
    assert rows == [
        # Two of the three wins have an amount: 9,400 ÷ 3 with the old one; cycles of 10, 30, 20 and 5 days.
        (date(2024, 5, 31), 0, 4, 1, 0.8, Decimal("3133.33"), 1, 16.25, Decimal("0.00")),
        (date(2024, 12, 31), 2, 4, 1, 0.8, Decimal("3133.33"), 1, 16.25, Decimal("308.51")),
        # A year after it was won the old deal is out: 2 × 0.75 × 200 ÷ 20.
        (date(2025, 1, 31), 2, 3, 1, 0.75, Decimal("200.00"), 1, 20.0, Decimal("15.00")),
    ]


def test_age_and_pushes_of_an_open_deal(models, story):
    for key, days in (("A", 10), ("B", 20), ("C", 30)):
        _close(story, key, "2024-05-01", days, "lost")
    for key, days in (("young", 15), ("slow", 25), ("stuck", 40)):
        story.deal(key, (AS_OF - timedelta(days=days)).isoformat(), expected_close_on="2025-02-01")
    story.change("stuck", "2025-01-10", expected_close_on="2025-03-01")
    story.change("stuck", "2025-01-20", expected_close_on="2025-02-20")
    story.change("stuck", "2025-01-25", expected_close_on="2025-04-01")
    query = (
        "select deal_id, days_in_stage, median_stage_days, p90_stage_days, age_band, first_expected_close_on::text,"
        " push_count, pushed_days, pull_count, pulled_days from marts.pipeline_ageing order by days_in_stage"
    )
    with models.filled(story.rows) as conn:
        rows = conn.execute(query).fetchall()
    assert rows == [
        ("s:young", 15, 20.0, 28.0, "within median", "2025-02-01", 0, 0, 0, 0),
        ("s:slow", 25, 20.0, 28.0, "within p90", "2025-02-01", 0, 0, 0, 0),
        ("s:stuck", 40, 20.0, 28.0, "past p90", "2025-02-01", 2, 68, 1, 9),
    ]
