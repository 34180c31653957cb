"""What ``revlayer models`` prints, and the exit code a scheduler sees."""

import os

import pytest
import yaml
from onnx import TensorProto, helper
from typer.testing import CliRunner

from revlayer.cli.main import app
from revlayer.errors import RevlayerError
from revlayer_udf import compiler, functions, registry


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


@pytest.mark.parametrize("command", [["show"], ["certify"], ["promote"], ["compile"]])
def test_unknown_versions_are_wrong_use_and_the_known_ones_are_named(run, champion, command):
    code, shown = run(*command, "nope")
    assert code == 2 and "there is no model nope" in shown and "There are" in shown
    assert "customer_churn__" in shown and "more: revlayer models list" in shown


@pytest.mark.parametrize("command", [["rollback"], ["install"], ["uninstall"]])
def test_unknown_targets_are_wrong_use_and_the_known_ones_are_named(run, command):
    code, shown = run(*command, "nope")
    assert code == 2 and "there is no target nope" in shown and "deal_close_month, deal_value, deal_win" in shown


@pytest.mark.parametrize("command", ["show", "certify"])
def test_a_target_stands_for_the_model_that_serves_it(run, champion, command):
    code, shown = run(command, "deal_win")
    assert code == 0 and shown == run(command, champion)[1]


def test_the_list_has_no_verdict_on_rungs_below_a_model(run, own_company):
    with own_company.connect("scorer") as conn:
        conn.execute("update scoring.models set beats_baseline = false, manifest = manifest || '{\"rung\": \"prior\"}'"
                     " where target = 'deal_value'")  # fmt: skip
        conn.commit()
        shown = run("list")[1]
        conn.execute("update scoring.models set beats_baseline = true, manifest = manifest || '{\"rung\": \"model\"}'"
                     " where target = 'deal_value'")  # fmt: skip
    [line] = [line for line in shown.splitlines() if "deal_value__" in line]
    assert [cell.strip() for cell in line.split("│")][4:7] == ["prior", "champion", "-"]


def test_a_target_with_one_champion_cannot_be_rolled_back(run):
    code, shown = run("rollback", "deal_win")
    assert code == 1 and "no model served deal_win before" in shown


def test_show_prints_facts_figures_history_and_certificate(run, champion):
    code, shown = run("show", champion)
    assert code == 0
    for part in (
        "artefact SHA-256",
        "label horizon",
        "this model",
        "segment prior",
        "brier",
        "promote",
        "onnxruntime / sql",
        "equal",
    ):
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
    text = file.read_text()
    assert code == 0 and "leaves as nested CASE" in shown
    for part in (f"-- model:    {champion}", "-- features: ", "-- form: ", "-- use: ", "scoring.predict_deal_win("):
        assert part in text
    assert max(map(len, text.splitlines())) <= 200 and len(text.splitlines()) > 100


ROWS = (
    "select f.deal_id, p.*, e.* from (select * from features.ftr_deals order by deal_id, as_of_date limit 40) as f"
    " cross join lateral scoring.predict_deal_win({arguments}) as p"
    " cross join lateral scoring.explain_deal_win({arguments}) as e order by f.deal_id, f.as_of_date"
)


def test_the_file_makes_the_functions_that_install_makes(run, own_company, tmp_path):
    assert run("compile", "deal_win", "--form", "case", "--output", tmp_path / "win.sql")[0] == 0
    with own_company.connect("scorer") as conn:
        model = registry.require_champion(conn, "deal_win")
        arguments = ", ".join(f'"{each.name}" => f."{each.name}"' for each in model.manifest.features)
        compiler.install(conn, compiler.compile_model(model.artefact, model.manifest, form="case"))
        expected = conn.execute(ROWS.format(arguments=arguments)).fetchall()
        conn.execute((tmp_path / "win.sql").read_text())
        assert conn.execute(ROWS.format(arguments=arguments)).fetchall() == expected and len(expected) == 40
        conn.rollback()
    assert run("compile", "deal_win", "--query", "--output", tmp_path / "query.sql")[0] == 0
    with own_company.connect("scorer") as conn:
        rows = conn.execute((tmp_path / "query.sql").read_text()).fetchall()
        assert len(rows) == conn.execute("select count(*) from features.ftr_deals").fetchone()[0]


def test_a_model_without_trees_has_no_leaves_to_count(run):
    code, shown = run("compile", "deal_close_month")
    assert code == 0 and ("no trees: plain expressions" in shown or "leaves as" in shown) and "0 leaves" not in shown


def test_installed_functions_are_on_record_stale_after_a_promotion_and_renewed(run, own_company, champion):
    code, shown = run("install", "deal_win", "--engine", "sql")
    assert code == 0 and champion in shown and "revlayer build marts makes marts.live_deal_scores over it" in shown
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
    assert code == 1 and "PL/Python" in shown and "--engine sql" in shown


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
