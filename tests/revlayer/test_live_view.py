"""marts.live_deal_scores gives way to functions with other features, is named while it is away, and comes back."""

import os
from datetime import date

import certifying
import numpy as np
import pytest
from typer.testing import CliRunner

from revlayer import dbt, doctor, pipeline
from revlayer.cli.main import app
from revlayer.errors import RevlayerError
from revlayer_training.ladder import SegmentRate
from revlayer_udf import functions, registry
from revlayer_udf.manifest import Feature, Manifest

DROPPED = "marts.live_deal_scores called a function with other features and was dropped: revlayer build marts makes it"


@pytest.fixture(scope="module")
def live_company(make_database, company, models_only):
    """A company with the win model installed, the live view over it, and a second model of one feature."""
    database = make_database("live", company)
    artefact = SegmentRate.prior(np.array([0.0, 1.0])).artefact("win_probability")
    manifest = Manifest.of(
        artefact, target="deal_win", trained_on=pipeline.resolve_as_of(company.settings, None),
        algorithm="rate", rung="shrinkage", feature_relation="features.ftr_deals", entity_key="deal_id",
        features=(Feature(name="segment_id", type="text", label="Segment"),), outputs=("win_probability",),
        trained_from_date=date(2023, 1, 31), trained_through_date=date(2025, 12, 31),
        data_fingerprint="none", is_temporal_evidence=True, beats_baseline=False,
    )  # fmt: skip
    with database.connect("scorer") as conn:
        first = registry.require_champion(conn, "deal_win").manifest.model_version
        second = certifying.register(conn, artefact, manifest)
        functions.install(conn, "deal_win", "sql")
    build(database)
    return database, first, second


@pytest.fixture
def run(live_company, monkeypatch):
    monkeypatch.setenv("REVLAYER_DATABASE_URL", live_company[0].url)
    monkeypatch.setitem(os.environ, "COLUMNS", "300")

    def invoke(*arguments):
        done = CliRunner().invoke(app, ["models", *arguments])
        if isinstance(done.exception, RevlayerError):
            return done.exception.exit_code, done.output + str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return invoke


def build(database):
    """Build the view alone, if there is something for it to call, as a build of all marts would."""
    given = {
        "as_of_date": pipeline.resolve_as_of(database.settings, None).isoformat(),
        "installed_predictors": pipeline.installed_predictors(database.settings),
    }
    dbt.run(database.settings, ["run", "--select", "live_deal_scores"], given)


def stands(database):
    with database.connect() as conn:
        return conn.execute("select to_regclass('marts.live_deal_scores') is not null").fetchone()[0]


def finding(database):
    return [check for check in doctor.examine(database.settings) if check.name == "live view"]


def test_installing_the_same_features_leaves_the_view(live_company, run):
    database, first, _ = live_company
    code, shown = run("install", "deal_win")
    assert code == 0 and first in shown and "dropped" not in shown
    assert stands(database) and finding(database) == []


def test_promotion_and_rollback_take_the_view_away_and_say_so(live_company, run):
    database, first, second = live_company
    code, shown = run("promote", second)
    assert code == 0 and f"{second} serves deal_win now, in place of {first}" in shown
    assert f"scoring.predict_deal_win holds {second} now (compiled SQL)" in shown and DROPPED in shown
    [found] = finding(database)
    assert not stands(database)
    assert (found.status, found.what_to_do) == ("warn", "Run: revlayer build marts")
    assert "marts.live_deal_scores is missing" in found.detail
    assert "serves deal_win already" in run("promote", second)[1]
    build(database)
    assert stands(database) and finding(database) == []
    code, shown = run("rollback", "deal_win")
    assert code == 0 and f"deal_win: from {second} back to {first}" in shown and DROPPED in shown
    build(database)
    with database.connect("reader") as conn:
        assert conn.execute("select count(*) > 0 from marts.live_deal_scores").fetchone()[0]


def test_where_functions_cannot_be_dropped_after_all_the_view_stays(live_company, run):
    database, _, _ = live_company
    with database.connect("scorer") as conn:
        conn.execute("create view scoring.mine as select * from scoring.predict_deal_win()")
    code, shown = run("uninstall", "deal_win")
    assert code == 1 and "view scoring.mine depends on" in shown
    assert stands(database)
    with database.connect("scorer") as conn:
        conn.execute("drop view scoring.mine")


def test_a_view_over_the_view_is_named(live_company, run):
    database, _, _ = live_company
    with database.connect("transformer") as conn:
        conn.execute("create view marts.mine as select * from marts.live_deal_scores")
    code, shown = run("uninstall", "deal_win")
    assert code == 1 and "view marts.mine depends on" in shown and "revlayer build marts" in shown
    assert stands(database)
    with database.connect("transformer") as conn:
        conn.execute("drop view marts.mine")


def test_uninstalling_drops_the_view_and_again_has_nothing_to_drop(live_company, run):
    database, _, _ = live_company
    code, shown = run("uninstall", "deal_win")
    assert code == 0 and "scoring.predict_deal_win_rows" in shown
    assert not stands(database) and finding(database) == []
    assert run("uninstall", "deal_win") == (0, "nothing was installed for deal_win, so nothing was dropped\n")
