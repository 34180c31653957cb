"""Closing months on the command line: a cancellation told late is an adjustment, what was reported stays."""

import os
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from typer.testing import CliRunner

from revlayer import dbt, pipeline
from revlayer.cli.main import app
from revlayer.errors import RevlayerError

SUBSCRIBE = """
insert into raw.subscriptions (source_name, source_id, occurred_at, billing_customer_source_id, started_at)
values ('s', 'A', '2024-11-05', 'A', '2024-11-05'), ('s', 'B', '2024-12-05', 'B', '2024-12-05');
insert into raw.subscription_items (source_name, source_id, occurred_at, subscription_source_id, unit_amount,
    billing_period, currency_code)
values ('s', 'A', '2024-11-05', 'A', 100, 'month', 'USD'), ('s', 'B', '2024-12-05', 'B', 40, 'month', 'USD')
"""
CANCEL = "update raw.subscriptions set ended_at = '2024-12-20' where source_id = 'B'"
BRIDGE = (
    "select month_start_on, is_closed, opening_amount, new_amount, churn_amount, adjustment_amount, closing_amount"
    " from marts.mrr_bridge_as_reported order by 1"
)


@pytest.fixture
def run(database, monkeypatch):
    """Run a command in process; return its exit code and what it printed or raised."""
    monkeypatch.setenv("REVLAYER_DATABASE_URL", database.url)
    monkeypatch.setitem(os.environ, "COLUMNS", "300")

    def invoke(*arguments):
        done = CliRunner().invoke(app, list(arguments))
        if isinstance(done.exception, RevlayerError):
            return done.exception.exit_code, str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return invoke


@pytest.fixture
def build(database, tmp_path):
    staged = []  # views that know of no day: once is enough

    def make(as_of: str, selection: str = "+path:dbt_project/models/marts/closing") -> None:
        dbt.run(
            database.settings,
            ["run", "--select", selection, *staged],
            {"as_of_date": as_of, "calendar_start_on": "2024-01-01"},
            target_path=tmp_path,
        )
        staged[:] = ["--exclude", "path:dbt_project/models/staging"]

    return make


def _bridge(database):
    with database.connect("reader") as conn:
        return [tuple(int(value) if isinstance(value, Decimal) else value for value in row)
                for row in conn.execute(BRIDGE).fetchall()]  # fmt: skip


def _cells(said):
    """First cells of each line of a table."""
    return [[cell.strip() for cell in line.split("│")[1:5]] for line in said.splitlines()]


def test_a_month_is_closed_corrected_and_reopened(database, run, build):
    code, said = run("close-month", "2024-12")
    assert code == 1 and "the marts are not built" in said
    with database.connect() as conn:
        conn.execute(SUBSCRIBE)
    build("2025-01-30")
    code, said = run("close-month", "2025-01")
    assert code == 1 and "2025-01 is not over: the marts are built as of 2025-01-30" in said
    assert run("closings") == (0, "no month was closed yet: revlayer close-month YYYY-MM\n")

    nov, dec, jan = date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)
    known = [(nov, False, 0, 100, 0, 0, 100), (dec, False, 100, 40, 0, 0, 140), (jan, False, 140, 0, 0, 0, 140)]
    assert _bridge(database) == known
    with pipeline.run_lock(database.settings, wait=False):
        assert run("close-month", "2024-12")[0] == 75
    code, said = run("close-month", "2024-12", "--dry-run")
    assert code == 0 and "2024-12 would be closed" in said and "would be all months before it, from 2024-11" in said
    assert ["2024-11", "100.00", "1", "1"] in _cells(said) and ["2024-12", "140.00", "2", "1"] in _cells(said)
    assert "would be frozen: 3 rows of MRR, 2 movements" in said and "nothing was kept" in said
    assert run("closings") == (0, "no month was closed yet: revlayer close-month YYYY-MM\n")
    assert "is not over" in run("close-month", "2025-02", "--dry-run")[1]
    code, said = run("close-month", "2024-12", "--note", "[/t12]")
    assert ["2024-11", "100.00", "1", "1"] in _cells(said) and "frozen: 3 rows of MRR, 2 movements" in said
    assert code == 0 and "2024-12 is closed as known on 2025-01-30" in said and "from 2024-11 on" in said
    for month, why in (("2024-12", "2024-12 is closed already"), ("2024-10", "2024-10 is closed already"),
                       ("2025-02", "2025-01 comes before 2025-02"), ("December", "is no month"),
                       ("2025-13", "'2025-13' is no month. Write year and month, such as 2025-01.")):  # fmt: skip
        code, said = run("close-month", month)
        assert code == 2 and why in said, said

    with database.connect() as conn:
        conn.execute(CANCEL)
    # A build of the same day and one of a later day, of which only some models were done.
    for as_of, models in (("2025-01-30", "fct_mrr_movements"), ("2025-02-02", "int_revenue_periods")):
        build(as_of, models)
        code, said = run("close-month", "2025-01")
        assert code == 1 and "of another build are" in said and models in said
    build("2025-01-31")
    closed = [(month, True, *rest) for month, _, *rest in known[:2]]
    assert _bridge(database) == [*closed, (jan, False, 140, 0, 0, -40, 100)]
    assert run("close-month", "2025-01")[0] == 0
    code, said = run("closings", "--verify")
    assert code == 0 and said.count("closed, intact") == 2 and "[/t12]" in said

    code, said = run("reopen-month", "2024-12", "--reason", "x")
    assert code == 2 and "only the month that was closed last can be reopened: 2025-01" in said
    assert run("reopen-month", "2025-01", "--reason", " ")[0] == 2
    assert run("reopen-month", "2025-01", "--reason", "too early")[0] == 0
    assert run("reopen-month", "2024-12", "--reason", "wrong day")[0] == 0
    build("2025-01-31")
    assert _bridge(database) == [known[0], (dec, False, 100, 0, 0, 0, 100), (jan, False, 100, 0, 0, 0, 100)]
    assert "reopened" in run("closings")[1]
    with database.connect() as conn:
        events = conn.execute("select table_name from audit.trail where table_name like 'planning.%'").fetchall()
    assert [name for (name,) in events].count("planning.month_closings") == 2 and len(events) == 4


@pytest.mark.parametrize("role", ["planner", "transformer", "loader", "scorer", "reader"])
def test_no_role_writes_frozen_rows(database, role):
    for statement in ("insert into planning.closed_mrr (closing_id) values (1)", "delete from planning.month_closings",
                      "update planning.closed_revenue set recognised_amount = 0"):  # fmt: skip
        with database.connect(role) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


def test_not_even_the_owner_deletes_a_closing(database):
    with database.connect("owner") as conn, pytest.raises(psycopg.errors.RaiseException, match="not allowed"):
        conn.execute("delete from planning.month_closings")
