"""Series, forecasts and accuracy of the company that was run whole, reckoned again from its tables."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

LAST_COMPLETE = date(2025, 12, 1)


def _rows(database, query, role="reader"):
    with database.connect(role) as conn:
        return conn.execute(query).fetchall()


@pytest.fixture(scope="module")
def series(company):
    """Amounts by measure, segment and month."""
    query = "select measure, segment_id, month_start_on, amount from features.ftr_monthly_series"
    found = defaultdict(dict)
    for measure, segment, month, amount in _rows(company, query, "transformer"):
        found[measure, segment][month] = amount
    return found


def _summed(rows):
    found = defaultdict(Decimal)
    for segment, day, amount in rows:
        found[segment, day.replace(day=1)] += amount or 0
    return found


@pytest.mark.parametrize(
    ("measure", "query"),
    [
        ("bookings", "select segment_id, closed_on, reporting_amount from marts.fct_deals where is_won"),
        ("mrr", "select segment_id, month_start_on, mrr_reporting_amount from marts.fct_mrr_monthly"),
    ],
)
def test_series_are_the_sums_of_the_tables_people_read(company, series, measure, query):
    expected = _summed(_rows(company, query))
    assert expected
    found = {(name, day): amount for (of, name), months in series.items() if of == measure
             for day, amount in months.items()}  # fmt: skip
    first = min(day for _, day in expected)
    kept = {key: amount for key, amount in expected.items() if amount and (measure == "mrr" or key[1] > first)}
    assert {key: amount for key, amount in found.items() if amount} == kept


def test_revenue_adds_up_to_that_of_the_months(company, series):
    rows = _rows(company, "select month_start_on, recognised_reporting_amount from marts.revenue_monthly_reporting")
    expected = dict(sorted(rows)[1:])  # the first month is left out
    found = defaultdict(Decimal)
    for (measure, _), months in series.items():
        if measure == "revenue":
            for day, amount in months.items():
                found[day] += amount
    assert found == expected


def test_a_series_has_every_month_since_its_first(series):
    assert {measure for measure, _ in series} == {"bookings", "revenue", "mrr"}
    for months in series.values():
        days = sorted(months)
        assert days[-1] == LAST_COMPLETE
        apart = (LAST_COMPLETE.year - days[0].year) * 12 + LAST_COMPLETE.month - days[0].month
        assert len(days) == apart + 1 and months[days[0]] != 0


def test_forecasts_of_segments_add_up_to_the_cent(company):
    totals, summed, months = {}, defaultdict(Decimal), defaultdict(set)
    for measure, segment, month, mean in _rows(
        company, "select measure, segment_id, month_start_on, mean_amount from marts.series_forecast_monthly"
    ):
        months[measure].add(month)
        if segment == "(all)":
            totals[measure, month] = mean
        else:
            summed[measure, month] += mean
    assert totals == summed
    assert {measure: (min(days), len(days)) for measure, days in months.items()} == dict.fromkeys(
        ("bookings", "revenue", "mrr"), (date(2026, 1, 1), 12)
    )


def test_every_series_is_served_with_an_interval_and_says_by_what(company, series):
    rows = _rows(company, "select measure, segment_id, method, rung, p10_amount, mean_amount, p90_amount"
                          " from marts.series_forecast_monthly where segment_id <> '(all)'")  # fmt: skip
    assert {row[:2] for row in rows} == set(series)
    assert all(p10 <= mean <= p90 for *_, p10, mean, p90 in rows)
    rungs = {"naive": "naive", "seasonal_naive": "seasonal_naive", "theta": "statistical", "ets": "statistical",
             "ets_theta": "statistical", "lightgbm": "model", "combination": "model"}  # fmt: skip
    assert all(rungs[method] == rung for _, _, method, rung, *_ in rows)


def test_accuracy_is_that_of_the_backtest(company):
    rows = _rows(
        company,
        "select months_ahead, forecast_amount, p10_amount, p90_amount, actual_amount, scale_amount"
        " from scoring.series_backtests where measure = 'bookings' and segment_id = '(all)' and method = 'served'"
        " and run_id in (select run_id from scoring.published_runs) and months_ahead = 2",
        "scorer",
    )
    accuracy = _rows(
        company,
        "select forecast_count, wape_rate, mase_ratio, bias_rate, interval_coverage_rate, pinball_rate"
        " from marts.series_accuracy where measure = 'bookings' and segment_id = '(all)' and method = 'served'"
        " and months_ahead = 2",
    )[0]
    size = sum(abs(actual) for *_, actual, _ in rows)
    held = [row for row in rows if row[2] is not None]
    assert len(held) > 5

    def pinball(level, forecast, actual):
        return level * (actual - forecast) if actual >= forecast else (1 - level) * (forecast - actual)

    expected = (
        len(rows),
        sum(abs(made - actual) for _, made, _, _, actual, _ in rows) / size,
        sum(abs(made - actual) / scale for _, made, _, _, actual, scale in rows) / len(rows),
        sum(made - actual for _, made, _, _, actual, _ in rows) / size,
        sum(low <= actual <= high for _, _, low, high, actual, _ in held) / len(held),
        sum(pinball(0.1, low, actual) + pinball(0.5, made, actual) + pinball(0.9, high, actual)
            for _, made, low, high, actual, _ in held) / 3 / sum(abs(row[4]) for row in held),
    )  # fmt: skip
    assert accuracy == pytest.approx(expected)
