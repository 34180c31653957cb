"""``revlayer train --check`` and ``revlayer evaluate``: what they print, and their exit codes."""

import os
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from revlayer.cli.main import app
from revlayer.errors import RevlayerError
from revlayer_udf import registry


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


def versions(company):
    with company.connect("scorer") as conn:
        return [row[0] for row in conn.execute("select model_version from scoring.models order by 1")]


def test_a_check_reports_and_trains_nothing(run, own_company):
    before = versions(own_company)
    code, shown = run("train", "churn", "--check")
    assert code == 0, shown
    for part in ("customer_churn:", "labels by date", "AUC alone", "findings", "it can be trained: revlayer train"):
        assert part in shown
    for target in ("value", "expansion"):
        assert run("train", target, "--check")[0] == 0
    assert versions(own_company) == before


def test_a_feature_that_knows_the_future_fails_the_check(run, own_company):
    with own_company.connect() as conn:
        conn.execute(
            "update features.ftr_customers as f set tickets_7d = l.is_churned_noncontractual::integer"
            " from features.lbl_customers as l where l.customer_id = f.customer_id and l.as_of_date = f.as_of_date"
        )
        conn.commit()
    code, shown = run("train", "customer_churn", "--check")
    assert code == 1 and "tickets_7d alone tells the label" in shown and "nothing was trained" in shown


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["train", "--check"], "--check needs a target"),
        (["train", "deal_win", "--check"], "revlayer train churn --check"),
        (["evaluate", "nope"], "there is no model nope, and no target of that name"),
        (["evaluate", "install_revenue"], "models of install_revenue cannot be evaluated on later labels yet"),
    ],
)
def test_what_does_not_exist_is_said(run, command, message):
    code, shown = run(*command)
    assert code in {1, 2} and message in shown and "Traceback" not in shown


def test_a_model_of_today_has_no_later_labels(run, cutoff):
    code, shown = run("evaluate", "deal_win")
    assert code == 1 and str(cutoff) in shown and "no outcome is known yet" in shown


def test_a_model_of_half_a_year_ago_is_held_against_what_came(run, own_company, cutoff):
    early = cutoff - timedelta(days=240)
    before = set(versions(own_company))
    assert run("train", "deal_win", "--as-of", early)[0] == 0
    [version, *_] = sorted(set(versions(own_company)) - before)
    code, shown = run("evaluate", version)
    assert code == 0, shown
    for part in (version, "on later labels", "this version", "calibration error", str(early)):
        assert part in shown


def test_churn_as_it_was_known_half_a_year_ago_is_tried_and_taken_back(run, own_company, cutoff):
    """The recipe of docs/customer-churn.md, where no label is later than the last day."""
    with own_company.connect("scorer") as conn:
        before = registry.require_champion(conn, "customer_churn").manifest.model_version
    code, shown = run("evaluate", "churn")
    assert code == 1 and "no label became known between" in shown and "--as-of" in shown
    early = cutoff - timedelta(days=184)
    assert run("train", "churn", "--as-of", early)[0] == 0
    code, shown = run("evaluate", "churn")
    assert code == 0, shown
    for part in ("Contractual customers", "Noncontractual customers", "Both kinds together", "observed rate"):
        assert part in shown
    assert f"through {early}" in " ".join(shown.split())
    code, shown = run("models", "rollback", "customer_churn")
    assert code == 0 and f"back to {before}" in " ".join(shown.split())
