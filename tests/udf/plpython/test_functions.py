"""The functions on a server: scores, who may do what, and what happens when models change."""

import psycopg
import pytest
from backends import EDGES, raw_graph
from psycopg import sql
from psycopg.conninfo import make_conninfo

from revlayer_udf import compiler, plpython, registry
from revlayer_udf.errors import FeatureError, PlpythonError, RegistryError
from revlayer_udf.manifest import Feature
from revlayer_udf.runtime import Scorer

SHAPE = """
select
    p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_arguments(p.oid),
    pg_get_function_result(p.oid)
from pg_proc as p join pg_namespace as n on p.pronamespace = n.oid
where n.nspname = 'scoring' and (p.proname like 'predict\\_%' or p.proname like 'explain\\_%') order by 1
"""
ROWS = "select * from scoring.predict_deal_win_rows(%s::float8[], %s::float8[], %s::text[])"


def columns():
    return [list(column) for column in zip(*EDGES, strict=True)]


def test_row_set_and_kernel_give_the_same_bits(served, make_model, edges, call_row):
    expected = Scorer(*make_model()).score(edges)["win_probability"][:, 0].astype(float).tolist()
    with served.connect("reader") as conn:
        assert [call_row(conn, row) for row in EDGES] == [(value,) for value in expected]
        assert conn.execute(ROWS, columns()).fetchall() == list(enumerate(expected, start=1))


def test_arguments_go_by_name_and_may_be_left_out(served, call_row):
    with served.connect("reader") as conn:
        query = "select win_probability from scoring.predict_deal_win(stage_name => 'proposal')"
        assert conn.execute(query).fetchone() == call_row(conn, (None, None, "proposal"))


def test_reasons_come_with_labels(served, call_row):
    with served.connect("reader") as conn:
        row = call_row(conn, (5000.0, 10.0, "negotiation"), "explain_deal_win")
        assert row[2::2] == ("Stage", "Amount", "Lead score")
        assert row[0] + sum(row[3::2]) == pytest.approx(row[1], abs=1e-5)


def test_reader_calls_and_reads_no_model(served, call_row):
    with served.connect("reader") as conn:
        assert call_row(conn, EDGES[0]) is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select artefact from scoring.models")
    with served.connect("loader") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        call_row(conn, EDGES[0])


def test_functions_are_the_scorers_and_nobody_elses(served):
    query = """
        select distinct pg_get_userbyid(p.proowner), has_function_privilege('public', p.oid, 'execute')
        from pg_proc as p join pg_namespace as n on p.pronamespace = n.oid
        where n.nspname = 'scoring' and p.proname ~ '^(plpython_)?(predict|explain|warm)_deal'
    """
    with served.connect() as conn:
        assert conn.execute(query).fetchall() == [("revlayer_scorer", False)]


def test_a_callers_search_path_chooses_nothing(changeable, call_row):
    """The functions have their owner's rights, so an operator of the caller's must not run in them."""
    with changeable.connect() as conn:
        conn.execute("create schema hostile")
        conn.execute(
            "create function hostile.equal(text, text) returns boolean language plpgsql"
            " as $$begin raise exception 'hostile code ran as %', current_user; end$$"
        )
        conn.execute("create operator hostile.= (leftarg = text, rightarg = text, function = hostile.equal)")
        conn.execute("grant usage on schema hostile to public")
    with changeable.connect("reader") as conn:
        conn.execute("set search_path = hostile, pg_catalog")
        assert call_row(conn, EDGES[0]) is not None


def test_a_backend_that_knows_the_model_asks_no_more(changeable, call_row):
    with changeable.connect(autocommit=True) as conn, changeable.connect("reader", autocommit=True) as caller:
        caller.execute("select * from scoring.warm_deal_win()")
        before = call_row(caller, EDGES[0])
        conn.execute("update scoring.models set artefact = artefact || '\\x00'")
        assert call_row(caller, EDGES[0]) == before
        with changeable.connect("reader") as other:
            with pytest.raises(psycopg.errors.RaiseException, match="was changed after") as caught:
                call_row(other, EDGES[0])
            assert "scoring.rollback" in caught.value.diag.message_hint


def test_backends_at_work_go_over_to_a_new_model(changeable, make_model, call_row):
    with changeable.connect("reader", autocommit=True) as caller:
        before = call_row(caller, EDGES[0])
        with changeable.connect() as conn:
            conn.execute("create view marts.live as select * from scoring.predict_deal_win(1, 2, 'proposal')")
        artefact, manifest = make_model(0.5)
        with changeable.connect("scorer") as conn:
            registry.register(conn, artefact, manifest)
            plpython.install(conn, manifest)
        assert call_row(caller, EDGES[0]) > before


def test_views_keep_a_function_whose_columns_change(changeable, graphs, manifest_of):
    artefact = graphs["close"](2)
    manifest = manifest_of(artefact, "deal_win")
    with changeable.connect("scorer") as conn:
        registry.register(conn, artefact, manifest)
        with changeable.connect(autocommit=True) as other:
            other.execute("create view marts.live as select * from scoring.predict_deal_win(1, 2, 'proposal')")
        with pytest.raises(PlpythonError, match=r"view marts\.live depends"):
            plpython.install(conn, manifest)
        with changeable.connect(autocommit=True) as other:
            other.execute("drop view marts.live")
        plpython.install(conn, manifest)
        assert conn.execute("select current_user").fetchone() == ("revlayer_scorer",)
        assert conn.execute("select within_1, within_2 from scoring.predict_deal_win(1, 2, 'x')").fetchone()
        assert conn.execute("select to_regproc('scoring.explain_deal_win')").fetchone() == (None,)


def test_uninstall_leaves_another_engines_function(changeable):
    with changeable.connect("scorer") as conn:
        conn.execute(
            "create or replace function scoring.predict_deal_win(amount float8 default null, lead_score float8"
            " default null, stage_name text default null) returns table (win_probability float8) language sql"
            " as 'select 0.5::float8'"
        )
        assert set(plpython.uninstall(conn, "deal_win")) == {
            "predict_deal_win_rows", "explain_deal_win", "warm_deal_win",
        }  # fmt: skip
        assert [name for name, *_ in conn.execute(SHAPE)] == ["predict_deal_win"]
        left = "select proname from pg_proc where proname ~ '^plpython_(predict|explain|warm)'"
        assert conn.execute(left).fetchall() == []


def test_compiled_sql_has_the_same_names_arguments_and_columns(served, make_model):
    artefact, manifest = make_model()
    with served.connect("scorer") as conn:
        ours = conn.execute(SHAPE).fetchall()
        compiler.install(conn, compiler.compile_model(artefact, manifest))
        assert conn.execute(SHAPE).fetchall() == ours
        conn.rollback()
        assert [name for name, *_ in ours] == ["explain_deal_win", "predict_deal_win", "predict_deal_win_rows"]


@pytest.mark.parametrize("arguments", ["amount => 'much'::text", "stage_name => 3::float8", "amounts => 1"])
def test_wrong_types_and_names_are_refused(served, arguments):
    with served.connect("reader") as conn, pytest.raises(psycopg.errors.UndefinedFunction):
        conn.execute(f"select * from scoring.predict_deal_win({arguments})")


def test_arrays_of_different_rows_are_refused(served):
    with served.connect("reader") as conn, pytest.raises(psycopg.errors.RaiseException, match="1 to 2 elements"):
        conn.execute(ROWS, [[1.0, 2.0], [1.0], None])


def test_a_server_without_plpython_says_what_to_do(database, make_model):
    artefact, manifest = make_model()
    with database.connect("scorer") as conn:
        registry.register(conn, artefact, manifest)
        assert plpython.unavailable(conn) == "this server has no PL/Python (extension plpython3u)"
        with pytest.raises(PlpythonError, match=r"postgresql-plpython3-18.*compiled SQL"):
            plpython.install(conn, manifest)
        assert conn.execute("select current_user").fetchone() == ("revlayer_scorer",)


def test_only_a_superuser_may_install(served, make_model):
    with served.connect(autocommit=True) as conn:
        conn.execute("create role plain_user login password 'plain' in role revlayer_scorer")
    try:
        plain = make_conninfo(served.url, user="plain_user", password="plain")
        with psycopg.connect(plain) as conn:
            assert "may not create functions in PL/Python" in str(plpython.unavailable(conn))
            with pytest.raises(PlpythonError, match="Connect as a superuser"):
                plpython.install(conn, make_model()[1])
    finally:
        with served.connect(autocommit=True) as conn:
            conn.execute("drop role plain_user")


def test_an_unknown_model_is_refused(served, make_model):
    with served.connect("scorer") as conn:
        with pytest.raises(RegistryError, match="there is no model"):
            plpython.install(conn, make_model(7.0)[1])
        assert conn.execute("select current_user").fetchone() == ("revlayer_scorer",)


def test_the_installation_is_all_or_nothing(served, make_model):
    """A feature named like a result is refused before anything is dropped."""
    features = (
        Feature(name="win_probability", type="number", label="Amount"),
        Feature(name="lead_score", type="number", label="Lead score"),
        Feature(name="stage_name", type="text", label="Stage"),
    )
    manifest = make_model()[1].model_copy(update={"features": features})
    with served.connect("scorer") as conn:
        before = conn.execute(SHAPE).fetchall()
        with pytest.raises(FeatureError, match="features and results share names"):
            plpython.install(conn, manifest)
        assert conn.execute(SHAPE).fetchall() == before


def test_names_need_quoting_and_never_run(served, build_graph, manifest_of):
    """Feature names are data: quotes, percent signs and braces in them stay names."""
    features = (
        Feature(name='a "quoted" one', type="number", label="A"),
        Feature(name="100% {sure}; drop", type="number", label="B"),
        Feature(name="args", type="text", label="C"),
    )
    artefact = raw_graph(build_graph, 0.25)
    manifest = manifest_of(artefact, raw_output="margin", features=features)
    with served.connect("scorer") as conn:
        registry.register(conn, artefact, manifest)
        plpython.install(conn, manifest)
        query = sql.SQL("select win_probability from scoring.predict_deal_win({} => 1, {} => 2, {} => 'proposal')")
        names = [sql.Identifier(feature.name) for feature in features]
        assert conn.execute(query.format(*names)).fetchone() is not None
        conn.rollback()
