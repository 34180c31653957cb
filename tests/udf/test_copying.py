"""Binary COPY carries every value as it is, in both directions, and never decodes row by row."""

from datetime import UTC, date, datetime

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from revlayer_udf import copying, frames
from revlayer_udf.copying import RowWriter, Selection, decode, encode, read_blocks
from revlayer_udf.errors import FrameError

TEXTS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30)
EXTREMES = [0.0, -0.0, 1e-300, -1e-46, 1e-45, 1.4e-45, 3.4028235e38, 3.5e38, 1e300, float("inf"), float("-inf")]
NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from(EXTREMES))
OPTIONS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def conn(make_database):
    with make_database("copying").connect() as conn:
        conn.execute("create schema t")
        conn.commit()
        yield conn


def fill(conn, columns, rows):
    conn.rollback()
    conn.execute("drop table if exists t.source")
    types = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in columns.items())
    conn.execute(sql.SQL("create table t.source (place serial, {})").format(types))
    with conn.cursor() as cursor:
        slots = sql.SQL(", ").join(sql.Placeholder() * len(columns))
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        cursor.executemany(sql.SQL("insert into t.source ({}) values ({})").format(names, slots), rows)
    conn.commit()


def select(numbers=(), texts=(), kept=("place",), **options):
    return Selection(sql.SQL("select * from t.source order by place"), numbers, texts, kept, **options)


def read(conn, selection, block_rows=3):
    return [decode(selection, raw) for raw in read_blocks(conn, selection, block_rows)]


def as_float32(values):
    with np.errstate(over="ignore", under="ignore"):
        return np.array([np.nan if v is None else v for v in values], np.float64).astype(np.float32)


@OPTIONS
@given(st.integers(1, 9), st.data())
def test_numbers_become_what_numpy_makes_of_them(conn, width, data):
    rows = data.draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width), max_size=8))
    names = tuple(f"x{i}" for i in range(width))
    fill(conn, dict.fromkeys(names, "double precision"), rows)
    blocks = read(conn, select(names))
    assert sum(block.num_rows for block in blocks) == len(rows)
    for index, row in enumerate(rows):
        found = blocks[index // 3].numeric[index % 3]
        np.testing.assert_array_equal(found.view(np.uint32) & 0x7FC00000, as_float32(row).view(np.uint32) & 0x7FC00000)
        np.testing.assert_array_equal(found, as_float32(row))


@OPTIONS
@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS, NUMBERS, st.none() | TEXTS), max_size=10))
def test_texts_and_keys_survive_whole(conn, rows):
    fill(conn, {"key": "text", "a": "text", "x": "double precision", "b": "text"}, rows)
    selection = select(("x",), ("a", "b"), ("key", "place"))
    blocks = read(conn, selection)
    for index, (key, a, x, b) in enumerate(rows):
        block, row = blocks[index // 3], index % 3
        assert [column[row].as_py() for column in block.texts] == [a or "", b or ""]
        np.testing.assert_array_equal(block.numeric[row], as_float32([x]))
        raw = key.encode()
        place = (4).to_bytes(4, "big") + (index + 1).to_bytes(4, "big")
        assert block.kept[row].as_py() == len(raw).to_bytes(4, "big") + raw + place


def test_long_texts_end_a_block_early(conn, monkeypatch):
    monkeypatch.setattr(copying.reading, "BLOCK_BYTES", 2**20)
    rows = [(chr(0x1F600 + n) * 200_000, "é" * n) for n in range(6)]
    fill(conn, {"key": "text", "a": "text"}, rows)
    blocks = read(conn, select((), ("a",), ("key",)), block_rows=1000)
    assert [block.num_rows for block in blocks] == [2, 2, 2]
    assert [block.kept[i].as_py()[4:].decode() for block in blocks for i in range(2)] == [key for key, _ in rows]
    assert [block.texts[0][i].as_py() for block in blocks for i in range(2)] == [a for _, a in rows]


def test_numbers_of_any_type_are_read(conn):
    columns = {"a": "integer", "b": "smallint", "c": "bigint", "d": "real", "e": "numeric", "f": "boolean"}
    fill(conn, columns, [(1, -2, 2**40, 0.1, "12.5", True), (None,) * 6])
    [block] = read(conn, select(tuple(columns), flags=frozenset("f")))
    np.testing.assert_array_equal(block.numeric[0], np.array([1, -2, 2**40, 0.1, 12.5, 1], np.float32))
    assert np.isnan(block.numeric[1]).all()


def test_nothing_is_no_block(conn):
    fill(conn, {"x": "double precision"}, [])
    assert read(conn, select(("x",))) == []
    assert read(conn, select()) == []


def test_kept_columns_of_any_type_name_their_row(conn):
    fill(conn, {"key": "text", "number": "bigint", "day": "date"}, [("crm:1", 7, date(2026, 1, 2)), (None, 8, None)])
    [block] = read(conn, select((), (), ("key", "day")))
    assert (block.name(0), block.name(1)) == ("'crm:1'", "null")
    [block] = read(conn, select((), (), ("number",)))
    assert block.name(1) == "8"


def test_an_error_of_the_query_leaves_the_connection_usable(conn):
    fill(conn, {"x": "double precision"}, [(float(i),) for i in range(100)])
    broken = Selection(sql.SQL("select place, 1 / (50 - place) as x from t.source"), ("x",), (), ("place",))
    with pytest.raises(psycopg.errors.DivisionByZero):
        read(conn, broken)
    assert sum(block.num_rows for block in read(conn, select(("x",)))) == 100


def test_a_closed_reader_leaves_the_connection_usable(conn):
    endless = Selection(
        sql.SQL("select 1.0 as x, a as g from generate_series(1, 9999) as a, generate_series(1, 9999) as b"),
        ("x",),
        (),
        ("g",),
    )
    blocks = read_blocks(conn, endless)
    assert len(next(blocks).lengths) == copying.BLOCK_ROWS
    blocks.close()
    assert conn.execute("select 1").fetchone() == (1,)
    conn.rollback()


def test_column_names_are_quoted(conn):
    name = 'a"; drop table t.source; -- %s {}'
    fill(conn, {name: "double precision"}, [])
    conn.execute("insert into t.source values (1, 2.5)")
    [block] = read(conn, select((name,)))
    assert block.numeric.tolist() == [[2.5]]


COLUMNS = {
    "f": ("double precision", pa.float64(), st.none() | st.floats(allow_nan=False)),
    "s": ("double precision", pa.float32(), st.none() | st.floats(width=32, allow_nan=False)),
    "i": ("bigint", pa.int64(), st.none() | st.integers(-(2**63), 2**63 - 1)),
    "j": ("integer", pa.int32(), st.none() | st.integers(-(2**31), 2**31 - 1)),
    "b": ("boolean", pa.bool_(), st.none() | st.booleans()),
    "d": ("date", pa.date32(), st.none() | st.dates()),
    "z": ("timestamptz", pa.timestamp("us", tz="UTC"), st.none() | st.datetimes(timezones=st.just(UTC))),
    "t": ("text", pa.string(), st.none() | TEXTS),
    "l": ("text", pa.large_string(), st.none() | TEXTS),
    "c": ("text", pa.dictionary(pa.int16(), pa.string()), st.none() | TEXTS),
}


def write(conn, batch, kept=None, kept_names=()):
    names = [*kept_names, *batch.schema.names]
    with RowWriter(conn, sql.Identifier("t", "target"), names) as writer:
        writer.write(encode(batch, kept, len(kept_names)))
    return writer.row_count


@OPTIONS
@given(st.permutations(list(COLUMNS)), st.integers(0, 6), st.data())
def test_what_is_written_is_read_back(conn, names, count, data):
    values = {name: data.draw(st.lists(COLUMNS[name][2], min_size=count, max_size=count)) for name in names}
    arrays = [
        pa.array(values[n], pa.string()).dictionary_encode().cast(COLUMNS[n][1])
        if pa.types.is_dictionary(COLUMNS[n][1])
        else pa.array(values[n], COLUMNS[n][1])
        for n in names
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=names)
    conn.rollback()
    types = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(COLUMNS[n][0])) for n in names)
    conn.execute("create table t.target (place serial)")
    conn.execute(sql.SQL("drop table t.target; create table t.target ({}, place serial)").format(types))
    assert write(conn, batch) == count
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    found = conn.execute(sql.SQL("select {} from t.target order by place").format(listed)).fetchall()
    assert [dict(zip(names, row, strict=True)) for row in found] == batch.to_pylist()
    conn.rollback()


def test_missing_and_not_a_number_stay_apart(conn):
    conn.execute("create table t.target (x double precision)")
    batch = pa.RecordBatch.from_pydict({"x": pa.array([1.0, None, float("nan")])})
    write(conn, batch)
    assert conn.execute("select x::text from t.target").fetchall() == [("1",), (None,), ("NaN",)]
    conn.rollback()


def test_slices_and_kept_columns_are_written_as_they_were_read(conn):
    rows = [(f"clé {n}" * n, date(2026, 1, 1) if n % 2 else None, float(n)) for n in range(9)]
    fill(conn, {"key": "text", "day": "date", "x": "double precision"}, rows)
    conn.execute("create table t.target (key text, day date, y double precision, why text)")
    conn.commit()
    names = pa.array(["a", "é", None, "a", "b", "c", "d", "e", "f"], pa.string()).slice(0)
    for number, block in enumerate(read(conn, select(("x",), (), ("key", "day")), block_rows=4)):
        start = number * 4
        columns = {"y": pa.array(block.numeric[:, 0]), "why": names.slice(start, block.num_rows)}
        write(conn, pa.RecordBatch.from_pydict(columns), block.kept, ("key", "day"))
    found = conn.execute("select * from t.target order by y").fetchall()
    assert found == [(*row, why) for row, why in zip(rows, names.to_pylist(), strict=True)]
    conn.execute("drop table t.target")
    conn.commit()


def test_types_without_a_form_are_refused():
    batch = pa.RecordBatch.from_pydict({"x": pa.array([[1]])})
    with pytest.raises(FrameError, match="column x has type list"):
        encode(batch)
    with pytest.raises(FrameError, match="column x has type timestamp"):
        encode(pa.RecordBatch.from_pydict({"x": pa.array([datetime(2026, 1, 1)], pa.timestamp("ns"))}))


def test_an_error_in_the_middle_writes_nothing(conn):
    conn.execute("create table t.target (x double precision)")
    conn.commit()
    batch = pa.RecordBatch.from_pydict({"x": pa.array([1.0])})
    with pytest.raises(RuntimeError), RowWriter(conn, sql.Identifier("t", "target"), ["x"]) as writer:
        writer.write(encode(batch))
        raise RuntimeError
    conn.rollback()
    assert frames.read_table(conn, "select * from t.target").num_rows == 0
    conn.execute("drop table t.target")
    conn.commit()
