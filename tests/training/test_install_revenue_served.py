"""Install revenue in service: certified, published by the job, and called with texts as they come."""

import numpy as np
import pyarrow.compute as pc
import pytest
from install_rows import END, simulated
from psycopg import sql

from revlayer_training.install_revenue import fit_install_revenue
from revlayer_training.training import register
from revlayer_udf import certificate, functions, jobs, registry
from revlayer_udf.frames import copy_in

TARGET = "install_revenue"
TYPES = {"double": "double precision", "string": "text", "date32[day]": "date"}
CALL = (
    "select f.install_id, s.* from features.ftr_installs as f"
    " cross join lateral scoring.predict_install_revenue({arguments}) as s order by f.install_id"
)


def _publish(database, data, table):
    """Put the rows where the job reads, the model into service, and publish."""
    outcome = fit_install_revenue(data, END)
    assert outcome.served.rung == "model"
    with database.connect() as conn:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(TYPES[str(field.type)]))
            for field in table.schema
            if field.name != "as_of_date"
        )
        conn.execute(sql.SQL("create table features.ftr_installs (as_of_date date, {})").format(columns))
        conn.execute("create table features.lbl_installs (install_id text)")
        copy_in(conn, sql.Identifier("features", "ftr_installs"), table)
        conn.execute("update features.ftr_installs set as_of_date = %s", [END])
        conn.execute("grant select on all tables in schema features to revlayer_scorer")
        conn.commit()
    with database.connect("scorer") as conn:
        version = register(conn, outcome, outcome.served, data, END)
        status = {(c.output, c.second_engine): c.status for c in certificate.certify(conn, version).comparisons}
        registry.promote(conn, version, outcome.decision.reason)
        conn.commit()
    with database.connect("scorer") as conn, database.connect("scorer") as read_conn:
        (summary,) = jobs.score_targets(conn, END, [TARGET], read_conn=read_conn)
    assert summary.row_count == table.num_rows
    return status


def _call(conn, arguments, **changed):
    given = {name: sql.SQL("f.{}").format(sql.Identifier(name)) for name in arguments}
    given |= {name: sql.SQL(text) for name, text in changed.items()}
    listed = sql.SQL(", ").join(sql.SQL("{} => {}").format(sql.Identifier(n), v) for n, v in given.items())
    return conn.execute(sql.SQL(CALL).format(arguments=listed)).fetchall()


@pytest.fixture(params=["sql", "plpython"])
def engine_and_database(request):
    make = "make_database" if request.param == "sql" else "make_plpython_database"
    return request.param, request.getfixturevalue(make)("installs_served")


def test_job_and_function_agree_however_texts_are_written(engine_and_database):
    engine, database = engine_and_database
    app = simulated(9_000, seed=4, months=12)
    status = _publish(
        database, app.data(), app.table.slice(0, 600).filter(pc.is_valid(app.table.slice(0, 600)["platform"]))
    )
    assert {found for (_, second), found in status.items() if second == engine} == {"equal"}
    with database.connect("scorer") as conn:
        functions.install(conn, TARGET, engine)
        manifest = registry.require_champion(conn, TARGET).manifest
        arguments = [feature.name for feature in manifest.features]
        published = conn.execute(
            "select install_id, payer_probability, revenue_amount, revenue_p50_amount, revenue_p90_amount,"
            " revenue_p99_amount, reason_1 from scoring.install_revenue_predictions order by install_id"
        ).fetchall()
        called = _call(conn, arguments)
        shouted = _call(
            conn, arguments, platform="' ' || upper(f.platform)", country_code="lower(f.country_code)",
            device_family="initcap(f.device_family) || ' '",
        )  # fmt: skip
        aliased = _call(conn, arguments, platform="case f.platform when 'ios' then 'iPhone OS' else f.platform end")
        unseen = _call(conn, arguments, platform="'Fuchsia'", country_code="'ZZ'", device_family="'iPhone 99'")
    scale = manifest.extra["target_standard_deviation"]
    numbers = np.array([row[1:6] for row in published], np.float64)
    assert {row[6] for row in published} <= {feature.label for feature in manifest.features}
    for found in (called, shouted, aliased):
        assert [row[0] for row in found] == [row[0] for row in published]
        assert np.abs(np.array([row[1:6] for row in found], np.float64) - numbers).max() < 1e-5 * scale
    other = np.array([row[1:6] for row in unseen], np.float64)
    assert np.isfinite(other).all() and (other[:, :2] > 0).all()
    assert not np.allclose(other, numbers)
    # As the mean of all others: no more unlike one another than the rows they were.
    assert other[:, 1].max() <= numbers[:, 1].max() * 2
