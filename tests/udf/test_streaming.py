"""Rows stream from table to table; whatever breaks a stage ends the others, and nothing half-done stays."""

import subprocess
import sys
import threading
import time
import uuid

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from revlayer_udf.copying import Selection
from revlayer_udf.runtime import Scorer
from revlayer_udf.streaming import score_stream

ROWS = 20_000
TARGET = sql.Identifier("t", "target")
SOURCE = sql.SQL("select * from t.source")
ENDLESS = sql.SQL("select a.key, b.x from t.source as a cross join t.source as b")


@pytest.fixture(scope="module")
def world(make_database):
    made = make_database("streaming")
    with made.connect() as conn:
        conn.execute("create schema t")
        conn.execute(
            "create table t.source as select 'key ' || g as key, g::float8 as x, nullif(g % 3, 0)::text as stage"
            " from generate_series(1, 20000) as g"
        )
        conn.execute("create table t.target (key text, y double precision)")
    return made


@pytest.fixture
def conns(world):
    """A reader, a writer, and an administrator who looks on."""
    with world.connect() as reader, world.connect() as writer, world.connect(autocommit=True) as administrator:
        administrator.execute("truncate t.target")
        yield reader, writer, administrator


def select(query=SOURCE):
    return Selection(query, ("x",), (), ("key",))


def double(block):
    return pa.RecordBatch.from_pydict({"y": pa.array(block.numeric[:, 0] * 2)})


def written(administrator):
    return administrator.execute("select count(*), sum(y) from t.target").fetchone()


def no_thread_is_left():
    names = [thread.name for thread in threading.enumerate()]
    return not [name for name in names if name.startswith(("read", "score"))]


def assert_nothing_stays(conns):
    reader, writer, administrator = conns
    assert no_thread_is_left()
    assert written(administrator) == (0, None)
    for conn in (reader, writer):
        if not conn.broken:
            assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("workers", [None, 1, 5])
@pytest.mark.parametrize("block_rows", [1, 77, 8192, 100_000])
def test_every_row_arrives_once_in_order(conns, workers, block_rows):
    count = ROWS if block_rows > 1 else 300
    query = sql.SQL("select * from t.source where x <= {} order by x").format(count)
    done = []
    reader, writer, administrator = conns
    streamed = score_stream(
        reader, writer, select(query), double, TARGET, workers=workers, block_rows=block_rows, progress=done.append
    )
    assert streamed.row_count == count == done[-1] and done == sorted(done)
    assert set(streamed.seconds) == {"read", "score", "write"} and min(streamed.seconds.values()) > 0
    found = administrator.execute("select key, y from t.target order by ctid").fetchall()
    assert found == [(f"key {n}", 2.0 * n) for n in range(1, count + 1)]
    assert no_thread_is_left()


def test_nothing_to_read_is_nothing_written(conns):
    streamed = score_stream(*conns[:2], select(sql.SQL("select * from t.source where false")), double, TARGET)
    assert streamed.row_count == 0
    assert_nothing_stays(conns)


def test_a_scorer_fills_columns_named_as_its_outputs(conns, graphs, manifest_of):
    artefact = graphs["win"]()
    scorer = Scorer(artefact, manifest_of(artefact))
    reader, writer, administrator = conns
    administrator.execute("create temp table unused ()")
    administrator.execute("create table if not exists t.wins (key text, win_probability double precision)")
    query = sql.SQL("select key, x as amount, x / 1000 as lead_score, stage as stage_name from t.source")
    selection = Selection(query, ("amount", "lead_score"), ("stage_name",), ("key",))
    score_stream(reader, writer, selection, scorer, sql.Identifier("t", "wins"))
    rows = administrator.execute("select replace(key, 'key ', '')::float8, win_probability from t.wins").fetchall()
    x, p = np.array(rows).T
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-(0.001 * x + 0.02 * x / 1000))), rtol=1e-5)


def test_texts_survive_in_a_database_of_another_encoding(server_url):
    """What is read as UTF-8 is written as UTF-8, whatever the connections' encoding is."""
    name = f"latin_{uuid.uuid4().hex[:8]}"
    url = make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as administrator:
        administrator.execute(f"create database {name} encoding 'LATIN1' locale 'C' template template0")
        try:
            with psycopg.connect(url) as reader, psycopg.connect(url) as writer:
                writer.execute("create table source as select 'clé'::text as key, 1.0::float8 as x, 'à'::text as stage")
                writer.execute("create table made (key text, stage text)")
                writer.commit()
                selection = Selection(sql.SQL("select * from source"), ("x",), ("stage",), ("key",))
                keep = lambda block: pa.RecordBatch.from_pydict({"stage": block.texts[0]})  # noqa: E731
                score_stream(reader, writer, selection, keep, sql.Identifier("made"))
                assert writer.execute("select * from made").fetchall() == [("clé", "à")]
        finally:
            administrator.execute(f"drop database {name} with (force)")


def failing_after(blocks, error):
    calls = iter(range(1000))

    def score(block):
        if next(calls) >= blocks:
            raise error
        return double(block)

    return score


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_of_the_scorer_ends_all(conns, error, after):
    started = time.monotonic()
    with pytest.raises(type(error)):
        score_stream(*conns[:2], select(ENDLESS), failing_after(after, error), TARGET, block_rows=1000)
    assert time.monotonic() - started < 10
    assert_nothing_stays(conns)


def test_an_error_of_the_scorer_does_not_wait_for_a_slow_query(conns):
    slow = sql.SQL("select key, x from t.source where x < 15000 or pg_sleep(60) is null")
    started = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        score_stream(*conns[:2], select(slow), failing_after(1, ValueError("no")), TARGET, block_rows=1000)
    assert time.monotonic() - started < 10
    assert_nothing_stays(conns)


def test_an_error_of_the_query_ends_all(conns):
    broken = sql.SQL("select key, 1 / (15000 - x) as x from t.source")
    with pytest.raises(psycopg.errors.DivisionByZero):
        score_stream(*conns[:2], select(broken), double, TARGET, block_rows=100)
    assert_nothing_stays(conns)


def test_a_row_the_table_refuses_ends_all(conns):
    conns[2].execute("alter table t.target add constraint small check (y < 30000)")
    try:
        with pytest.raises(psycopg.errors.CheckViolation):
            score_stream(*conns[:2], select(), double, TARGET, block_rows=100)
    finally:
        conns[2].execute("alter table t.target drop constraint small")
    assert_nothing_stays(conns)


def test_an_interrupt_in_the_calling_thread_ends_all(conns):
    def interrupt(done):
        if done > 5000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_stream(*conns[:2], select(), double, TARGET, block_rows=1000, progress=interrupt)
    assert_nothing_stays(conns)


@pytest.mark.parametrize("which", [0, 1])
def test_a_lost_connection_ends_all(conns, which):
    pid = conns[which].info.backend_pid

    def cut(done):
        if done > 5000:
            conns[2].execute("select pg_terminate_backend(%s)", [pid])

    with pytest.raises(psycopg.OperationalError):
        score_stream(*conns[:2], select(ENDLESS), double, TARGET, block_rows=1000, progress=cut)
    assert conns[which].broken
    assert_nothing_stays(conns)


def test_a_wrong_number_of_predictions_is_refused(conns):
    def fewer(block):
        return double(block).slice(1)

    with pytest.raises(ValueError, match="predictions for"):
        score_stream(*conns[:2], select(), fewer, TARGET)
    assert_nothing_stays(conns)


def test_rows_changed_in_mid_run_are_read_as_they_were(conns):
    reader, writer, administrator = conns
    seen = []

    def change(done):
        if not seen:
            administrator.execute("update t.source set x = -1")
            administrator.execute("delete from t.source where key = 'key 20000'")
        seen.append(done)

    administrator.execute("create table t.before as select * from t.source")
    try:
        score_stream(reader, writer, select(), double, TARGET, block_rows=100, progress=change)
        assert written(administrator) == (ROWS, float(ROWS * (ROWS + 1)))
    finally:
        administrator.execute("truncate t.source; insert into t.source select * from t.before; drop table t.before")


def test_memory_does_not_grow_with_the_rows(world):
    script = """
import resource, sys
import psycopg, pyarrow as pa
from psycopg import sql
from revlayer_udf.copying import Selection
from revlayer_udf.streaming import score_stream
url, count = sys.argv[1], int(sys.argv[2])
query = sql.SQL("select g::text as key, " + ", ".join(f"g::float8 as x{i}" for i in range(20))
                + f" from generate_series(1, {count}) as g")
selection = Selection(query, tuple(f"x{i}" for i in range(20)), (), ("key",))
score = lambda block: pa.RecordBatch.from_pydict({"y": pa.array(block.numeric[:, 0])})
with psycopg.connect(url) as reader, psycopg.connect(url) as writer:
    writer.execute("create temp table made (key text, y double precision)")
    assert score_stream(reader, writer, selection, score, sql.Identifier("made")).row_count == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for count in (100_000, 600_000):
        done = subprocess.run(
            [sys.executable, "-c", script, world.url, str(count)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert peaks[1] <= 1.1 * peaks[0], peaks
