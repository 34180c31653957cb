"""Backtest: baselines by hand, figures by hand, and a replay that sees only what was known."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from forecast_world import World, create_feature_tables

from revlayer_training.backtest import coverage_report, run_backtest, summarise
from revlayer_training.backtest.baselines import naive, seasonal_naive, stage_weighted
from revlayer_training.backtest.replay import PREDICTORS, SCHEMA, compare
from revlayer_udf.forecast import ClosedDeals
from revlayer_udf.forecast.months import month_end, month_number
from revlayer_udf.forecast.reading import CrmView

SEGMENTS = ["A", "B"]


def wins(*rows: tuple[str, str, float]) -> ClosedDeals:
    days = np.array([day for _, day, _ in rows], dtype="datetime64[D]")
    segment = np.array([name for name, _, _ in rows])
    amount = np.array([amount for _, _, amount in rows])
    return ClosedDeals(segment, days - 30, days - 30, days, days, np.ones(len(rows), bool), amount)


def view(*rows: tuple[str, float, float, str]) -> CrmView:
    segment, amount, probability, closes = zip(*rows, strict=True)
    return CrmView(np.array(segment), np.array(amount), np.array(probability), np.array(closes, dtype="datetime64[D]"))


HISTORY = wins(("A", "2023-02-10", 70.0), ("A", "2024-01-20", 100.0), ("B", "2024-02-11", 50.0))
PIPELINE = view(
    ("A", 1000.0, 0.5, "2024-03-15"),
    ("A", 400.0, 0.25, "2024-01-15"),
    ("B", np.nan, 0.5, "2024-03-15"),
    ("B", 10.0, 0.5, "NaT"),
)


def test_stage_weighted_puts_overdue_deals_where_days_are_left() -> None:
    at_end = stage_weighted(PIPELINE, HISTORY, date(2024, 2, 29), SEGMENTS, 2)
    np.testing.assert_allclose(at_end, [[0, 600, 0], [50, 0, 0]])
    inside = stage_weighted(PIPELINE, HISTORY, date(2024, 2, 20), SEGMENTS, 2)
    np.testing.assert_allclose(inside, [[100, 500, 0], [50, 0, 0]])


def test_naive_is_the_last_complete_month() -> None:
    np.testing.assert_allclose(naive(HISTORY, date(2024, 2, 29), SEGMENTS, 1), [[0, 0], [50, 50]])
    np.testing.assert_allclose(naive(HISTORY, date(2024, 2, 20), SEGMENTS, 1), [[100, 100], [0, 0]])


def test_seasonal_naive_is_the_month_a_year_before() -> None:
    result = seasonal_naive(HISTORY, date(2024, 1, 31), SEGMENTS, 12)
    assert result[0, 1] == 70 and result[0, 12] == 100
    np.testing.assert_allclose(seasonal_naive(wins(), date(2024, 1, 31), [], 2), np.zeros((0, 3)))


def test_without_a_year_of_history_seasonal_naive_is_naive() -> None:
    young = wins(("A", "2024-01-20", 100.0))
    np.testing.assert_allclose(seasonal_naive(young, date(2024, 1, 31), ["A"], 2), [[100, 100, 100]])


def rows_of(forecasts: list[float], actuals: list[float], low: float, high: float) -> pa.Table:
    count = len(forecasts)
    return pa.table(
        {
            "as_of_date": [date(2024, 1, 31)] * count,
            "month_start_on": [date(2024, 2, 1)] * count,
            "months_ahead": pa.array([1] * count, pa.int32()),
            "segment_id": ["(all)"] * count,
            "predictor": ["model"] * count,
            "forecast_amount": forecasts,
            "p10_amount": [low] * count,
            "p90_amount": [high] * count,
            "actual_amount": actuals,
        },
        schema=SCHEMA,
    )


def test_figures_by_hand() -> None:
    (figure,) = summarise(rows_of([10.0, 20.0], [10.0, 30.0], 5.0, 25.0))
    assert (figure.wape, figure.bias, figure.coverage, figure.months) == (0.25, -0.25, 0.5, 2)


def test_months_without_revenue_have_no_wape() -> None:
    (figure,) = summarise(rows_of([10.0], [0.0], 0.0, 25.0))
    assert figure.wape is None and figure.bias is None and figure.coverage == 1.0


def test_coverage_draws_companies() -> None:
    """Every company all right or all wrong: the interval is as wide as for three coins, not for thirty."""
    good, bad = rows_of([1.0] * 10, [1.0] * 10, 0.0, 2.0), rows_of([1.0] * 10, [9.0] * 10, 0.0, 2.0)
    report = coverage_report({"1": good, "2": good, "3": bad})
    assert report.coverage == pytest.approx(2 / 3) and (report.low, report.high) == (0.0, 1.0)
    assert report.months == 30 and report.companies == 3
    with pytest.raises(ValueError, match="2 months ahead"):
        coverage_report({"1": good}, months_ahead=2)


def test_comparison_holds_every_predictor_against_what_came() -> None:
    world = World(5, per_month=15)
    as_of = month_end(world.last - 4)
    deals = world.open_at(as_of)
    crm = CrmView(deals.segment, deals.value_mean, deals.win_probability, deals.created_on + 60)
    through = month_end(world.last)
    options = {"horizon": 12, "draws": 200, "seed": 0}
    table = compare(deals, crm, world.history(), [], through, **options)
    total = table.filter(pc.equal(table["segment_id"], "(all)")).to_pylist()
    assert {row["predictor"] for row in total} == set(PREDICTORS)
    assert sorted({row["months_ahead"] for row in total}) == [1, 2, 3, 4]
    for row in total:
        month = month_number(row["month_start_on"])
        assert row["actual_amount"] == pytest.approx(world.actual(month))
        assert (row["p10_amount"] is not None) == (row["predictor"] == "model")
    # Forecasts use what was known at their date: cutting the future off changes the actual amounts only.
    known = compare(deals, crm, world.history().known_by(as_of), [], through, **options)
    assert known.drop(["actual_amount"]).equals(table.drop(["actual_amount"]))


def test_backtest_is_published_and_repeatable(database) -> None:
    world = World(3, per_month=15)
    dates = [month_end(world.last - back) for back in (5, 4, 3, 2, 1, 0)]
    with database.connect("transformer") as conn:
        create_feature_tables(conn, world, dates)
    with database.connect("scorer") as conn:
        first = run_backtest(conn, draws=200)
        again = run_backtest(conn, draws=200, through=dates[-1])
        stored = conn.execute(
            "select count(*), count(distinct as_of_date), min(months_ahead), max(months_ahead)"
            " from scoring.forecast_backtests where run_id in (select run_id from scoring.published_runs)"
        ).fetchone()
    # The last date has no complete month after it.
    assert stored == (first.row_count, 5, 1, 5)
    assert again.table.equals(first.table) and again.run_id != first.run_id
    assert first.value(1, "model").months == 5 and first.value(1, "naive").coverage is None
    assert all(len(row) == len(first.header) for row in first.rows)


def test_a_database_without_deals_has_an_empty_backtest(database) -> None:
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(1, months=1, per_month=0.0), [])
    with database.connect("scorer") as conn:
        assert run_backtest(conn).figures == []
