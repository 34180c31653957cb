"""Compiled functions: their signatures, what they do with what is missing, and how they come and go."""

from typing import Any

import numpy as np
import onnx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from psycopg import sql

from revlayer_udf.compiler import compile_model, install, uninstall
from revlayer_udf.errors import RegistryError, UnsupportedOperator
from revlayer_udf.manifest import Feature

NAMES = ("amount", 'the "net" %s', "it's 50 %", "é ü")
CATEGORIES = ("proposal", "it's", 'a "quote"', "back\\slash", "100 % {0} $1", "new\nline", "日本", "$body$")
ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


def graph(categories: Any = CATEGORIES, bias: float = 0.5) -> bytes:
    """Two numbers, one with NaN as 0, and the number of the category from 1; an unknown one is -1."""
    nodes = [
        helper.make_node("IsNaN", ["numeric"], ["is_missing"]),
        helper.make_node("Where", ["is_missing", "zero", "numeric"], ["known"]),
        helper.make_node("Add", ["known", "bias"], ["parts"]),
        helper.make_node("Gather", ["categorical", "first"], ["name"], axis=1),
        helper.make_node(
            "LabelEncoder", ["name"], ["code"], domain="ai.onnx.ml", keys_strings=list(categories),
            values_floats=[float(place) for place in range(1, len(categories) + 1)], default_float=-1.0,
        ),
        helper.make_node("Identity", ["numeric"], ["seen"]),
    ]  # fmt: skip
    made = helper.make_graph(
        nodes, "hostile",
        [helper.make_tensor_value_info("numeric", TensorProto.FLOAT, [None, 2]),
         helper.make_tensor_value_info("categorical", TensorProto.STRING, [None, 2])],
        [helper.make_tensor_value_info("parts", TensorProto.FLOAT, [None, 2]),
         helper.make_tensor_value_info("code", TensorProto.FLOAT, [None, 1]),
         helper.make_tensor_value_info("seen", TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(np.float32(0), "zero"), numpy_helper.from_array(np.float32(bias), "bias"),
         numpy_helper.from_array(np.array([0]), "first")],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(made, opset_imports=imports, ir_version=8).SerializeToString())


@pytest.fixture(autouse=True)
def _undone(conn: psycopg.Connection) -> None:
    """Open the transaction that is rolled back in the end."""
    conn.execute("select 1")


@pytest.fixture
def compiled(manifest_of: Any) -> Any:
    def make(**changes: Any) -> Any:
        artefact = graph(**changes)
        # Texts and numbers take turns: arguments are in the order of the manifest.
        features = tuple(
            Feature(name=name, type=("number", "text")[place % 2], label=f"Label {place}")
            for place, name in enumerate(NAMES)
        )
        return compile_model(artefact, manifest_of(artefact, features=features))

    return make


def test_arguments_columns_and_rights(conn: psycopg.Connection, compiled: Any) -> None:
    assert install(conn, compiled()) == ("predict_deal_win", "predict_deal_win_rows")
    found = conn.execute(
        "select proname, proargnames, prolang::regclass::text is not null, provolatile::text, proparallel::text,"
        " prosecdef, proconfig, pg_get_userbyid(proowner), proretset, pg_get_function_result(oid)"
        " from pg_proc where pronamespace = 'scoring'::regnamespace and proname like 'predict_deal_win%' order by 1"
    ).fetchall()
    columns = ["parts_1", "parts_2", "code", "seen_1", "seen_2"]
    row, rows = found
    assert row[1] == [*NAMES, *columns]
    assert rows[1] == [*NAMES, "row_number", *columns]
    for one in found:
        assert one[3:7] == ("i", "s", False, None)
        assert one[7].endswith("scorer")
    assert row[9] == f"TABLE({', '.join(f'{name} double precision' for name in columns)})"
    assert uninstall(conn, "deal_win") == ("predict_deal_win_rows", "predict_deal_win")


def test_readers_may_call(conn: psycopg.Connection, compiled: Any) -> None:
    install(conn, compiled())
    conn.execute("set local role revlayer_reader")
    assert conn.execute("select code from scoring.predict_deal_win()").fetchone() == (-1.0,)
    conn.execute("reset role")


def score(conn: psycopg.Connection, *row: Any) -> tuple[Any, ...]:
    found = conn.execute(
        "select * from scoring.predict_deal_win(%s::float8, %s::text, %s::float8, %s::text)", row
    ).fetchone()
    assert found is not None
    return found


def test_what_is_left_out_is_missing(conn: psycopg.Connection, compiled: Any) -> None:
    install(conn, compiled())
    row = conn.execute("select * from scoring.predict_deal_win()").fetchone()
    assert row is not None and row[:3] == (0.5, 0.5, -1.0) and np.isnan(row[3:]).all()
    query = sql.SQL("select parts_1, parts_2 from scoring.predict_deal_win({} => 2)").format(sql.Identifier(NAMES[2]))
    assert conn.execute(query).fetchone() == (0.5, 2.5)


def test_numbers_are_rounded_to_float32_once(conn: psycopg.Connection, compiled: Any) -> None:
    install(conn, compiled())
    edges = [0.1, 16777217.0, 1e300, -1e300, 1e-300, float("inf"), -0.0, 3.4028235677973366e38, 7.006492321624085e-46]
    with np.errstate(over="ignore"):
        for number in edges:
            assert score(conn, number, None, 1.0, None)[3] == float(np.float32(number))
            table = sql.SQL("(values ({}::float8)) as v (x)").format(sql.Literal(number))
            inlined = sql.SQL("select seen_1 from {} cross join lateral scoring.predict_deal_win(x)").format(table)
            assert conn.execute(inlined).fetchone() == (float(np.float32(number)),)


def test_categories_are_quoted_whole(conn: psycopg.Connection, compiled: Any) -> None:
    install(conn, compiled())
    for place, category in enumerate(CATEGORIES, 1):
        assert score(conn, 1.0, category, 1.0, "any")[2] == place
    assert score(conn, 1.0, "Proposal", 1.0, "any")[2] == -1


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(categories=st.lists(ANY_TEXT, min_size=1, max_size=30, unique=True), others=st.lists(ANY_TEXT, max_size=5))
def test_any_category(conn: psycopg.Connection, compiled: Any, categories: list[str], others: list[str]) -> None:
    with conn.transaction(force_rollback=True):
        install(conn, compiled(categories=categories))
        for category in [*categories, *others]:
            expected = categories.index(category) + 1 if category in categories else -1
            assert score(conn, 1.0, category, 1.0, "any")[2] == expected


def test_arrays_of_different_length_end_with_nulls(conn: psycopg.Connection, compiled: Any) -> None:
    install(conn, compiled())
    found = conn.execute(
        "select row_number, parts_1, parts_2, code from scoring.predict_deal_win_rows("
        "array[1, null, 3]::float8[], array['proposal', 'it''s'], array[4]::float8[], null)"
    ).fetchall()
    assert found == [(1, 1.5, 4.5, 1.0), (2, 0.5, 0.5, 2.0), (3, 3.5, 0.5, -1.0)]
    assert conn.execute("select * from scoring.predict_deal_win_rows('{}', '{}', '{}', '{}')").fetchall() == []


def test_the_row_function_is_inlined(conn: psycopg.Connection, compiled: Any) -> None:
    install(conn, compiled())
    plan = conn.execute(
        "explain select p.code from generate_series(1, 3) x cross join lateral scoring.predict_deal_win(x::float8) p"
    ).fetchall()
    assert not any("predict_deal_win" in line for (line,) in plan)


def test_a_new_model_takes_the_place_of_the_old(
    conn: psycopg.Connection, compiled: Any, graphs: Any, manifest_of: Any
) -> None:
    install(conn, compiled())
    install(conn, compiled(bias=1.5))
    assert score(conn, 1.0, None, None, None)[0] == 2.5
    other = graphs["win"]()
    install(conn, compile_model(other, manifest_of(other)))
    count = "select count(*) from pg_proc where pronamespace = 'scoring'::regnamespace and proname = 'predict_deal_win'"
    assert conn.execute(count).fetchone() == (1,)
    found = conn.execute("select * from scoring.predict_deal_win(amount => 1, stage_name => 'proposal')").fetchone()
    assert found == (pytest.approx(1 / (1 + np.exp(-1.001)), abs=1e-7),)


def test_a_view_over_it_keeps_the_old_model_in_place(
    conn: psycopg.Connection, compiled: Any, graphs: Any, manifest_of: Any
) -> None:
    install(conn, compiled())
    conn.execute("create view pg_temp.live as select * from scoring.predict_deal_win(1)")
    install(conn, compiled(bias=1.5))
    assert conn.execute("select parts_1 from pg_temp.live").fetchone() == (2.5,)
    other = graphs["win"]()
    with pytest.raises(RegistryError, match=r"predict_deal_win.* cannot be replaced"):
        install(conn, compile_model(other, manifest_of(other)))
    assert conn.execute("select parts_1 from pg_temp.live").fetchone() == (2.5,)


def test_another_name(conn: psycopg.Connection, compiled: Any) -> None:
    assert install(conn, compiled(), name="trial") == ("predict_trial", "predict_trial_rows")
    assert uninstall(conn, "deal_win") == ()
    assert uninstall(conn, "trial") == ("predict_trial_rows", "predict_trial")


def test_the_text_runs_as_a_script(conn: psycopg.Connection, compiled: Any) -> None:
    conn.execute(compiled().to_sql().encode())
    assert score(conn, 1.0, "it's", 1.0, None)[2] == 2.0


def test_a_character_that_text_cannot_hold_is_refused(compiled: Any) -> None:
    with pytest.raises(UnsupportedOperator, match="NUL"):
        compiled(categories=["a\0b"])


def test_an_unknown_operator_is_refused_by_name(manifest_of: Any) -> None:
    model = onnx.load_model_from_string(graph())
    model.graph.node[-1].op_type = "Det"
    artefact = model.SerializeToString()
    with pytest.raises(UnsupportedOperator, match="Det cannot be compiled"):
        compile_model(artefact, manifest_of(artefact))
