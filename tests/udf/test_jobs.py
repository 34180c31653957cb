"""Deals are scored from features.ftr_deals with the champion, or refused with the way out."""

import threading
import time
from datetime import date

import numpy as np
import pytest
from certifying import serve
from scoring_job import score_targets

from revlayer_udf import frames, registry, streaming
from revlayer_udf.errors import ArtefactError, Busy, FeatureError, PredictionError, RevlayerError
from revlayer_udf.locks import target_lock
from revlayer_udf.manifest import Feature

AS_OF = date(2025, 6, 30)


@pytest.fixture
def conn(scored_database):
    with scored_database.connect("scorer") as conn:
        yield conn


def run_statuses(conn):
    with conn.transaction():
        return conn.execute("select target, status from scoring.runs order by run_id").fetchall()


def alter(database, statement):
    with database.connect("transformer") as conn:
        conn.execute(statement)


def test_every_target_is_scored_and_published(conn):
    seen = []
    summaries = score_targets(conn, AS_OF, progress=lambda *what: seen.append(what))
    assert [(s.target, s.status, s.row_count) for s in summaries] == [
        (target, "published", 100) for target in ("deal_win", "deal_value", "deal_close_month")
    ]
    assert ("deal_win", 0, 100) in seen and ("deal_win", 100, 100) in seen
    win = frames.read_table(conn, "select * from scoring.deal_win_predictions order by deal_id")
    index = np.arange(100)
    amount = np.where(index % 7 == 3, 0.0, index * 1.5)
    margin = 0.001 * amount + 0.02 * (index + 1) + np.array([1.0, 2.0, 0.0])[index % 3]
    np.testing.assert_allclose(win["win_probability"].to_numpy(), 1 / (1 + np.exp(-margin)), rtol=1e-5)
    row = win.slice(0, 1).to_pylist()[0]
    assert (row["deal_id"], row["as_of_date"], row["rung"]) == ("crm:00000", AS_OF, "model")
    assert row["model_version"] == summaries[0].model_version
    value = frames.read_table(conn, "select * from scoring.deal_value_predictions where deal_id = 'crm:00002'")
    assert value.to_pylist()[0].items() >= {"value_amount": 3.0, "value_p90_amount": 6.0}.items()
    close = frames.read_table(conn, "select * from scoring.deal_close_predictions where deal_id = 'crm:00002'")
    curve = [v for k, v in close.to_pylist()[0].items() if k.startswith("within_")]
    np.testing.assert_allclose(curve, np.linspace(0.05, 0.95, 10), rtol=1e-6)


def test_batches_do_not_show_in_the_result(conn, monkeypatch):
    score_targets(conn, AS_OF, ["deal_win"])
    whole = streaming.read_blocks
    monkeypatch.setattr(streaming, "read_blocks", lambda conn, selection, rows: whole(conn, selection, 7))
    score_targets(conn, AS_OF, ["deal_win"])
    query = "select deal_id, win_probability from scoring.deal_win_predictions where run_id = {} order by deal_id"
    monkeypatch.undo()
    first, second = (frames.read_table(conn, query.format(run_id)) for run_id in (1, 2))
    assert first.equals(second) and first.num_rows == 100


def test_a_run_that_waited_serves_the_model_promoted_meanwhile(scored_database, conn, graphs, manifest_of):
    artefact = graphs["win"](bias=0.5)
    manifest = manifest_of(artefact)
    with scored_database.connect("scorer") as other:
        with target_lock(other, "deal_win", wait=False):
            with pytest.raises(Busy, match="another run is publishing deal_win"):
                score_targets(conn, AS_OF, ["deal_win"], wait=False)
            waiting = threading.Thread(target=score_targets, args=[conn, AS_OF, ["deal_win"]])
            waiting.start()
            time.sleep(0.4)
            serve(other, artefact, manifest)
        waiting.join(timeout=20)
    query = "select distinct model_version from scoring.deal_win_predictions"
    assert conn.execute(query).fetchall() == [(manifest.model_version,)]


def test_without_a_champion_a_target_is_skipped(feature_database):
    with feature_database.connect("scorer") as conn:
        summaries = score_targets(conn, AS_OF)
        assert {s.status for s in summaries} == {"skipped"}
        assert summaries[0].reason == "no model serves deal_win. Run: revlayer train"
        assert run_statuses(conn) == []


def test_without_deals_the_predictions_stay(conn):
    score_targets(conn, AS_OF, ["deal_win"])
    [summary] = score_targets(conn, date(2025, 7, 31), ["deal_win"])
    assert summary.status == "skipped" and "revlayer build" in summary.reason
    assert run_statuses(conn) == [("deal_win", "published")]


def test_an_unknown_target_is_refused(conn):
    with pytest.raises(RevlayerError, match="unknown targets: deal_win'; drop table"):
        score_targets(conn, AS_OF, ["deal_win'; drop table scoring.runs; --"])


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "alter table features.ftr_deals drop column lead_score",
            r"no column lead_score.*\nRun: revlayer build",
        ),
        (
            "alter table features.ftr_deals alter column amount type text",
            r"amount has type string; .*number\n.*revlayer build.*revlayer train",
        ),
        ("drop table features.ftr_deals", r"ftr_deals does not exist\nRun: revlayer build"),
    ],
)
def test_features_at_odds_with_the_model_are_refused(scored_database, conn, statement, message):
    score_targets(conn, AS_OF, ["deal_win"])
    alter(scored_database, statement)
    with pytest.raises(FeatureError, match=message):
        score_targets(conn, AS_OF, ["deal_win"])
    assert run_statuses(conn) == [("deal_win", "published")]


def test_columns_that_no_model_asks_for_may_have_any_type(scored_database, conn):
    alter(scored_database, "create type features.mood as enum ('good', 'bad')")
    alter(scored_database, "alter table features.ftr_deals add column tags text[], add column mood features.mood")
    score_targets(conn, AS_OF, ["deal_win"])
    [summary] = score_targets(conn, AS_OF, ["deal_win"], changed_only=True)
    assert summary.copied_count == 100


def test_domains_are_read_as_what_they_are_made_of(scored_database, conn):
    score_targets(conn, AS_OF, ["deal_win"])
    query = "select deal_id, win_probability from scoring.deal_win_predictions where run_id = {} order by deal_id"
    before = frames.read_table(conn, query.format(1))
    conn.commit()
    alter(scored_database, "create domain features.stage as text check (value <> '')")
    alter(scored_database, "create domain features.money as numeric(12, 2) check (value >= 0)")
    alter(
        scored_database,
        "alter table features.ftr_deals alter column stage_name type features.stage,"
        " alter column amount type features.money",
    )
    score_targets(conn, AS_OF, ["deal_win"])
    assert frames.read_table(conn, query.format(2)).equals(before)


def test_a_tampered_artefact_is_refused(conn, graphs):
    score_targets(conn, AS_OF, ["deal_win"])
    with conn.transaction():
        conn.execute("update scoring.models set artefact = %s where target = 'deal_win'", [graphs["win"](bias=9.0)])
    with pytest.raises(ArtefactError, match=r"was changed after.*\n.*revlayer train.*scoring\.rollback"):
        score_targets(conn, AS_OF, ["deal_win"])
    assert run_statuses(conn) == [("deal_win", "published")]


def test_scores_that_are_no_numbers_are_not_published(scored_database, conn, graphs, manifest_of):
    score_targets(conn, AS_OF, ["deal_win"])
    alter(scored_database, "update features.ftr_deals set lead_score = -1 where deal_id = 'crm:00042'")
    serve(conn, graphs["log"](), manifest_of(graphs["log"]()))
    with pytest.raises(PredictionError, match="not finite for 1 of 100 rows, first for deal_id 'crm:00042'"):
        score_targets(conn, AS_OF, ["deal_win"])
    assert run_statuses(conn) == [("deal_win", "published"), ("deal_win", "failed")]
    registry.rollback(conn, "deal_win", "log was wrong")
    [summary] = score_targets(conn, AS_OF, ["deal_win"])
    assert summary.status == "published"


def test_probabilities_outside_their_bounds_name_the_deal(conn, graphs, manifest_of):
    serve(conn, graphs["log"](), manifest_of(graphs["log"]()))
    with pytest.raises(PredictionError, match=r"not between 0 and 1 for \d+ of 100 rows, first for deal_id"):
        score_targets(conn, AS_OF, ["deal_win"])


def test_an_interval_upside_down_is_refused(conn, graphs, manifest_of):
    artefact = graphs["value"](low=3.0)
    serve(conn, artefact, manifest_of(artefact, "deal_value"))
    with pytest.raises(PredictionError, match="value_p10 is above value_p90"):
        score_targets(conn, AS_OF, ["deal_value"])


def test_an_output_of_another_width_or_name_is_refused(conn, graphs, manifest_of):
    serve(conn, graphs["close"](width=4), manifest_of(graphs["close"](width=4), "deal_close_month"))
    with pytest.raises(ArtefactError, match="within has 4 columns, not 10"):
        score_targets(conn, AS_OF, ["deal_close_month"])
    other = graphs["win"](output="probability")
    serve(conn, other, manifest_of(other))
    with pytest.raises(ArtefactError, match="does not return win_probability"):
        score_targets(conn, AS_OF, ["deal_win"])


def test_models_of_other_relations_are_refused(conn, graphs, manifest_of):
    artefact = graphs["win"](bias=0.5)
    serve(conn, artefact, manifest_of(artefact, feature_relation="features.ftr_customers"))
    with pytest.raises(FeatureError, match=r"deals are scored from features\.ftr_deals"):
        score_targets(conn, AS_OF, ["deal_win"])


def test_feature_names_are_quoted(scored_database, conn, graphs, manifest_of):
    name = 'attr_a"; drop table scoring.runs; -- %s'
    with scored_database.connect("transformer") as transformer:
        quoted = name.replace('"', '""').replace("%", "%%")
        transformer.execute(f'alter table features.ftr_deals add column "{quoted}" double precision'.encode(), [])
    features = (
        Feature(name=name, type="number", label="A"),
        Feature(name="lead_score", type="number", label="B"),
        Feature(name="stage_name", type="text", label="C"),
    )
    artefact = graphs["win"](bias=0.5)
    serve(conn, artefact, manifest_of(artefact, features=features))
    [summary] = score_targets(conn, AS_OF, ["deal_win"])
    assert summary.row_count == 100
