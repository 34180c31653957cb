"""Installed functions: one engine at a time, on record, renewed by the same engine when another model serves."""

import certifying
import pytest
from onnx import helper

from revlayer_udf import functions, registry
from revlayer_udf.errors import NoChampion, RegistryError

CALL = "select win_probability from scoring.predict_deal_win(amount => 100, lead_score => 5, stage_name => 'proposal')"
LANGUAGES = (
    "select l.lanname::text from pg_proc p join pg_language l on p.prolang = l.oid"
    " where p.pronamespace = 'scoring'::regnamespace and p.proname like '%deal_win%'"
)


@pytest.fixture
def conn(plpython_database):
    with plpython_database.connect("scorer") as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def served(conn, graphs, manifest_of):
    """Two models of deal_win; the first serves."""
    artefacts = [graphs["win"](bias=bias) for bias in (0.0, 1.0)]
    conn.execute("select 1")  # an open transaction, so that everything can be rolled back
    first, second = (certifying.register(conn, artefact, manifest_of(artefact)) for artefact in artefacts)
    registry.promote(conn, first)
    return first, second


def test_engines_take_turns_behind_the_same_name(conn, served):
    first, second = served
    scores = {}
    for engine in ("plpython", "sql", "plpython"):
        assert functions.install(conn, "deal_win", engine) == first
        [found] = functions.installed(conn)
        assert (found.engine, found.model_version, found.is_stale) == (engine, first, False)
        scores[engine] = conn.execute(CALL).fetchone()[0]
        languages = {language for (language,) in conn.execute(LANGUAGES)}
        assert ("plpython3u" in languages) == (engine == "plpython")
    assert scores["sql"] == pytest.approx(scores["plpython"], abs=1e-6)
    registry.promote(conn, second)
    assert functions.installed(conn)[0].is_stale
    assert functions.refresh(conn) == [f"scoring.predict_deal_win holds {second} now (PL/Python)"]
    assert conn.execute(CALL).fetchone()[0] > scores["plpython"] + 0.1
    functions.uninstall(conn, "deal_win")
    assert functions.installed(conn) == [] and conn.execute(LANGUAGES).fetchall() == []


STORED = ("compiled_forests", "compiled_forest_uses", "compiled_blocks", "compiled_leaves")


def test_trees_that_compiled_sql_read_go_when_plpython_takes_over(conn, build_graph, manifest_of, monkeypatch):
    tree = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["margin"], domain="ai.onnx.ml", n_targets=1, post_transform="LOGISTIC",
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[50.0, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        nodes_missing_value_tracks_true=[0, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[-1.0, 1.0],
    )  # fmt: skip
    artefact = build_graph([tree, helper.make_node("Identity", ["margin"], ["win_probability"])], [],
                           {"win_probability": 1})  # fmt: skip
    conn.execute("select 1")  # an open transaction, so that everything can be rolled back
    certifying.serve(conn, artefact, manifest_of(artefact))

    def stored():
        return {name: conn.execute(f"select count(*) from scoring.{name}").fetchone()[0] for name in STORED}

    before = stored()
    compile_model = functions.compiler.compile_model
    monkeypatch.setattr(functions.compiler, "compile_model", lambda *model: compile_model(*model, form="table"))
    functions.install(conn, "deal_win", "sql")
    scored = conn.execute(CALL).fetchone()
    assert stored()["compiled_blocks"] == before["compiled_blocks"] + 1
    functions.install(conn, "deal_win", "plpython")
    assert stored() == before and conn.execute(CALL).fetchone() == pytest.approx(scored)
    functions.install(conn, "deal_win", "sql")
    assert stored()["compiled_blocks"] == before["compiled_blocks"] + 1
    dropped = functions.uninstall(conn, "deal_win")
    assert "predict_deal_win" in dropped and stored() == before
    assert functions.uninstall(conn, "deal_win") == ()


@pytest.mark.parametrize("engine", ["sql", "plpython"])
def test_an_array_left_out_is_unknown_for_all_rows(conn, served, engine):
    functions.install(conn, "deal_win", engine)
    query = "select row_number, win_probability from scoring.predict_deal_win_rows({}) order by row_number"
    stages = "stage_name => array['proposal', null, 'negotiation']"
    expected = conn.execute(
        "select row_number, p.win_probability from unnest(array['proposal', null, 'negotiation'])"
        " with ordinality as s (stage, row_number)"
        " cross join lateral scoring.predict_deal_win(stage_name => s.stage) as p order by row_number"
    ).fetchall()
    assert len(expected) == 3
    for arguments in (stages, f"{stages}, amount => null", f"{stages}, amount => array[null, null, null]::float8[]"):
        assert conn.execute(query.format(arguments)).fetchall() == expected
    assert conn.execute(query.format("")).fetchall() == []


def test_an_engine_that_differs_is_not_installed(conn, served, monkeypatch):
    from revlayer_udf import certificate

    wrong = certificate.Comparison("win_probability", "onnxruntime", "sql", "different", 5, 0.1, 1e-5, 2, "off")
    found = certificate.Certificate(served[0], (wrong,))
    monkeypatch.setattr(certificate, "certify", lambda conn, version: found)
    monkeypatch.setattr(certificate, "read", lambda conn, version: found)
    with pytest.raises(RegistryError, match=r"compiled SQL differs from ONNX Runtime on .*: off"):
        functions.install(conn, "deal_win", "sql")
    assert functions.installed(conn) == []


def test_what_cannot_be_renewed_is_said(conn, served, monkeypatch):
    first, second = served
    functions.install(conn, "deal_win", "sql")
    registry.promote(conn, second)

    def refuse(conn, target, engine, make_way):
        raise RegistryError("no room", "Make some.")

    monkeypatch.setattr(functions, "install", refuse)
    assert functions.refresh(conn) == [f"scoring.predict_deal_win still holds {first}: no room. Make some."]


def test_without_a_champion_there_is_nothing_to_install(conn):
    with pytest.raises(NoChampion, match="no model serves deal_value"):
        functions.install(conn, "deal_value", "sql")
    functions.uninstall(conn, "deal_value")
