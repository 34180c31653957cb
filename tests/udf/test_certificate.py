"""A certificate says which engines agree, on which rows, and how far apart they are; promotion keeps to it."""

import threading
import time
from datetime import date

import certifying
import numpy as np
import psycopg
import pyarrow as pa
import pytest
from onnx import helper, numpy_helper

from revlayer_udf import certificate, golden_rows, registry
from revlayer_udf.engines import Failed, Unavailable
from revlayer_udf.errors import ArtefactError, RegistryError, UnknownModel
from revlayer_udf.manifest import RUNG_OUTPUT


@pytest.fixture
def conn(database):
    with database.connect("scorer") as conn:
        yield conn


@pytest.fixture
def model(graphs, manifest_of):
    artefact = graphs["win"]()
    return artefact, manifest_of(artefact)


def shifted(golden, by, rows=slice(None)):
    column = golden_rows.EXPECTED + "win_probability"
    values = golden[column].to_numpy().copy()
    values[rows] += by
    return golden.set_column(golden.column_names.index(column), column, pa.array(values))


def register(conn, model, golden):
    registry.register(conn, *model, golden=golden)
    return model[1].model_version


def pairs(found, status):
    return {(c.first_engine, c.second_engine) for c in found.comparisons if c.status == status}


def test_equal_engines_are_certified_and_the_model_is_promoted(conn, model):
    version = register(conn, model, certifying.golden_of(*model))
    made = certificate.certify(conn, version)
    assert made.is_good and made.largest_difference <= certificate.TOLERANCE
    assert {("trained", "onnxruntime"), ("trained", "sql"), ("onnxruntime", "sql")} <= pairs(made, "equal")
    assert certificate.read(conn, version) == made
    certificate.require(made)
    registry.promote(conn, version)
    rows = conn.execute("select distinct engine_versions ? 'onnxruntime' from scoring.model_certificates").fetchall()
    assert rows == [(True,)]


def test_an_engine_the_server_lacks_says_why(conn, model):
    version = register(conn, model, certifying.golden_of(*model))
    missing = [
        c for c in certificate.certify(conn, version).comparisons if "plpython" in (c.first_engine, c.second_engine)
    ]
    assert len(missing) == 3
    assert all(c.status == "not_available" and "PL/Python" in c.note and c.row_count == 0 for c in missing)


def test_a_wrong_expectation_names_the_worst_row_and_forbids_promotion(conn, model):
    version = register(conn, model, shifted(certifying.golden_of(*model), 3e-5, 7))
    made = certificate.certify(conn, version)
    assert ("trained", "onnxruntime") in pairs(made, "different") and ("onnxruntime", "sql") in pairs(made, "equal")
    [pair] = [c for c in made.comparisons if (c.first_engine, c.second_engine) == ("trained", "onnxruntime")]
    assert pair.worst_row == 7 and pair.largest_difference == pytest.approx(3e-5, rel=0.05)
    assert "golden row 7" in pair.note
    with pytest.raises(RegistryError, match="trained and onnxruntime differ in win_probability"):
        registry.promote(conn, version)
    with pytest.raises(RegistryError, match="allowed: golden row 7"):
        certificate.require(made)
    with pytest.raises(psycopg.errors.RaiseException, match="differ in win_probability"), conn.transaction():
        conn.execute("select scoring.promote(%s, 'by hand')", [version])
    assert registry.champion(conn, "deal_win") is None


def test_differences_within_the_tolerance_are_equal(conn, model):
    version = register(conn, model, shifted(certifying.golden_of(*model), 8e-6))
    made = certificate.certify(conn, version)
    assert made.is_good and made.largest_difference == pytest.approx(8e-6, rel=0.05)


def test_without_a_certificate_the_hint_says_what_to_run(conn, model):
    version = register(conn, model, certifying.golden_of(*model))
    with pytest.raises(RegistryError) as refused:
        registry.promote(conn, version)
    assert "has no certificate" in refused.value.message
    assert refused.value.hint == f"Run: revlayer models certify {version}"


def test_a_certificate_in_which_nothing_was_compared_is_none(conn, model):
    version = certifying.register(conn, *model)
    conn.execute(
        "update scoring.model_certificates set status = 'not_available', largest_difference = null, note = 'x'"
        " where model_version = %s",
        [version],
    )
    with pytest.raises(RegistryError, match="nothing could be compared"):
        registry.promote(conn, version)


def test_a_certificate_is_void_for_another_artefact(conn, model, graphs):
    version = register(conn, model, certifying.golden_of(*model))
    certificate.certify(conn, version)
    conn.execute(
        "update scoring.models set artefact = %(a)s, artefact_sha256 = encode(sha256(%(a)s), 'hex')",
        {"a": graphs["win"](bias=1.0)},
    )
    with pytest.raises(RegistryError, match="has no certificate"), conn.transaction():
        registry._call(conn, "promote", [version, None])
    with pytest.raises(ArtefactError):
        certificate.read(conn, version)


def test_a_changed_artefact_is_not_certified(conn, model):
    version = register(conn, model, certifying.golden_of(*model))
    conn.execute("update scoring.models set artefact = '\\x00'")
    with pytest.raises(ArtefactError, match="was changed after it was registered"):
        certificate.certify(conn, version)


def test_a_model_without_golden_rows_gets_some_from_its_features(feature_database, model):
    with feature_database.connect("scorer") as conn:
        version = register(conn, model, None)
        made = certificate.certify(conn, version)
        assert {c.first_engine for c in made.comparisons if c.status == "not_available"} >= {"trained"}
        assert made.is_good and ("onnxruntime", "sql") in pairs(made, "equal")
        kept = golden_rows.from_bytes(conn.execute("select rows from scoring.model_golden_rows").fetchone()[0])
        assert kept.num_rows > 100 and set(kept.column_names) == {"amount", "lead_score", "stage_name"}
        assert certificate.certify(conn, version).comparisons == made.comparisons
        registry.promote(conn, version)


def test_functions_and_tables_made_on_the_way_are_gone(conn, model):
    version = register(conn, model, certifying.golden_of(*model))
    certificate.certify(conn, version)
    left = conn.execute("select count(*) from pg_proc where proname like '%certified_model%'").fetchone()
    assert left == (0,) and conn.execute("select to_regclass('pg_temp.golden_rows')").fetchone() == (None,)


def test_rows_without_a_finite_score_are_compared_outside_the_database_only(conn, graphs, manifest_of):
    artefact = graphs["log"]()
    manifest = manifest_of(artefact)
    golden = certifying.golden_of(artefact, manifest)
    registry.register(conn, artefact, manifest, golden=golden)
    made = certificate.certify(conn, manifest.model_version)
    counts = {(c.first_engine, c.second_engine): c.row_count for c in made.comparisons}
    assert made.is_good and counts["trained", "onnxruntime"] == golden.num_rows
    assert 0 < counts["onnxruntime", "sql"] < golden.num_rows


def test_a_model_that_scores_nothing_is_not_certified(conn, build_graph, manifest_of):
    """Engines agree on NaN, which says nothing of the model."""
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["linear"]),
        helper.make_node("Mul", ["linear", "nothing"], ["win_probability"]),
    ]
    constants = {"weights": [[0.001], [0.02]], "nothing": np.nan}
    tensors = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()]
    artefact = build_graph(nodes, tensors, {"win_probability": 1})
    version = certifying.register(conn, artefact, manifest_of(artefact))
    made = certificate.read(conn, version)
    assert {c.status for c in made.comparisons} == {"not_available"} and not made.is_good
    with pytest.raises(RegistryError, match="nothing could be compared"):
        registry.promote(conn, version)


def test_certificates_made_at_once_queue(database, conn, model, monkeypatch):
    version = register(conn, model, certifying.golden_of(*model))
    conn.commit()
    keep, made = certificate._keep, []

    def keep_slowly(*arguments):
        keep(*arguments)
        time.sleep(0.5)

    def one():
        with database.connect("scorer") as mine:
            made.append(certificate.certify(mine, version))

    monkeypatch.setattr(certificate, "_keep", keep_slowly)
    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert made == [certificate.read(conn, version)] * 3


def test_wide_outputs_are_compared_as_a_whole(conn, graphs, manifest_of):
    artefact = graphs["close"]()
    manifest = manifest_of(artefact, "deal_close_month")
    golden = certifying.golden_of(artefact, manifest)
    assert golden.schema.field("expected__within").type.list_size == 10
    registry.register(conn, artefact, manifest, golden=golden)
    assert certificate.certify(conn, manifest.model_version).is_good


def test_amounts_are_measured_by_the_spread_of_the_target(graphs, manifest_of):
    artefact = graphs["value"]()
    manifest = manifest_of(artefact, "deal_value", extra={"target_standard_deviation": 1000.0})
    a = {name: np.array([[10.0], [50_000.0]]) for name in manifest.outputs}
    for shift, status in ((0.009, "equal"), (0.011, "different")):
        b = {name: values + np.array([[shift], [0.0]]) for name, values in a.items()}
        found = list(certificate.compare(manifest, {"trained": a, "onnxruntime": b}, np.ones(2, bool)))
        assert {c.status for c in found} == {status} and {c.worst_row for c in found} == {0}


def test_close_to_overflow_finite_and_infinite_are_alike():
    ours, theirs = np.array([[3.2e38], [1.0], [-2e38]]), np.array([[np.inf], [np.inf], [-np.inf]])
    distance = certificate._distance(ours, theirs, 1.0)
    np.testing.assert_array_equal(distance, [0.0, np.inf, 0.0])


def test_what_is_not_finite_must_be_so_alike(model):
    a = np.array([[np.nan], [np.inf], [0.5]])
    manifest = model[1]
    for b, status in (
        (a, "equal"),
        (np.array([[np.nan], [-np.inf], [0.5]]), "different"),
        (a[:2], "different"),
        (a.repeat(2, 1), "different"),
    ):
        answers = {"trained": {"win_probability": a}, "onnxruntime": {"win_probability": b}}
        [found] = certificate.compare(manifest, answers, np.ones(3, bool))
        assert found.status == status


def test_rungs_are_compared_as_texts(model):
    manifest = model[1].model_copy(update={"outputs": (RUNG_OUTPUT,)})
    a, b = np.array(["prior", "model"], object), np.array(["prior", "prior"], object)
    [found] = certificate.compare(manifest, {"trained": {"rung": a}, "onnxruntime": {"rung": b}}, np.ones(2, bool))
    assert (found.status, found.largest_difference, found.worst_row) == ("different", 1.0, 1)


def test_an_engine_that_fails_differs_and_one_that_is_missing_does_not(model):
    good = {"win_probability": np.array([[0.5]])}
    answers = {"trained": good, "onnxruntime": good, "sql": Failed("boom"), "plpython": Unavailable("none here")}
    made = certificate.Certificate("x", tuple(certificate.compare(model[1], answers, np.ones(1, bool))))
    assert made.engine_status("sql") == ("different", "sql: boom")
    assert made.engine_status("plpython") == ("not_available", "plpython: none here")
    assert made.engine_status("trained") == ("equal", None) and not made.is_good


def test_unknown_versions_are_wrong_use(conn):
    for call in (certificate.certify, certificate.read, registry.promote):
        with pytest.raises(UnknownModel) as refused:
            call(conn, "nope")
        assert refused.value.exit_code == 2


def test_rollback_needs_no_certificate_but_refuses_a_known_difference(conn, graphs, manifest_of):
    first, second = (
        certifying.serve(conn, artefact, manifest_of(artefact))
        for artefact in (graphs["win"](bias=bias) for bias in (0.0, 1.0))
    )
    with conn.transaction():
        conn.execute(
            "update scoring.model_certificates set status = 'different', note = 'x', largest_difference = 1"
            " where model_version = %s",
            [first],
        )
    with pytest.raises(RegistryError, match=f"engines differ on {first}"):
        registry.rollback(conn, "deal_win")
    with conn.transaction():
        conn.execute("delete from scoring.model_certificates")
    assert registry.rollback(conn, "deal_win") == first
    assert registry.champion(conn, "deal_win").manifest.trained_through_date == date(2025, 3, 31)
    assert second != first


def test_a_real_model_is_certified(company):
    with company.connect("scorer") as conn:
        [champion] = [m for m in registry.list_models(conn, "deal_win") if m.status == "champion"]
        made = certificate.read(conn, champion.model_version)
        assert made is not None and made.is_good
        assert ("onnxruntime", "sql") in pairs(made, "equal")


def test_pl_python_is_compared_where_the_server_has_it(plpython_database, graphs, manifest_of):
    targets = {"deal_win": graphs["win"](), "deal_value": graphs["value"](), "deal_close_month": graphs["close"]()}
    with plpython_database.connect("scorer") as conn:
        for target, artefact in targets.items():
            manifest = manifest_of(artefact, target)
            certifying.register(conn, artefact, manifest)
            made = certificate.read(conn, manifest.model_version)
            assert made.is_good and made.engine_status("plpython") == ("equal", None), made.comparisons
            assert made.engine_status("sql") == ("equal", None), made.comparisons
        conn.rollback()
