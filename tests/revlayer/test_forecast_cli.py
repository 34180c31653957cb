"""The ledger on the command line, and the exit code a scheduler sees."""

import os
from datetime import date

import pytest
from forecast_world import World, create_feature_tables
from typer.testing import CliRunner

from revlayer.cli.main import app
from revlayer.errors import RevlayerError
from revlayer_udf.forecast import forecast_revenue, ledger
from revlayer_udf.forecast.reproduction import reproduce

AS_OF = date(2024, 12, 31)


@pytest.fixture
def run(database, monkeypatch):
    """Run a command in process; return its exit code and what it printed or raised."""
    monkeypatch.setenv("REVLAYER_DATABASE_URL", database.url)
    monkeypatch.setitem(os.environ, "COLUMNS", "300")

    def invoke(*arguments):
        done = CliRunner().invoke(app, ["forecast", *arguments])
        if isinstance(done.exception, RevlayerError):
            return done.exception.exit_code, str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return invoke


def test_a_published_forecast_is_listed_and_made_again(database, run):
    assert "no forecast was published yet" in run("ledger")[1]
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(3, per_month=15), [AS_OF])
    with database.connect("scorer") as conn:
        forecast_revenue(conn, AS_OF, draws=100)
    code, shown = run("ledger")
    assert code == 0 and "2024-12-31" in shown and "fallback" in shown
    code, shown = run("reproduce", "1")
    assert code == 0 and "715 figures made again, largest difference 0.0e+00" in shown
    with database.connect("transformer") as conn:
        conn.execute(
            "update features.lbl_deal_closings set won_amount_reporting = 2 * won_amount_reporting where is_won"
        )
    code, shown = run("reproduce", "1")
    assert code == 1 and "figures differ" in shown and "revlayer build features --as-of 2024-12-31" in shown
    assert run("reproduce", "2") == (2, "the ledger has no forecast 2\nSee which it has: revlayer forecast ledger")


def test_the_forecast_of_a_whole_run_is_made_again(company):
    with company.connect("scorer", autocommit=True) as conn:
        [entry] = ledger.entries(conn, 1)
        found = reproduce(conn, entry.ledger_id)
    assert entry.win_model_version and (found.differing, found.reasons) == (0, [])


VALUE_ADDED = """
create table marts.forecast_value_added (predictor text, category text, author text, origin text, forecast_count bigint,
    entered_later_count bigint, actual_amount numeric, absolute_error_amount numeric,
    naive_absolute_error_amount numeric,
    value_added_amount numeric, value_added_to_model_amount numeric, period_type text, segment_id text,
    months_ahead integer)
"""
ROW = (
    "insert into marts.forecast_value_added"
    " values (%s, %s, %s, 'backtest', 2, %s, 200, %s, 40, %s, %s, 'month', %s, %s)"
)


def test_value_added_names_who_was_better_and_says_when_nobody_submitted(database, run):
    with database.connect("transformer") as conn:
        conn.execute(VALUE_ADDED)
        conn.execute("grant select on marts.forecast_value_added to revlayer_reader")
    assert "no month that was forecast is over" in run("value-added")[1]
    with database.connect("transformer") as conn:
        for ahead in (1, 2, 9):
            conn.execute(ROW, ("model", None, None, 0, 20, 20, 0, "(all)", ahead))
    code, shown = run("value-added")
    assert code == 0 and "nobody submitted a forecast" in shown and "+10.0%" in shown
    [line] = [line for line in shown.splitlines() if "model" in line and "backtest" in line]
    assert line.replace("│", "").split()[2:] == ["4", "0", "10.0%", "20.0%", "+10.0%", "+0.0%"]
    with database.connect("transformer") as conn:
        conn.execute(ROW, ("submission", "commit", "ann", 1, 50, -10, -30, "(all)", 1))
    shown = run("value-added")[1]
    assert "submission (commit by ann)" in shown and "-5.0%" in shown and "nobody submitted" not in shown
    [line] = [line for line in shown.splitlines() if "by ann" in line]
    assert line.replace("│", "").split()[5:7] == ["2", "1"]
