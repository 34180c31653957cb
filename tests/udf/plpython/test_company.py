"""Every model that serves the simulated company scores its deals to the same bits: by the kernel, by row and by set."""

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from revlayer_udf import frames, plpython, registry
from revlayer_udf.errors import PredictionError
from revlayer_udf.runtime import Scorer
from revlayer_udf.targets.deals import TARGETS

ROWS = 400
EDGES = (None, float("inf"), float("-inf"), 1e300, -1e-300, 16777217.0)


@pytest.fixture(scope="module")
def scored(company, make_plpython_database):
    """The company's champions installed, and its deals with values at the edges strewn in."""
    database = make_plpython_database("company")
    with company.connect("scorer") as conn:
        models = {target: registry.require_champion(conn, target) for target in TARGETS}
        names = sorted({feature.name for model in models.values() for feature in model.manifest.features})
        deals = frames.read_table(conn, _select("features", "ftr_deals", names, limit=ROWS))
    deals = _strewn(deals)
    with database.connect("scorer") as conn:
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL("text" if _is_text(field) else "float8"))
            for field in deals.schema
        ]
        columns.append(sql.SQL("place bigint generated always as identity (start 0 minvalue 0)"))
        conn.execute(sql.SQL("create table scoring.strewn_deals ({})").format(sql.SQL(", ").join(columns)))
        frames.copy_in(conn, sql.Identifier("scoring", "strewn_deals"), deals)
        conn.execute("grant select on scoring.strewn_deals to revlayer_reader")
        for model in models.values():
            registry.register(conn, model.artefact, model.manifest)
            plpython.install(conn, model.manifest)
    return database, models, deals


@pytest.mark.parametrize("target", TARGETS)
def test_row_set_and_kernel_give_the_same_bits(scored, target):
    database, models, deals = scored
    artefact, manifest = models[target].artefact, models[target].manifest
    expected = _scored_alone(Scorer(artefact, manifest), deals)
    served = [place for place, row in enumerate(expected) if row is not None]
    refused = [place for place, row in enumerate(expected) if row is None]
    assert len(served) > ROWS / 2
    arguments = [sql.Identifier(feature.name) for feature in manifest.features]
    passed = sql.SQL(", ").join(sql.SQL("{} => d.{}").format(name, name) for name in arguments)
    by_row = sql.SQL(
        "select p.* from scoring.strewn_deals as d cross join lateral scoring.{}({}) as p"
        " where d.place = any(%s) order by d.place"
    ).format(sql.Identifier(f"predict_{target}"), passed)
    by_set = sql.SQL(
        "select p.* from (select {} from scoring.strewn_deals where place = any(%s)) as d, scoring.{}({}) as p"
    ).format(
        sql.SQL(", ").join(sql.SQL("array_agg({} order by place) as {}").format(name, name) for name in arguments),
        sql.Identifier(f"predict_{target}_rows"),
        passed,
    )
    with database.connect("reader") as conn:
        assert [list(row) for row in conn.execute(by_row, [served])] == [expected[place] for place in served]
        found = conn.execute(by_set, [served]).fetchall()
        assert [row[0] for row in found] == list(range(1, len(served) + 1))
        assert [list(row[1:]) for row in found] == [expected[place] for place in served]
        for place in refused[:3]:
            with pytest.raises(psycopg.errors.RaiseException, match="is not finite"), conn.transaction():
                conn.execute(by_row, [[place]])


def _scored_alone(scorer: Scorer, deals: pa.Table) -> list[list[float] | None]:
    """Predictions of each deal by itself; None where the kernel refuses it, as for an infinite amount."""
    found: list[list[float] | None] = []
    for place in range(len(deals)):
        try:
            outputs = scorer.score(deals.slice(place, 1))
            found.append(np.hstack([outputs[name] for name in scorer.manifest.predictions])[0].tolist())
        except PredictionError:
            found.append(None)
    return found


def _select(schema: str, table: str, names: list[str], limit: int) -> sql.Composed:
    query = sql.SQL("select {} from {} order by deal_id, as_of_date limit {}")
    return query.format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table), sql.Literal(limit)
    )


def _is_text(field: pa.Field) -> bool:
    return pa.types.is_string(field.type)


def _strewn(deals: pa.Table) -> pa.Table:
    """Replace one value in eight by an edge, or by a category never seen."""
    random = np.random.default_rng(3)
    columns = {}
    for field in deals.schema:
        values = deals[field.name].to_pylist()
        edges = ("never seen", None, "") if _is_text(field) else EDGES
        for place in np.flatnonzero(random.random(len(values)) < 0.125):
            values[place] = edges[random.integers(len(edges))]
        columns[field.name] = pa.array(values, pa.string() if _is_text(field) else pa.float64())
    return pa.table(columns)
