"""Backtest: baselines by hand, figures by hand, and a replay that sees only what was known."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from forecast_world import END, World, create_feature_tables

from revlayer_training.backtest import coverage_report, run_backtest, summarise
from revlayer_training.backtest.comparison import PREDICTORS, SCHEMA, compare
from revlayer_training.backtest.replay import Options
from revlayer_udf.forecast import ClosedDeals, OpenDeals
from revlayer_udf.forecast.baselines import (
    by_crm_probability,
    naive,
    naive_error,
    seasonal_naive,
    stage_weighted,
)
from revlayer_udf.forecast.months import month_end, month_number
from revlayer_udf.forecast.reading import CrmView
from revlayer_udf.forecast.timing import CLASSES, INTERVALS, LifeTable, life_table

SEGMENTS = ["A", "B"]


def wins(*rows: tuple[str, str, float]) -> ClosedDeals:
    days = np.array([day for _, day, _ in rows], dtype="datetime64[D]")
    segment = np.array([name for name, _, _ in rows])
    amount = np.array([amount for _, _, amount in rows])
    until, won = np.full(len(rows), END), np.ones(len(rows), bool)
    return ClosedDeals(segment, days - 30, days - 30, days, days, until, won, amount)


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


def test_the_unit_of_mase_is_what_naive_missed_by() -> None:
    history = wins(("A", "2024-01-10", 10.0), ("A", "2024-02-10", 30.0), ("B", "2024-03-10", 5.0))
    # A: 10, 30, 0; B: 0, 0, 5; together 10, 30, 5.
    np.testing.assert_allclose(naive_error(history, date(2024, 3, 31), SEGMENTS), [22.5, 25.0, 2.5])
    np.testing.assert_allclose(naive_error(history, date(2024, 3, 30), SEGMENTS), [20.0, 20.0, np.nan])
    assert np.isnan(naive_error(wins(), date(2024, 3, 31), SEGMENTS)).all()


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
            "p025_amount": [low] * count,
            "p10_amount": [low] * count,
            "p50_amount": forecasts,
            "p90_amount": [high] * count,
            "p975_amount": [high] * count,
            "actual_amount": actuals,
            "period_type": ["month"] * count,
            "actual_probability": [0.5] * count,
            "naive_error_amount": [20.0] * count,
        },
        schema=SCHEMA,
    )


def test_figures_by_hand() -> None:
    (figure,) = summarise(rows_of([10.0, 20.0], [10.0, 30.0], 5.0, 25.0))
    assert (figure.wape, figure.bias, figure.coverage, figure.months) == (0.25, -0.25, 0.5, 2)
    # Errors of 0 and 10 against 20 that naive missed by.
    assert figure.mase == 0.25
    # 10: (0.1 x 5 + 0 + 0.1 x 15) / 3. 30: (0.1 x 25 + 0.5 x 10 + 0.9 x 5) / 3. Over 40.
    assert figure.pinball == pytest.approx((2.0 + 12.0) / 3 / 40)


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


def as_the_crm_sees_it(world: World, deals: OpenDeals) -> tuple[CrmView, dict[str, OpenDeals]]:
    nothing = np.array([""] * len(deals))
    crm = CrmView(deals.segment, deals.value_mean, deals.win_probability, deals.created_on + 60, nothing, nothing)
    table = life_table([], np.zeros((0, CLASSES + 1, INTERVALS + 1, 3)))
    return crm, {"crm_probability": by_crm_probability(deals, crm, world.history().known_by(deals.as_of), table)}


def test_the_crm_rival_trusts_stage_probability_and_amount_in_the_months_of_past_wins() -> None:
    deals = World(5, per_month=15).open_at(date(2024, 2, 29))
    won = np.zeros((2, CLASSES + 1, INTERVALS))
    won[:, -1] = np.linspace(0.03, 0.3, INTERVALS)
    table = LifeTable(["S"], np.zeros(won.shape[:2], int), won, np.zeros_like(won))
    values = ("A", 100.0, 0.4, np.datetime64("2024-03-01"), "id", "S")
    crm = CrmView(*(np.repeat(value, len(deals)) for value in values))
    seen = by_crm_probability(deals, crm, HISTORY, table)
    assert (seen.win_probability == 0.4).all() and (seen.value_mean == 100.0).all()
    np.testing.assert_allclose(seen.close_cdf[0], np.linspace(0.1, 1.0, INTERVALS))


def test_comparison_holds_every_predictor_against_what_came() -> None:
    world = World(5, per_month=15)
    as_of = month_end(world.last - 4)
    deals = world.open_at(as_of)
    through = month_end(world.last)
    options = Options(through, draws=200)
    crm, others = as_the_crm_sees_it(world, deals)
    table = compare(deals, crm, others, world.history(), [], options)
    months = table.filter(pc.equal(table["period_type"], "month"))
    total = months.filter(pc.equal(months["segment_id"], "(all)")).to_pylist()
    assert {row["predictor"] for row in total} == set(PREDICTORS)
    assert sorted({row["months_ahead"] for row in total}) == [1, 2, 3, 4]
    for row in total:
        month = month_number(row["month_start_on"])
        assert row["actual_amount"] == pytest.approx(world.actual(month))
        assert (row["p10_amount"] is not None) == (row["predictor"] == "model")
    # Forecasts use what was known at their date: cutting the future off changes the actual amounts only.
    known = compare(deals, crm, others, world.history().known_by(as_of), [], options)
    later = ["actual_amount", "actual_probability"]
    assert known.drop(later).equals(table.drop(later))


def test_quarters_add_their_months_up() -> None:
    world = World(5, per_month=15)
    as_of = month_end(world.last - 4)
    deals = world.open_at(as_of)
    crm, others = as_the_crm_sees_it(world, deals)
    first = month_number(as_of) + 1
    options = Options(month_end(world.last), draws=200, fiscal_start_month=first % 12 + 1)
    table = compare(deals, crm, others, world.history(), [], options)
    quarters = table.filter(pc.equal(table["period_type"], "quarter")).to_pylist()
    months = table.filter(pc.equal(table["period_type"], "month")).to_pylist()
    assert {row["predictor"] for row in quarters} == set(PREDICTORS) and {r["months_ahead"] for r in quarters} == {1}
    for row in quarters:
        own = [
            m
            for m in months
            if (m["predictor"], m["segment_id"]) == (row["predictor"], row["segment_id"]) and m["months_ahead"] <= 3
        ]
        assert len(own) == 3
        for name in ("forecast_amount", "actual_amount"):
            assert row[name] == pytest.approx(sum(m[name] for m in own))
        if row["predictor"] == "model":
            assert row["p025_amount"] <= row["p10_amount"] <= row["p90_amount"] <= row["p975_amount"]
            # Months do not all end at their upper quantile together.
            assert row["p975_amount"] <= sum(m["p975_amount"] for m in own) + 1e-6


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
