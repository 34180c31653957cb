"""What commands say to names and days that do not exist (exit code 2), and how they lay out what they print."""

import os
from datetime import date

import pytest
from typer.testing import CliRunner

from revlayer import doctor, pipeline
from revlayer.cli.console import output
from revlayer.cli.main import app
from revlayer.cli.sql_file import WORD, wrapped
from revlayer.errors import RevlayerError


@pytest.fixture
def run(own_company, monkeypatch):
    """Run a command in process; return its exit code and what it printed or raised."""
    monkeypatch.setenv("REVLAYER_DATABASE_URL", own_company.url)
    monkeypatch.setitem(os.environ, "COLUMNS", "300")

    def invoke(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(done.exception, RevlayerError):  # main() prints these and leaves with their code
            return done.exception.exit_code, done.output + str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return invoke


@pytest.fixture
def deal(own_company):
    with own_company.connect("scorer") as conn:
        return conn.execute("select min(deal_id) from features.ftr_deals where as_of_date ="
                            " (select max(as_of_date) from features.ftr_deals)").fetchone()[0]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["explain", "nope", "x"], "there is no model nope, and no target of that name"),
        (["explain", "deal_win", "nope"], "features.ftr_deals has no deal_id nope"),
        (["import", "missing.yml", "--data", "."], "missing.yml"),
        (["import", __file__, "--data", "missing"], "missing"),
        (["models", "add", "missing.onnx", "--manifest", __file__], "missing.onnx"),
        (["train", "nope"], "deal_close_month"),
        (["train", "churn", "--horizon-days", "365"], "revlayer train value --horizon-days"),
    ],
)
def test_what_does_not_exist_is_wrong_use(run, command, message):
    code, shown = run(*command)
    assert code == 2 and message in shown and "Traceback" not in shown


PUBLISHED = "select target, run_id, as_of_date from scoring.published_runs order by target"


def test_a_day_without_features_is_not_scored(run, own_company, cutoff):
    day = cutoff.replace(month=6, day=15)
    with own_company.connect() as conn:
        before = conn.execute(PUBLISHED).fetchall()
        code, shown = run("score", "--as-of", day)
        assert conn.execute(PUBLISHED).fetchall() == before
    assert code == 2 and f"features.ftr_deals has no deal open at {day}" in shown
    assert f"next to it {cutoff.year}-05-31 and {cutoff.year}-06-30, and {cutoff} is the last" in shown
    assert f"revlayer run --as-of {day}" in shown


def test_a_shop_without_deals_is_scored_on_the_days_of_its_customers(make_database):
    with make_database("shop").connect() as conn:
        conn.execute("create schema if not exists features")
        for name in ("ftr_deals", "ftr_customers"):
            conn.execute(f"create table features.{name} (as_of_date date)")
        with pytest.raises(RevlayerError, match=r"ftr_deals has no deal open at 2025-01-31"):
            pipeline.require_features(conn, date(2025, 1, 31))
        conn.execute("insert into features.ftr_customers values ('2025-01-31')")
        pipeline.require_features(conn, date(2025, 1, 31))
        with pytest.raises(RevlayerError, match=r"(?s)ftr_customers has no customer at 2025-02-28.*2025-01-31"):
            pipeline.require_features(conn, date(2025, 2, 28))


def test_rescoring_says_how_many_were_kept(run):
    assert run("score")[0] == 0
    code, shown = run("score", "--changed-only")
    [line] = [line for line in shown.splitlines() if line.startswith("deal_win:")]
    assert code == 0 and line.startswith("deal_win: 0 rescored, ") and line.endswith(" kept, their features unchanged")


def test_a_narrow_terminal_gets_whole_titles(run, deal, monkeypatch):
    monkeypatch.setattr(output, "_width", 70)
    code, shown = run("explain", "deal_win", deal)
    [title] = [line for line in shown.splitlines() if "raw score" in line]
    assert code == 0 and title.endswith("+ contributions") and f"{deal} as of" in shown


def test_doctor_tells_of_plpython(own_company, request):
    [found] = [check for check in doctor.examine(own_company.settings) if check.name == "PL/Python"]
    assert found.status == "ok" and "Compiled SQL" in found.detail
    with_plpython = request.getfixturevalue("plpython_database")
    [found] = [check for check in doctor.examine(with_plpython.settings) if check.name == "PL/Python"]
    assert found.status == "ok" and "--engine plpython" in found.detail


def test_lines_break_outside_quotes_only():
    query = "select 'a  b ''c  from d' as \"x  from y\", 1 from (select  e'z' from t) as t " * 20
    lines = wrapped(query).splitlines()
    assert len(lines) > 20 and max(map(len, lines)) <= 110
    assert WORD.findall(wrapped(query)) == WORD.findall(query)
    assert all("'a  b ''c  from d'" in line for line in lines if "'a" in line)
