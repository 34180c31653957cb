"""The whole run on a simulated company: published, repeatable, one at a time, safe to kill."""

import os
import signal
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from revlayer import dbt, doctor, pipeline
from revlayer.cli.main import app
from revlayer.errors import BusyError
from revlayer.pipeline import RUN_LOCK
from revlayer_udf import functions

PUBLISHED = "select target, run_id, as_of_date, row_count from scoring.published_runs order by target"


def test_every_mart_is_published(company):
    with company.connect("reader") as conn:
        for mart in ("pipeline_summary", "revenue_forecast_monthly", "at_risk_deals", "won_deals_summary",
                     "deal_health", "deal_scores"):  # fmt: skip
            row = conn.execute(f"select count(*) from marts.{mart}").fetchone()
            assert row[0] > 0, mart


def test_each_open_deal_is_scored_once(company):
    with company.connect("reader") as conn:
        row = conn.execute(
            "select count(*), count(distinct deal_id),"
            " (select sum(deal_count) from marts.pipeline_summary where as_of_date = max(s.as_of_date))"
            " from marts.deal_scores as s"
        ).fetchone()
    assert row[0] == row[1] == row[2]


def test_doctor_finds_nothing_failing(company):
    failing = [check for check in doctor.examine(company.settings) if check.status == "fail"]
    assert failing == []


@pytest.fixture
def copy(company, models_only, make_database):
    """A writable copy of the company."""
    return make_database("copy", company)


def _marts(database):
    with database.connect("reader") as conn:
        return conn.execute(
            "select month_start_on, segment_id, mean_amount, p10_amount, p90_amount"
            " from marts.revenue_forecast_monthly order by 1, 2"
        ).fetchall()


def test_a_second_run_at_once_leaves_with_a_message(copy):
    with pipeline.run_lock(copy.settings, wait=False), pytest.raises(BusyError, match="another revlayer run"):
        pipeline.run(copy.settings)


def _environment(database):
    return {**os.environ, "REVLAYER_DATABASE_URL": database.url, "PYTHONUNBUFFERED": "1"}


def _cli(database, *arguments):
    command = [sys.executable, "-m", "revlayer", *arguments]
    return subprocess.run(command, env=_environment(database), capture_output=True, text=True, check=False)


def test_exit_codes_tell_schedulers(copy):
    with copy.connect(autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [RUN_LOCK])
        busy = _cli(copy, "run")
        assert busy.returncode == 75, busy.stderr
        assert "another revlayer run" in busy.stderr
    assert _cli(copy, "build", "no_such_selector").returncode == 2
    assert _cli(copy, "no-such-command").returncode == 2
    assert _cli(copy, "doctor").returncode == 0


def test_health_names_the_model_that_serves_but_is_not_published(copy):
    with copy.connect() as conn:
        conn.execute("update scoring.models set status = 'retired' where target = 'deal_win'")
        conn.execute(
            "insert into scoring.models select (jsonb_populate_record(m, jsonb_build_object("
            "'model_version', 'deal_win__19990101__00000000', 'status', 'champion'))).*"
            " from scoring.models as m where target = 'deal_win' order by created_at desc limit 1"
        )
        found = conn.execute(
            "select status, what_to_do from metrics.health where check_name = 'predictions deal_win'"
        ).fetchone()
        conn.rollback()
    assert found[0] == "warn"
    assert found[1].startswith("deal_win__19990101__00000000 serves now. Run: revlayer score")


def test_the_live_view_holds_what_the_job_published(copy):
    as_of = pipeline.resolve_as_of(copy.settings, None)
    with copy.connect("scorer") as conn:
        for target in ("deal_win", "deal_value"):
            functions.install(conn, target, "sql")
    predictors = {"installed_predictors": pipeline.installed_predictors(copy.settings)}
    dbt.run(copy.settings, ["run", "--select", "live_deal_scores"], {"as_of_date": as_of.isoformat(), **predictors})
    with copy.connect("reader") as conn:
        count, wins, amounts = conn.execute(
            "select count(*), max(abs(live.win_probability - scores.win_probability)),"
            " max(abs(live.value_amount - scores.value_amount) / greatest(scores.value_amount, 1))"
            " from marts.live_deal_scores as live inner join marts.deal_scores as scores using (deal_id)"
        ).fetchone()
        published = conn.execute("select count(*) from marts.deal_scores").fetchone()[0]
        stale = conn.execute("select status from metrics.health where check_name = 'function deal_win'").fetchone()
    assert count == published > 0
    assert wins < 1e-5
    assert amounts < 1e-4  # amounts are rounded to cents
    assert stale == ("ok",)


def _build_marts(settings):
    pipeline.build(settings, "marts", pipeline.resolve_as_of(settings, None), lambda what, done, total: None)


def _run(settings):
    pipeline.run(settings, wait=True)


@pytest.mark.parametrize(
    ("steps", "again"),
    [(("marts",), _build_marts), pytest.param(("features", "score", "forecast"), _run, marks=pytest.mark.slow)],
)
def test_killed_runs_leave_what_was_published(copy, steps, again):
    """SIGKILL in the middle of a step, then of another: each next run gets past where the last one died.

    What was left undone is then done to its end and publishes what the first run did.
    """
    figures = _marts(copy)
    for step in steps:
        with copy.connect() as conn:
            before = conn.execute(PUBLISHED).fetchall()
        script = f"import tests.e2e.killed as k; k.run_until({step!r})"
        process = subprocess.Popen([sys.executable, "-c", script], env=_environment(copy), start_new_session=True)
        assert process.wait(timeout=240) == -signal.SIGKILL
        with copy.connect() as conn:
            after = conn.execute(PUBLISHED).fetchall()
        assert {row[0] for row in after} == {row[0] for row in before}
        if step in ("features", "score"):
            assert after == before
        assert _marts(copy) == figures
    again(copy.settings)
    assert _marts(copy) == figures
    with copy.connect() as conn:
        assert conn.execute("select count(*) from scoring.runs where status = 'running'").fetchone() == (0,)


def test_help_of_every_command_teaches():
    found = set()
    for command in _commands(get_command(app), []):
        shown = CliRunner().invoke(app, [*command, "--help"])
        assert shown.exit_code == 0
        assert "Usage:" in shown.output
        found.add(" ".join(command))
    assert {"run", "demo", "import", "db url", "models promote"} <= found


def _commands(command, path):
    """Every command below this one, groups included, each with a help text of its own."""
    assert command.help, path
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, [*path, name])
