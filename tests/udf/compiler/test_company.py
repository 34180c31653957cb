"""Every model that serves the simulated company, compiled: equal to ONNX Runtime on every row, on both servers."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from revlayer_udf import frames, registry
from revlayer_udf.certificate import SCALE
from revlayer_udf.compiler import compile_model, install, uninstall
from revlayer_udf.manifest import RUNG_OUTPUT, Manifest
from revlayer_udf.reasons import ReasonScorer, explain_graph
from revlayer_udf.registry import Model
from revlayer_udf.runtime import feeds_of
from revlayer_udf.targets.deals import TARGETS
from tests.conftest import Database

EDGES = (None, float("inf"), float("-inf"), 1e300, -1e-300, 16777217.0, -0.0)
STREWN_ROWS = 500
TOLERANCE = 1e-5
DEALS = sql.Identifier("pg_temp", "deals")


@pytest.fixture(scope="module")
def models(company: Database) -> dict[str, Model]:
    with company.connect("scorer") as conn:
        return {target: registry.require_champion(conn, target) for target in TARGETS}


@pytest.fixture(scope="module")
def deals(company: Database, models: Mapping[str, Model]) -> pa.Table:
    """Every row of the features, and some again with values at the edges strewn in."""
    names = sorted({feature.name for model in models.values() for feature in model.manifest.features})
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL("select {} from features.ftr_deals order by deal_id, as_of_date").format(columns)
    with company.connect("scorer") as conn:
        found = frames.read_table(conn, query)
    return pa.concat_tables([found, _strewn(found.slice(0, STREWN_ROWS))])


def _strewn(found: pa.Table) -> pa.Table:
    random = np.random.default_rng(3)
    columns = {}
    for field in found.schema:
        is_text = pa.types.is_string(field.type)
        values = found[field.name].to_pylist()
        edges = ("never seen", "it's 100 %", None, "") if is_text else EDGES
        for place in np.flatnonzero(random.random(len(values)) < 0.125):
            values[place] = edges[random.integers(len(edges))]
        columns[field.name] = pa.array(values, field.type)
    return pa.table(columns)


@pytest.fixture(scope="module", params=["make_database", "make_plpython_database"], ids=["embedded", "system"])
def conn(request: pytest.FixtureRequest, deals: pa.Table) -> Iterator[psycopg.Connection]:
    """A server with the deals in a temporary table."""
    database: Database = request.getfixturevalue(request.param)("compiled")
    with database.connect("scorer") as found:
        columns = [
            sql.SQL("{} {}").format(
                sql.Identifier(field.name),
                sql.SQL("text" if pa.types.is_string(field.type) else "double precision"),
            )
            for field in deals.schema
        ]
        found.execute(sql.SQL("create temporary table deals (place bigint, {})").format(sql.SQL(", ").join(columns)))
        frames.copy_in(found, DEALS, deals.append_column("place", pa.array(range(len(deals)), pa.int64())))
        found.commit()
        yield found


def called(manifest: Manifest, function: str, relation: str = "d") -> sql.Composed:
    names = [sql.Identifier(feature.name) for feature in manifest.features]
    arguments = sql.SQL(", ").join(sql.SQL("{0} => {1}.{0}").format(name, sql.Identifier(relation)) for name in names)
    return sql.SQL("scoring.{}({})").format(sql.Identifier(function), arguments)


def rows_of(conn: psycopg.Connection, manifest: Manifest, function: str, limit: int | None = None) -> list[Any]:
    query = sql.SQL("select p.* from pg_temp.deals d cross join lateral {} p where d.place < {} order by d.place")
    call = called(manifest, function)
    return conn.execute(query.format(call, sql.Literal(limit or 10**9))).fetchall()


def onnxruntime_scores(model: Model, deals: pa.Table) -> dict[str, np.ndarray]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.artefact, options, providers=["CPUExecutionProvider"])
    names = list(model.manifest.predictions)
    outputs = session.run(names, feeds_of(deals, model.manifest))
    return {name: np.asarray(array).reshape(len(deals), -1) for name, array in zip(names, outputs, strict=True)}


@pytest.mark.parametrize("form", ["auto", "table"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_row_scores_as_in_onnxruntime(
    conn: psycopg.Connection, models: Mapping[str, Model], deals: pa.Table, target: str, form: Any
) -> None:
    model = models[target]
    limit = None if form == "auto" else STREWN_ROWS
    install(conn, compile_model(model.artefact, model.manifest, form=form))
    found = np.array(rows_of(conn, model.manifest, f"predict_{target}", limit), object)
    scale = float(model.manifest.extra.get(SCALE) or 1.0)  # type: ignore[arg-type]
    start = 0
    for name, expected in onnxruntime_scores(model, deals.slice(0, limit)).items():
        ours, start = found[:, start : start + expected.shape[1]], start + expected.shape[1]
        if name == RUNG_OUTPUT:
            continue
        theirs = expected.astype(np.float64)
        ours, finite = ours.astype(np.float64), np.isfinite(theirs)
        assert finite.mean() > 0.9
        np.testing.assert_array_equal(np.isfinite(ours), finite)
        distance = np.abs(ours[finite] - theirs[finite]) / np.maximum(np.abs(theirs[finite]), scale)
        assert distance.max() <= TOLERANCE, name
    conn.rollback()


@pytest.mark.parametrize("target", TARGETS)
def test_arrays_score_as_rows_do(conn: psycopg.Connection, models: Mapping[str, Model], target: str) -> None:
    manifest = models[target].manifest
    install(conn, compile_model(models[target].artefact, manifest))
    names = [sql.Identifier(feature.name) for feature in manifest.features]
    arrays = sql.SQL(", ").join(sql.SQL("array_agg({0} order by place) as {0}").format(name) for name in names)
    query = sql.SQL("select p.* from (select {} from pg_temp.deals where place < 300) d cross join lateral {} p")
    found = conn.execute(query.format(arrays, called(manifest, f"predict_{target}_rows"))).fetchall()
    assert [row[0] for row in found] == list(range(1, 301))
    assert [row[1:] for row in found] == rows_of(conn, manifest, f"predict_{target}", 300)
    conn.rollback()


@pytest.mark.parametrize("target", TARGETS)
def test_reasons_are_those_of_the_job(
    conn: psycopg.Connection, models: Mapping[str, Model], deals: pa.Table, target: str
) -> None:
    model, count = models[target], 300
    names = install(conn, compile_model(model.artefact, model.manifest))
    if f"explain_{target}" not in names:
        assert explain_graph(model.artefact, model.manifest) is None  # neither has the job
        return
    expected = ReasonScorer(model.artefact, model.manifest).score(deals.slice(0, count))
    found = rows_of(conn, model.manifest, f"explain_{target}", count)
    np.testing.assert_allclose([row[0] for row in found], expected.base_score, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([row[1] for row in found], expected.raw_score, rtol=1e-5, atol=1e-5)
    top = expected.top(3)
    for rank in range(3):
        values = [np.nan if row[3 + 2 * rank] is None else row[3 + 2 * rank] for row in found]
        np.testing.assert_allclose(np.abs(values), np.abs(top.contributions[:, rank]), rtol=1e-4, atol=2e-6)
        # Contributions that are nearly equal may change places.
        labels = top.label_column(rank).to_pylist()
        assert np.mean([row[2 + 2 * rank] == label for row, label in zip(found, labels, strict=True)]) > 0.99
    conn.rollback()


def test_uninstalled_nothing_is_left(conn: psycopg.Connection, models: Mapping[str, Model]) -> None:
    for target, model in models.items():
        install(conn, compile_model(model.artefact, model.manifest, form="table"))
        assert f"predict_{target}" in uninstall(conn, target)
        assert uninstall(conn, target) == ()
    left = (
        "select count(*) from pg_proc where pronamespace = 'scoring'::regnamespace and proname ~ '^(predict|explain)_'"
    )
    assert conn.execute(left).fetchone() == (0,)
    assert conn.execute("select count(*) from scoring.compiled_blocks").fetchone() == (0,)
    conn.rollback()
