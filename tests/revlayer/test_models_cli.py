"""What ``revlayer models`` prints, and the exit code a scheduler sees."""

import os

import pytest
import yaml
from onnx import TensorProto, helper
from typer.testing import CliRunner

from revlayer.cli.main import app
from revlayer.errors import RevlayerError
from revlayer_udf import functions, registry


@pytest.fixture
def run(own_company, monkeypatch):
    """Run a command in process; return its exit code and what it printed or raised."""
    monkeypatch.setenv("REVLAYER_DATABASE_URL", own_company.url)
    monkeypatch.setitem(os.environ, "COLUMNS", "300")

    def invoke(*arguments):
        done = CliRunner().invoke(app, ["models", *map(str, arguments)])
        if isinstance(done.exception, RevlayerError):  # main() prints these and leaves with their code
            return done.exception.exit_code, done.output + str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return invoke


@pytest.fixture
def champion(own_company):
    with own_company.connect("scorer") as conn:
        return registry.require_champion(conn, "deal_win").manifest.model_version


def test_the_list_names_rung_and_status(run, champion):
    code, shown = run("list")
    assert code == 0
    [line] = [line for line in shown.splitlines() if champion in line]
    assert "champion" in line and ("model" in line or "shrinkage" in line)


@pytest.mark.parametrize("command", [["show"], ["certify"], ["promote"]])
def test_unknown_versions_are_wrong_use_and_the_known_ones_are_named(run, champion, command):
    code, shown = run(*command, "nope")
    assert code == 2 and "there is no model nope" in shown and "There are" in shown and "deal_win__" in shown


@pytest.mark.parametrize("command", [["rollback"], ["compile"], ["install"], ["uninstall"]])
def test_unknown_targets_are_wrong_use_and_the_known_ones_are_named(run, command):
    code, shown = run(*command, "nope")
    assert code == 2 and "There are deal_close_month, deal_value, deal_win" in shown


def test_a_target_with_one_champion_cannot_be_rolled_back(run):
    code, shown = run("rollback", "deal_win")
    assert code == 1 and "no model served deal_win before" in shown


def test_show_prints_facts_figures_history_and_certificate(run, champion):
    code, shown = run("show", champion)
    assert code == 0
    for part in ("artefact SHA-256", "label horizon", "model_brier", "promote", "onnxruntime / sql", "equal"):
        assert part in shown
    assert "not compared: plpython" in shown


def test_promote_says_how_to_publish(run, champion):
    code, shown = run("promote", champion)
    assert code == 0 and "revlayer score, then revlayer build marts" in shown


def test_compile_prints_sql_or_writes_it(run, champion, tmp_path):
    code, shown = run("compile", champion, "--form", "case")
    assert code == 0 and "create or replace function" in shown.lower() and "predict_deal_win" in shown
    file = tmp_path / "win.sql"
    code, shown = run("compile", "deal_win", "--form", "case", "--output", file)
    assert code == 0 and "predict_deal_win" in file.read_text() and "leaves" in shown


def test_installed_functions_are_on_record_stale_after_a_promotion_and_renewed(run, own_company, champion):
    code, shown = run("install", "deal_win", "--engine", "sql")
    assert code == 0 and champion in shown
    with own_company.connect("scorer") as conn:
        [found] = functions.installed(conn)
        assert (found.target, found.model_version, found.engine, found.is_stale) == ("deal_win", champion, "sql", False)
        assert functions.refresh(conn) == []
        conn.execute("update scoring.installed_functions set model_version = (select max(model_version)"
                     " from scoring.models where target = 'deal_value')")  # fmt: skip
        assert functions.installed(conn)[0].is_stale
        [told] = functions.refresh(conn)
        assert told == f"scoring.predict_deal_win holds {champion} now (compiled SQL)"
    code, _ = run("uninstall", "deal_win")
    assert code == 0
    with own_company.connect("scorer") as conn:
        assert functions.installed(conn) == []
        assert conn.execute("select to_regproc('scoring.predict_deal_win')").fetchone() == (None,)


def test_an_engine_the_server_lacks_is_refused(run):
    code, shown = run("install", "deal_win", "--engine", "plpython")
    assert code == 1 and "PL/Python" in shown


def test_a_model_of_your_own_is_added(run, tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Sigmoid", ["x"], ["p"])], "own",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    described = {
        "target": "deal_win", "trained_through_date": "2025-03-31", "label_horizon_days": 60,
        "inputs": {"x": "stage_crm_probability"}, "null_defaults": {"stage_crm_probability": 0.0},
        "outputs": {"win_probability": "p"},
    }  # fmt: skip
    (tmp_path / "m.yml").write_text(yaml.safe_dump(described))
    code, shown = run("add", tmp_path / "m.onnx", "--manifest", tmp_path / "m.yml")
    assert code == 0 and "deal_win__20250331__" in shown and "judged on" in shown and "trained / onnxruntime" in shown
    assert "already registered" in run("add", tmp_path / "m.onnx", "--manifest", tmp_path / "m.yml")[1]
    described["outputs"] = {"win_probability": "q"}
    (tmp_path / "m.yml").write_text(yaml.safe_dump(described))
    code, shown = run("add", tmp_path / "m.onnx", "--manifest", tmp_path / "m.yml")
    assert code == 1 and "has no output q" in shown
