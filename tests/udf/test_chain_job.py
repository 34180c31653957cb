"""The chain from deals to cash as a published run, without any model."""

from datetime import date

import pyarrow as pa
import pytest

from revlayer_udf.cash import forecast_chain
from revlayer_udf.errors import FeatureError
from revlayer_udf.publishing import publish_run

AS_OF = date(2025, 3, 14)
MONTHS = [date(2025, month, 1) for month in range(2, 9)]
ROWS = (
    "select stage, part, month_start_on, mean_amount, p10_amount, p50_amount, p90_amount from scoring.revenue_chains"
    " where run_id in (select run_id from scoring.published_runs) order by 1, 2, 3"
)
LEVELS = {0.1: 60.0, 0.5: 110.0, 0.9: 190.0}
FLOWS = (
    ("won", None, 3, 100.0), ("renewal", "2025-04-01", 3, 600.0), ("renewal", "2025-03-01", 1, 50.0),
    ("retention", "2025-02-01", None, 0.9), ("retention", "2025-01-01", None, 1.0),
    ("scheduled", "2025-03-01", None, 70.0), ("scheduled", "2025-05-01", None, 30.0),
    ("scheduled", "2031-05-01", None, 9.0),
)  # fmt: skip


@pytest.fixture
def company(database):
    """Features, and a forecast of won revenue: 120 a month, of which 20 is won already in the first."""
    with database.connect() as conn:
        conn.execute(
            "create table features.ftr_invoices (invoice_id text, as_of_date date, days_past_due double precision,"
            " payment_terms_days double precision, reporting_balance_amount numeric(18, 2))"
        )
        conn.execute(
            "create table features.ftr_revenue_flows (as_of_date date, flow text, month_start_on date,"
            " period_months integer, amount double precision)"
        )
        for invoice, past_due, amount in (("late", 3, 10), ("soon", -10, 20), ("later", -50, 40)):
            conn.execute(
                "insert into features.ftr_invoices values (%s, %s, %s, 60, %s)", [invoice, AS_OF, past_due, amount]
            )
        for flow in FLOWS:
            conn.execute("insert into features.ftr_revenue_flows values (%s, %s, %s, %s, %s)", [AS_OF, *flow])
        conn.execute("grant select on all tables in schema features to revlayer_scorer")
        conn.commit()
    return database


def _publish_bookings(conn):
    closed = [20.0 if month == date(2025, 3, 1) else 0.0 for month in MONTHS]
    amounts = {"mean": 120.0, "p10": 60.0, "p50": 110.0, "p90": 190.0, "open_mean": 100.0, "created_mean": 0.0}
    columns = {f"{name}_amount": [value] * len(MONTHS) for name, value in amounts.items()}
    tables = ["revenue_forecasts", "revenue_forecast_quantiles"]
    with publish_run(conn, "revenue_forecast", AS_OF, tables, model_version=None) as run:
        run.write(pa.table({
            "as_of_date": [AS_OF] * 3 * len(MONTHS), "period_type": ["month"] * 3 * len(MONTHS),
            "period_start_on": [month for month in MONTHS for _ in LEVELS], "segment_id": ["(all)"] * 3 * len(MONTHS),
            "mean_amount": [120.0] * 3 * len(MONTHS), "probability": list(LEVELS) * len(MONTHS),
            "amount": list(LEVELS.values()) * len(MONTHS),
        }), "revenue_forecast_quantiles")  # fmt: skip
        run.write(pa.table({
            "as_of_date": [AS_OF] * len(MONTHS), "month_start_on": MONTHS, "segment_id": ["(all)"] * len(MONTHS),
            "closed_amount": closed, **columns, "model_version": ["fallback"] * len(MONTHS),
        }), "revenue_forecasts")  # fmt: skip


def _rows(conn):
    found = {}
    with conn.transaction():
        rows = conn.execute(ROWS).fetchall()
    for stage, part, month, *figures in rows:
        found.setdefault((stage, part), {})[month] = figures
    return found


def test_every_stage_follows_from_the_one_before(company):
    with company.connect("scorer") as conn:
        _publish_bookings(conn)
        summary = forecast_chain(conn, AS_OF, draws=300)
        found = _rows(conn)
    months = MONTHS[1:]  # February is over
    assert summary.row_count == len(found) * len(months) and all(list(rows) == months for rows in found.values())
    # The quantiles are the forecast's, less what is won already.
    assert found["bookings", "new"][MONTHS[1]][1:] == pytest.approx([40, 90, 170], abs=1)
    assert found["bookings", "new"][MONTHS[3]][1:] == pytest.approx([60, 110, 190], abs=1)
    mean = {key: [figures[0] for figures in rows.values()] for key, rows in found.items()}
    assert mean["bookings", "new"] == pytest.approx([100, 120, 120, 120, 120, 120])
    # A deal is billed four times a year from its month on.
    assert mean["billings", "new"] == pytest.approx([25, 30, 30, 55, 60, 60])
    kept = [0.95**number for number in range(1, 7)]
    first = [50 * share for share in kept]
    assert mean["billings", "running"] == pytest.approx(
        [first[0], first[1] + 600 * kept[1], *first[2:4], first[4] + 600 * kept[4], first[5]]
    )
    assert mean["revenue", "issued"] == pytest.approx([70, 0, 30, 0, 0, 0])
    assert mean["cash", "issued"] == pytest.approx([30, 0, 40, 0, 0, 0])
    # Sixty days later: two months, less the days of the month of issue.
    assert mean["cash", "new"][:2] == pytest.approx([0, 0.6], abs=0.7) and mean["cash", "new"][2] > 23
    for stage in ("bookings", "billings", "revenue", "cash"):
        parts = [values for (name, part), values in mean.items() if name == stage and part != "(all)"]
        assert [sum(values) for values in zip(*parts, strict=True)] == pytest.approx(mean[stage, "(all)"])
    assert all(low <= middle <= high for rows in found.values() for _, low, middle, high in rows.values())


def test_equal_inputs_give_equal_rows(company):
    with company.connect("scorer") as conn:
        _publish_bookings(conn)
        forecast_chain(conn, AS_OF, draws=100)
        once = _rows(conn)
        forecast_chain(conn, AS_OF, draws=100)
        assert _rows(conn) == once


def test_without_a_forecast_of_the_day_nothing_is_published(company):
    with company.connect("scorer") as conn:
        with pytest.raises(FeatureError, match="no forecast of won revenue as of 2025-03-14"):
            forecast_chain(conn, AS_OF)
        assert _rows(conn) == {}
