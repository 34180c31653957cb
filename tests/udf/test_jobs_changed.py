"""Reasons, statistics and the log of a run; and scoring only what changed, which gives what scoring all gives."""

from datetime import date

import numpy as np
import pytest
from certifying import serve
from onnx import helper, numpy_helper
from scoring_job import score_targets

from revlayer_udf import frames, statistics
from revlayer_udf.errors import PredictionError

AS_OF, LATER = date(2025, 6, 30), date(2025, 7, 31)
WIN, VALUE = "deal_win", "deal_value"
PUBLISHED = """
select p.* from scoring.deal_win_predictions as p
inner join scoring.published_runs as r on p.run_id = r.run_id
order by p.deal_id
"""


def explained_win(build_graph):
    """What the win graph of the other tests computes, with its margin as an output."""
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["linear"]),
        helper.make_node(
            "LabelEncoder", ["categorical"], ["stage"], domain="ai.onnx.ml",
            keys_strings=["proposal", "negotiation"], values_floats=[1.0, 2.0], default_float=0.0,
        ),
        helper.make_node("Add", ["linear", "stage"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["win_probability"]),
    ]  # fmt: skip
    weights = numpy_helper.from_array(np.array([[0.001], [0.02]], np.float32), "weights")
    return build_graph(nodes, [weights], {"win_probability": 1, "margin": 1})


@pytest.fixture
def conn(scored_database):
    with scored_database.connect("scorer") as conn:
        yield conn


@pytest.fixture
def explained(conn, build_graph, manifest_of):
    artefact = explained_win(build_graph)
    serve(conn, artefact, manifest_of(artefact, raw_output="margin"))
    return conn


def published(conn):
    found = frames.read_table(conn, PUBLISHED)
    conn.commit()
    return found


def change(database, *statements):
    with database.connect("transformer") as conn:
        for statement in statements:
            conn.execute(statement)


def test_reasons_add_up_to_the_raw_score(explained):
    score_targets(explained, AS_OF, [WIN])
    rows = published(explained).to_pylist()
    for number, row in enumerate(rows):
        given = [row[f"reason_{rank}"] for rank in (1, 2, 3)]
        parts = [row[f"reason_{rank}_contribution"] for rank in (1, 2, 3)]
        assert set(given) <= {"Amount", "Lead score", "Stage", None}
        assert [part is None for part in parts] == [reason is None for reason in given]
        sizes = [abs(part) for part in parts if part is not None]
        assert sizes == sorted(sizes, reverse=True) and 0 not in sizes
        assert row["base_score"] + sum(part or 0 for part in parts) == pytest.approx(row["raw_score"], abs=1e-5)
        amount = 0.0 if number % 7 == 3 else number * 1.5
        margin = 0.001 * amount + 0.02 * (number + 1) + (1.0, 2.0, 0.0)[number % 3]
        assert row["raw_score"] == pytest.approx(margin, rel=1e-5)
    [log] = frames.read_table(explained, "select * from scoring.run_log").to_pylist()
    assert log["has_reasons"] and (log["scored_count"], log["copied_count"]) == (100, 0)


def test_reasons_are_left_out_on_request_or_where_the_model_has_none(explained):
    score_targets(explained, AS_OF, reasons=True)
    whole = published(explained)
    score_targets(explained, AS_OF, [WIN], reasons=False)
    bare = published(explained)
    assert bare["reason_1"].null_count == bare["raw_score"].null_count == 100
    assert bare["win_probability"].equals(whole["win_probability"])
    value = frames.read_table(explained, "select * from scoring.deal_value_predictions")
    assert value["reason_1"].null_count == value["base_score"].null_count == value.num_rows == 100
    flags = explained.execute("select target, has_reasons from scoring.runs order by run_id").fetchall()
    assert flags == [(WIN, True), (VALUE, False), ("deal_close_month", False), (WIN, False)]


def test_statistics_describe_what_was_published(scored_database, explained):
    change(
        scored_database,
        "alter table features.ftr_deals add column segment_id text",
        "update features.ftr_deals set segment_id = 'S' || (right(deal_id, 1)::integer % 2) where amount < 140",
    )
    [summary] = score_targets(explained, AS_OF, [WIN], dimensions=("segment_id", "stage_name", "no_such_column"))
    found = frames.read_table(explained, "select * from scoring.run_statistics").to_pylist()
    rows = {(row["output"], row["dimension"], row["segment_id"]): row for row in found}
    segments = [("segment_id", "S0"), ("segment_id", "S1"), ("segment_id", "Unknown"), ("(all)", "(all)")]
    segments += [("stage_name", "Unknown"), ("stage_name", "negotiation"), ("stage_name", "proposal")]
    assert sorted(rows) == sorted((output, *s) for output in ("win_probability", "raw_score") for s in segments)
    values = published(explained)["win_probability"].to_numpy()
    whole = rows["win_probability", "(all)", "(all)"]
    assert (whole["row_count"], whole["null_count"], whole["quantile_row_count"]) == (100, 0, 100)
    expected = {
        "mean": values.mean(), "standard_deviation": values.std(ddof=1), "minimum": values.min(),
        "maximum": values.max(), **dict(zip(("p10", "p50", "p90"), np.quantile(values, (0.1, 0.5, 0.9)), strict=True)),
    }  # fmt: skip
    assert {name: whole[name] for name in expected} == pytest.approx(expected)
    by_stage = [row for key, row in rows.items() if key[:2] == ("win_probability", "stage_name")]
    assert sum(row["row_count"] for row in by_stage) == 100
    assert sum(row["mean"] * row["row_count"] for row in by_stage) / 100 == pytest.approx(values.mean())
    assert {row["run_id"] for row in found} == {summary.run_id}


def test_quantiles_of_a_large_run_come_from_a_share_of_it(conn, monkeypatch):
    monkeypatch.setattr(statistics, "QUANTILE_ROWS", 30)
    score_targets(conn, AS_OF, [WIN])
    [row] = frames.read_table(conn, "select * from scoring.run_statistics").to_pylist()
    assert row["row_count"] == 100 and 5 < row["quantile_row_count"] < 60
    assert row["minimum"] <= row["p10"] <= row["p50"] <= row["p90"] <= row["maximum"]


def test_the_log_tells_the_speed(conn):
    score_targets(conn, AS_OF, [WIN])
    stages = dict(conn.execute("select stage, seconds from scoring.run_timings").fetchall())
    assert set(stages) == {"read", "score", "write", "statistics", "total"}
    [speed] = conn.execute("select rows_per_second from scoring.run_log").fetchone()
    assert speed == pytest.approx(100 / stages["total"])


STATEMENTS = {
    "nothing": [],
    "numbers": ["update features.ftr_deals set amount = amount * 2 where deal_id < 'crm:00030'"],
    "missing": ["update features.ftr_deals set amount = null, stage_name = '' where deal_id > 'crm:00080'"],
    "all": ["update features.ftr_deals set lead_score = lead_score + 0.25"],
    "rows": [
        "delete from features.ftr_deals where deal_id < 'crm:00010'",
        "insert into features.ftr_deals select 'new ' || deal_id, as_of_date, amount, lead_score, stage_name"
        " from features.ftr_deals where deal_id > 'crm:00090'",
    ],
    "swapped": ["create table features.made as select * from features.ftr_deals",
                "drop table features.ftr_deals", "alter table features.made rename to ftr_deals",
                "update features.ftr_deals set lead_score = 7 where deal_id = 'crm:00050'"],
}  # fmt: skip
CHANGED = {"nothing": 0, "numbers": 25, "missing": 19, "all": 100, "rows": 9, "swapped": 1}


@pytest.mark.parametrize("what", STATEMENTS)
def test_scoring_what_changed_gives_what_scoring_all_gives(scored_database, explained, what):
    score_targets(explained, AS_OF, [WIN])
    change(scored_database, *STATEMENTS[what])
    [summary] = score_targets(explained, AS_OF, [WIN], changed_only=True)
    quick = published(explained)
    assert summary.row_count == quick.num_rows
    [scored] = explained.execute("select scored_count from scoring.runs where run_id = %s", [summary.run_id]).fetchone()
    assert scored == summary.row_count - summary.copied_count
    assert abs(scored - CHANGED[what]) <= 5  # deals with a missing or zero amount do not change when it doubles
    score_targets(explained, AS_OF, [WIN])
    assert quick.drop_columns("run_id").equals(published(explained).drop_columns("run_id"))


def test_another_day_takes_the_predictions_of_the_same_features(scored_database, explained):
    score_targets(explained, AS_OF, [WIN])
    change(
        scored_database,
        f"insert into features.ftr_deals select deal_id, '{LATER}', amount, lead_score, stage_name"
        " from features.ftr_deals",
    )
    [summary] = score_targets(explained, LATER, [WIN], changed_only=True)
    assert (summary.row_count, summary.copied_count) == (100, 100)
    assert set(published(explained)["as_of_date"].to_pylist()) == {LATER}


def test_another_model_or_other_reasons_score_everything(explained, graphs, manifest_of):
    [first] = score_targets(explained, AS_OF, [WIN], changed_only=True)
    [bare] = score_targets(explained, AS_OF, [WIN], changed_only=True, reasons=False)
    artefact = graphs["win"](bias=0.5)
    serve(explained, artefact, manifest_of(artefact))
    [other] = score_targets(explained, AS_OF, [WIN], changed_only=True)
    [again] = score_targets(explained, AS_OF, [WIN], changed_only=True)
    assert [run.copied_count for run in (first, bare, other, again)] == [0, 0, 0, 100]


def test_a_deal_that_stands_twice_is_not_multiplied(scored_database, conn):
    score_targets(conn, AS_OF, [WIN])
    before = published(conn)
    change(scored_database, "insert into features.ftr_deals select * from features.ftr_deals limit 1")
    score_targets(conn, AS_OF, [WIN])
    with pytest.raises(PredictionError, match=r"has 101 rows at 2025-06-30; 103 were copied.*\n.*revlayer build"):
        score_targets(conn, AS_OF, [WIN], changed_only=True)
    assert published(conn).num_rows == 101 > before.num_rows
