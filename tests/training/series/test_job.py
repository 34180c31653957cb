"""The forecast as a job: what it publishes, what it leaves out, and that a failure leaves what stood."""

from datetime import date

import numpy as np
import pytest

from revlayer_training.series import forecasting, job
from revlayer_training.series.job import forecast_series
from revlayer_udf.errors import FeatureError
from revlayer_udf.forecast.months import month_number, month_start

AS_OF = date(2025, 3, 15)
ROWS = ("select measure, segment_id, month_start_on, months_ahead, method, rung, mean_amount, p10_amount, p50_amount,"
        " p90_amount from scoring.series_forecasts where run_id in (select run_id from scoring.published_runs)"
        " order by measure, segment_id, month_start_on")  # fmt: skip


@pytest.fixture
def filled(database):
    """A function that puts series into the features: by measure and segment, amounts that end in February 2025."""

    def fill(series, left_out=0):
        with database.connect() as conn:
            conn.execute(
                "create table if not exists features.ftr_monthly_series (as_of_date date, measure text,"
                " segment_id text, month_start_on date, amount decimal(18, 2), left_out_count bigint)"
            )
            conn.execute("grant select on features.ftr_monthly_series to revlayer_scorer")
            for (measure, segment), amounts in series.items():
                first = month_number(date(2025, 2, 1)) - len(amounts) + 1
                for place, amount in enumerate(amounts):
                    row = [AS_OF, measure, segment, month_start(first + place), amount, left_out]
                    conn.execute("insert into features.ftr_monthly_series values (%s, %s, %s, %s, %s, %s)", row)
            conn.commit()
        return database

    return fill


def _run(database, **arguments):
    with database.connect("scorer") as conn:
        made = forecast_series(conn, AS_OF, **arguments)
        return made, conn.execute(ROWS).fetchall()


def test_a_young_company_is_forecast_by_what_its_history_bears(filled):
    database = filled({("mrr", "EMEA"): [10.0, 20, 30, 40, 50, 60, 70, 80], ("mrr", "APAC"): [5.0, 5, 5],
                       ("bookings", "EMEA"): [1.0, 2, 3, 4, 5]}, left_out=2)  # fmt: skip
    made, rows = _run(database)
    assert made.served == {"mrr": "naive"}
    assert made.notes == (
        "bookings: 5 complete months, a forecast needs 6",
        "revenue: no complete month, a forecast needs 6",
        "mrr: 22 amounts unknown or without an exchange rate are in no sum",
    )
    assert len(rows) == made.row_count == 36
    march = {segment: rest for measure, segment, month, ahead, *rest in rows if ahead == 1}
    assert {segment: rest[:3] for segment, rest in march.items()} == {
        "(all)": ["naive", "naive", 85.0], "APAC": ["naive", "naive", 5.0], "EMEA": ["naive", "naive", 80.0]
    }  # fmt: skip
    mean, p10, p50, p90 = march["EMEA"][2:]
    assert p10 < mean == p50 < p90 and mean - p10 == pytest.approx(p90 - mean)


def test_the_horizon_is_that_of_the_settings_and_a_year_at_most(filled):
    database = filled({("mrr", "EMEA"): list(range(1, 10))})
    assert {row[3] for row in _run(database, horizon=3)[1]} == {1, 2, 3}
    assert {row[3] for row in _run(database, horizon=24)[1]} == set(range(1, 13))


def test_features_that_are_not_built_are_named(database):
    with database.connect("scorer") as conn, pytest.raises(FeatureError, match="revlayer build"):
        forecast_series(conn, AS_OF)


def test_nothing_is_published_where_there_is_too_little(filled):
    made, rows = _run(filled({("mrr", "EMEA"): [1.0, 2.0]}))
    assert made.run_id is None and rows == [] and len(made.notes) == 3


def test_a_run_that_fails_leaves_what_was_published(filled, monkeypatch):
    database = filled({("mrr", "EMEA"): list(range(1, 10))})
    _, before = _run(database)
    assert before

    def broken(table, as_of):
        raise RuntimeError("half way")

    monkeypatch.setattr(job, "_dated", broken)
    with pytest.raises(RuntimeError, match="half way"):
        _run(database)
    with database.connect("scorer") as conn:
        assert conn.execute(ROWS).fetchall() == before
        backtests = conn.execute("select count(*), count(distinct run_id) from scoring.series_backtests").fetchone()
    assert backtests[0] > 0 and backtests[1] == 1


def test_backtest_rows_hold_what_was_foretold_beside_what_came(filled):
    amounts = np.round(100 + 10 * np.sin(np.arange(30.0)), 2)
    _run(filled({("mrr", "EMEA"): amounts}))
    panel_first = month_number(date(2025, 2, 1)) - 29
    database = filled({})
    with database.connect("scorer") as conn:
        rows = conn.execute(
            "select origin_on, month_start_on, months_ahead, forecast_amount, actual_amount"
            " from scoring.series_backtests where method = 'naive' and segment_id = 'EMEA'"
        ).fetchall()
    passed = [back * forecasting.STEP for back in range(1, forecasting.PAST_ORIGINS + 1)]
    assert len(rows) == sum(min(12, months) for months in passed)
    for origin_on, month, ahead, forecast, actual in rows:
        known = month_number(origin_on) - panel_first
        assert month_number(month) == month_number(origin_on) + ahead
        assert forecast == pytest.approx(amounts[known])
        assert actual == pytest.approx(amounts[known + ahead])
