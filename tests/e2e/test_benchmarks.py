"""The benchmark of scoring, at a size that says nothing of speed but that everything in it works."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.document import DOCUMENT
from benchmarks.scoring import forms, report, servers
from benchmarks.scoring.parts import PARTS, Unavailable, base
from benchmarks.scoring.results import Key, Results
from benchmarks.scoring.runner import Plan, run
from benchmarks.scoring.worker import Measured
from revlayer_udf.compiler.forests.choice import CASE_LEAF_LIMIT

ROWS = 2_000
MODEL = "lightgbm"
PRODUCT = ("stream", "job", "job_reasons", "sql_table", "sql_parallel")
FLOOR = ("copy_out", "copy_out_plain", "onnxruntime", "copy_in")
NEEDS = {"pandas": "pandas", "sqlalchemy": "sqlalchemy", "adbc_batches": "adbc_driver_postgresql"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plan, Results, dict[str, str]]]:
    """One round without PL/Python, every run checked against the model."""
    workspace: Path = tmp_path_factory.mktemp("benchmark")
    asked = (*PRODUCT, *FLOOR, *NEEDS, "latency_in_process", "plpython_set")
    plan = Plan(workspace, (ROWS,), asked, (MODEL,), repetitions=1, isolated=False)
    results = Results(workspace / "results.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers, "python_server", _no_python_server)
        yield plan, results, run(plan, results)
    servers.remove(workspace)


@contextmanager
def _no_python_server(workspace: Path) -> Iterator[str]:
    raise Unavailable("no PL/Python here")
    yield ""


def test_every_part_scores_all_rows_or_says_why_not(measured):
    _, results, _ = measured
    for name in (*PRODUCT, *FLOOR):
        found = results.summary(name, MODEL, ROWS)
        assert found is not None and found.seconds, (name, found)
        assert found.client_cpu + found.server_cpu > 0, name
    for name, package in NEEDS.items():
        found = results.summary(name, MODEL, ROWS)
        assert found is not None and (found.seconds or package in (found.reason or "")), (name, found)


def test_the_report_tells_what_ran_and_what_did_not(measured):
    plan, results, versions = measured
    text = "\n".join(report.lines(results, plan.sizes, plan.models, versions, "the command"))
    assert "PostgreSQL" in text and "the command" in text
    floor = report.floor_of(results, MODEL, ROWS)
    assert floor is not None and f"**{floor.seconds:.2f}**" in text
    assert "| PL/Python, arrays (server with PL/Python) | lightgbm | 2,000 | no PL/Python here |" in text
    assert "stream of the floor" in text and "select 1" not in text


def test_an_interrupted_run_goes_on_where_it_was(measured):
    plan, results, _ = measured
    again = Results(plan.workspace / "results.jsonl")
    assert len(again) == len(results) > 0
    assert again.summary("job", MODEL, ROWS) == results.summary("job", MODEL, ROWS)


def test_what_would_take_too_long_is_left_out(measured):
    plan, results, _ = measured
    slow = Plan(plan.workspace, (ROWS, 10 * ROWS), ("copy_in",), (MODEL,), patience=0.0)
    from benchmarks.scoring.runner import _skipped

    found = _skipped(slow, results, Key("copy_in", MODEL, 10 * ROWS, 0))
    assert isinstance(found, Measured) and "left out" in (found.reason or "")


def test_a_package_that_is_missing_is_named():
    with pytest.raises(base.Unavailable, match=r"no_such_package.*group bench"):
        base.require("no_such_package")


def test_names_are_unique_and_the_document_has_a_place():
    assert len({part.title + part.server + part.group for part in PARTS.values()}) == len(PARTS)
    assert "<!-- scoring: written by make bench -->" in DOCUMENT.read_text(encoding="utf-8")


def test_both_forms_of_trees_are_measured(database):
    with database.connect() as conn:
        found = forms.measure(conn, {"depth 5": [(2, 32)], "leaf-wise 31": [(2, 31)]})
        assert [(row.form, row.leaves) for row in found] == [("CASE", 64), ("table", 64), ("CASE", 62), ("table", 62)]
        assert all(row.one_row > 0 and row.thousand_rows > 0 for row in found)
        assert conn.execute("select count(*) from scoring.compiled_forests").fetchone() == (0,)
    assert f"up to {CASE_LEAF_LIMIT:,}" in forms.verdict(found)
