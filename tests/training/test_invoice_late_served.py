"""Late payment in service: certified, published by the job, called as a function; and the cash that follows."""

from datetime import date, timedelta

import invoice_rows
import numpy as np
import pytest
from invoice_rows import END, NUMBERS
from psycopg import sql

from revlayer_training.invoice_late import fit_invoice_late
from revlayer_training.training import register
from revlayer_udf import certificate, functions, jobs, registry
from revlayer_udf.cash import forecast_cash
from revlayer_udf.errors import FeatureError
from revlayer_udf.frames import copy_in

TARGET = "invoice_late"
CALL = (
    "select f.invoice_id, s.late_probability, s.location, s.scale from features.ftr_invoices as f"
    " cross join lateral scoring.predict_invoice_late({arguments}) as s where f.as_of_date = %s order by f.invoice_id"
)
PREDICTIONS = (
    "select invoice_id, late_probability, location_days, scale_days from scoring.invoice_late_predictions"
    " where run_id in (select run_id from scoring.published_runs) order by invoice_id"
)
CASH = (
    "select period, period_start_on, period_end_on, due_amount, mean_amount, p10_amount, p50_amount, p90_amount, rung"
    " from scoring.cash_forecasts where run_id in (select run_id from scoring.published_runs) order by 1, 2"
)


@pytest.fixture
def company(request):
    """A database with the features of open invoices, as the job reads them."""
    database = request.getfixturevalue(getattr(request, "param", "make_database"))("invoices_served")
    table = invoice_rows.open_invoices()
    with database.connect() as conn:
        columns = sql.SQL(", ").join(sql.SQL("{} double precision").format(sql.Identifier(name)) for name in NUMBERS)
        conn.execute(
            sql.SQL(
                "create table features.ftr_invoices (invoice_id text, as_of_date date, {}, segment_id text,"
                " reporting_balance_amount numeric(18, 2) default 100)"
            ).format(columns)
        )
        conn.execute("create table features.lbl_invoices (invoice_id text)")
        copy_in(conn, sql.Identifier("features", "ftr_invoices"),
                table.select(["invoice_id", "as_of_date", *NUMBERS, "segment_id"]))  # fmt: skip
        conn.execute("grant select on all tables in schema features to revlayer_scorer")
        conn.commit()
    return database


def _serve(database):
    data = invoice_rows.data()
    outcome = fit_invoice_late(data, END)
    with database.connect("scorer") as conn:
        version = register(conn, outcome, outcome.served, data, END)
        status = {c.second_engine: c.status for c in certificate.certify(conn, version).comparisons}
        registry.promote(conn, version, "for a test")
        conn.commit()
    with database.connect("scorer") as conn, database.connect("scorer") as read_conn:
        jobs.score_targets(conn, END, [TARGET], read_conn=read_conn)
    return status


def _rows(conn, statement, parameters=()):
    with conn.transaction():
        return conn.execute(statement, parameters).fetchall()


@pytest.mark.parametrize("company", ["make_database", "make_plpython_database"], indirect=True)
def test_job_and_function_agree(company, request):
    engine = "sql" if request.node.callspec.params["company"] == "make_database" else "plpython"
    assert _serve(company)[engine] == "equal"
    with company.connect("scorer") as conn:
        functions.install(conn, TARGET, engine)
        names = [feature.name for feature in registry.require_champion(conn, TARGET).manifest.features]
        arguments = sql.SQL(", ").join(
            sql.SQL("{} => f.{}").format(sql.Identifier(name), sql.Identifier(name)) for name in names
        )
        called = conn.execute(sql.SQL(CALL).format(arguments=arguments), [END]).fetchall()
        published = conn.execute(PREDICTIONS).fetchall()
    assert [row[0] for row in called] == [row[0] for row in published] and len(called) > 50
    numbers = np.array([row[1:] for row in published], float)
    assert np.abs(np.array([row[1:] for row in called], float) - numbers).max() < 1e-4
    assert np.abs(np.array([row[1] for row in called], float) - numbers[:, 0]).max() < 1e-5


def test_cash_follows_the_published_predictions(company):
    _serve(company)
    with company.connect("scorer") as conn:
        run = forecast_cash(conn, END, week_count=5, month_count=3)
        rows = _rows(conn, CASH)
        ((count,),) = _rows(conn, "select count(*) from features.ftr_invoices where as_of_date = %s", [END])
        again = forecast_cash(conn, END, week_count=5, month_count=3)
        assert _rows(conn, CASH) == rows  # the run before is superseded by an equal one
    assert run.rung == "shrinkage" and again.summary.run_id > run.summary.run_id
    assert [row[:3] for row in rows if row[0] == "week"] == [
        ("week", date(2026, 1, 1), date(2026, 1, 4)), ("week", date(2026, 1, 5), date(2026, 1, 11)),
        ("week", date(2026, 1, 12), date(2026, 1, 18)), ("week", date(2026, 1, 19), date(2026, 1, 25)),
        ("week", date(2026, 1, 26), date(2026, 2, 1)), ("week", date(2026, 2, 2), None),
    ]  # fmt: skip
    for period in ("week", "month"):
        due, mean = (sum(row[place] for row in rows if row[0] == period) for place in (3, 4))
        assert mean == pytest.approx(100 * count) and due == pytest.approx(100 * count)
    assert all(low <= middle <= high for *_, low, middle, high, _ in rows)
    # The mean of the sample is the exact mean; of a sum of many the median is close to it.
    assert rows[-6][6] == pytest.approx(rows[-6][4], rel=0.25)


def test_without_a_model_everything_is_paid_on_its_due_date(company):
    with company.connect("scorer") as conn:
        run = forecast_cash(conn, END, week_count=5)
        rows = conn.execute(CASH).fetchall()
        due = conn.execute(
            "select count(*) * 100 from features.ftr_invoices where as_of_date = %s and days_past_due >= -4", [END]
        ).fetchone()
    assert run.rung == "terms" and {row[-1] for row in rows} == {"terms"}
    week = next(row for row in rows if row[0] == "week")
    assert week[3] == week[4] == float(due[0]) and week[5:8] == (None, None, None)


def test_invoices_that_nobody_scored_are_refused(company):
    _serve(company)
    with company.connect() as conn:
        conn.execute(
            "insert into features.ftr_invoices (invoice_id, as_of_date, days_past_due) values ('new', %s, 3)", [END]
        )
        conn.commit()
    with company.connect("scorer") as conn, pytest.raises(FeatureError, match=r"1 of \d+ .* no prediction"):
        forecast_cash(conn, END)


def test_an_invoice_without_a_rate_is_left_out(company):
    with company.connect() as conn:
        conn.execute("update features.ftr_invoices set reporting_balance_amount = null where days_past_due > 0")
        conn.commit()
    with company.connect("scorer") as conn:
        forecast_cash(conn, END)
        (total,) = conn.execute("select sum(mean_amount) from scoring.cash_forecasts where period = 'week'").fetchone()
        (owed,) = conn.execute(
            "select sum(reporting_balance_amount) from features.ftr_invoices where as_of_date = %s", [END]
        ).fetchone()
    assert total == pytest.approx(float(owed)) and owed > 0


def test_a_day_without_open_invoices_brings_nothing(company):
    day = END + timedelta(days=3)
    with company.connect("scorer") as conn:
        assert forecast_cash(conn, day).summary.row_count == 21
        assert {row[4] for row in conn.execute(CASH).fetchall()} == {0.0}


def test_features_that_were_not_built_are_named(database):
    with database.connect("scorer") as conn, pytest.raises(FeatureError, match="ftr_invoices does not exist"):
        forecast_cash(conn, END)
