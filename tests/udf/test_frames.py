"""What COPY writes, Arrow reads, and the other way round; nothing is lost on the way."""

from datetime import UTC, date, datetime

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from revlayer_udf import frames
from revlayer_udf.errors import FrameError

TYPES = {
    "words": (pa.string(), "text"),
    "ratio": (pa.float64(), "double precision"),
    "number": (pa.int64(), "bigint"),
    "flag": (pa.bool_(), "boolean"),
    "day": (pa.date32(), "date"),
    "moment": (pa.timestamp("us", tz="UTC"), "timestamp with time zone"),
}
# PostgreSQL's text holds every character but NUL; surrogates are no characters.
words = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)
nasty = st.sampled_from(["", '"', '""', ",", "\n", "\r\n", "\r", "\\.", "\\N", "NULL", " ", "'; drop table x"])
rows = st.lists(
    st.tuples(
        st.none() | words | nasty,
        st.none() | st.floats(allow_nan=False),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.booleans(),
        st.none() | st.dates(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def conn(make_database):
    with make_database("frames").connect("scorer") as conn:
        columns = ", ".join(f"{name} {kind}" for name, (_, kind) in TYPES.items())
        conn.execute(f"create temporary table kept ({columns})".encode())
        conn.commit()
        yield conn


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, batch_rows=st.integers(1, 7))
def test_rows_survive_the_round_trip(conn, rows, batch_rows):
    schema = pa.schema([(name, kind) for name, (kind, _) in TYPES.items()])
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    data = pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
    conn.execute("truncate kept")
    assert frames.copy_in(conn, sql.Identifier("kept"), data) == len(rows)
    batches = list(frames.read_batches(conn, "select * from kept", batch_rows=batch_rows))
    found = pa.Table.from_batches(batches, schema=schema)
    conn.commit()
    assert found.equals(data)
    assert [batch.num_rows for batch in batches[:-1]] == [batch_rows] * (len(batches) - 1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.none() | words | nasty, max_size=8))
def test_one_text_column_keeps_null_apart_from_empty(conn, values):
    data = pa.table({"words": pa.array(values, pa.string())})
    conn.execute("truncate kept")
    frames.copy_in(conn, sql.Identifier("kept"), data)
    assert frames.read_table(conn, "select words from kept").equals(data)
    conn.commit()


@given(value=words | nasty)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parameters_are_values_whatever_they_hold(conn, value):
    found = frames.read_table(conn, "select %(value)s::text as value, '100%%' as share", {"value": value})
    conn.commit()
    assert found.to_pylist() == [{"value": value, "share": "100%"}]


def test_numbers_that_are_none_come_through(conn):
    query = "select 'NaN'::float8 as a, '-Infinity'::float8 as b, 'NaN'::numeric as c, 0.1::numeric as d"
    row = frames.read_table(conn, query).to_pylist()[0]
    assert str(row["a"]) == str(row["c"]) == "nan"
    assert (row["b"], row["d"]) == (float("-inf"), 0.1)
    conn.execute("truncate kept")
    frames.copy_in(conn, sql.Identifier("kept"), pa.table({"ratio": [float("nan"), float("inf")]}))
    found = conn.execute("select array_agg(ratio::text) from kept").fetchone()
    assert found == (["NaN", "Infinity"],)


def test_an_empty_result_has_its_types(conn):
    found = frames.read_table(conn, "select 1::smallint as n, current_date as d, 'x'::name as t where false;")
    assert found.schema == pa.schema([("n", pa.int64()), ("d", pa.date32()), ("t", pa.string())])
    assert found.num_rows == 0
    assert list(frames.read_batches(conn, "select 1 as n where false")) == []


def test_a_query_may_end_in_a_comment(conn):
    assert frames.read_table(conn, "select 1 as n -- one").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select array[1] as list", r"column list has type int4\[\].*\n.*Cast it"),
        ("select 'x'::bytea as raw", "column raw has type bytea"),
        ("select 1 as a, 2 as a", "returns twice: a"),
        ("select 'infinity'::date as day", "infinite"),
    ],
)
def test_what_arrow_cannot_hold_is_refused(conn, query, message):
    with pytest.raises(FrameError, match=message):
        frames.read_table(conn, query)
    conn.rollback()


def test_nested_and_binary_columns_are_refused(conn):
    for data in (pa.table({"words": [["a"]]}), pa.table({"words": [b"a"]})):
        with pytest.raises(FrameError, match="column words has type"):
            frames.copy_in(conn, sql.Identifier("kept"), data)
        conn.rollback()


def test_dictionaries_are_written_as_their_values(conn):
    conn.execute("truncate kept")
    data = pa.table({"words": pa.array(["a", None, "a"]).dictionary_encode()})
    frames.copy_in(conn, sql.Identifier("kept"), data)
    assert frames.read_table(conn, "select words from kept")["words"].to_pylist() == ["a", None, "a"]


def test_a_refused_value_leaves_the_connection_usable(conn):
    conn.execute("create temporary table small (n integer check (n < 10))")
    conn.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        frames.copy_in(conn, sql.Identifier("small"), pa.table({"n": [1, 99]}))
    conn.rollback()
    assert conn.execute("select count(*) from small").fetchone() == (0,)


def test_an_abandoned_reader_frees_the_connection(conn):
    batches = frames.read_batches(conn, "select generate_series(1, 1000000) as n", batch_rows=10)
    assert next(batches).num_rows == 10
    batches.close()
    conn.rollback()
    assert conn.execute("select 1").fetchone() == (1,)


def test_another_date_style_is_refused(conn):
    conn.execute("set local datestyle to german")
    with pytest.raises(FrameError, match="DateStyle"):
        frames.read_table(conn, "select current_date as day")
    conn.rollback()


def test_dates_and_moments_keep_their_value_in_another_time_zone(conn):
    conn.execute("set local timezone to 'Asia/Kolkata'")
    query = "select timestamptz '2025-01-31 23:30:00.000001+00' as at, date '0099-12-31' as day"
    row = frames.read_table(conn, query).to_pylist()[0]
    conn.rollback()
    assert row == {"at": datetime(2025, 1, 31, 23, 30, 0, 1, tzinfo=UTC), "day": date(99, 12, 31)}
