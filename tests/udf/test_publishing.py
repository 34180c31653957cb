"""Predictions are published whole or not at all, whatever kills a run and whoever else is at work."""

import signal
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from scoring_job import score_targets

from revlayer_udf import frames, publishing
from revlayer_udf.errors import Busy
from revlayer_udf.locks import target_lock
from revlayer_udf.publishing import publish_run

AS_OF = date(2025, 6, 30)
PUBLISHED = """
select p.* from scoring.deal_win_predictions as p
inner join scoring.published_runs as r on p.run_id = r.run_id
order by p.deal_id
"""
LOOSE_TABLES = """
select c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = 'scoring' and c.relname like '%\\_\\_run\\_%' and not c.relispartition
"""
TABLE = "deal_win_predictions"


def rows(count=2, probability=0.5):
    return pa.table(
        {
            "as_of_date": [AS_OF] * count,
            "deal_id": [f"d{index}" for index in range(count)],
            "win_probability": [probability] * count,
            "rung": ["prior"] * count,
            "model_version": ["m"] * count,
        }
    )


def published(conn):
    found = frames.read_table(conn, PUBLISHED)
    conn.commit()
    return found


def statuses(conn):
    found = [status for (status,) in conn.execute("select status from scoring.runs order by run_id")]
    conn.commit()
    return found


def loose_tables(conn):
    found = conn.execute(LOOSE_TABLES).fetchall()
    conn.commit()
    return found


@pytest.fixture
def conn(database):
    with database.connect("scorer") as conn:
        yield conn


def publish(conn, probability=0.5, **options):
    with publish_run(conn, "deal_win", AS_OF, [TABLE], **options) as run:
        run.write(rows(probability=probability))
    return run.run_id


STAGES = ["copied", "reading", "scoring", "writing", "described", "written", "attached", "superseded", "uncommitted"]


@pytest.fixture
def kill_at(scored_database):
    """Return a function: a run that dies of SIGKILL at a stage."""
    script = Path(__file__).with_name("killed_run.py")
    command = [sys.executable, str(script), scored_database.url, AS_OF.isoformat()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as runs:

        def kill(stage):
            runs.stdin.write(f"{stage}\n")
            assert runs.stdout.readline() == f"{-signal.SIGKILL}\n"

        yield kill


def test_killed_before_its_commit_a_run_leaves_the_previous_one(scored_database, kill_at):
    with scored_database.connect("scorer") as conn:
        score_targets(conn, AS_OF, ["deal_win"])
        before = published(conn)
        assert before.num_rows == 100
        kill_at("started")
        assert statuses(conn) == ["published"]
        for number, stage in enumerate(STAGES):
            kill_at(stage)
            assert published(conn).equals(before), stage
            assert statuses(conn) == ["published", *["failed"] * number, "running"], stage
        [summary] = score_targets(conn, AS_OF, ["deal_win"])
        assert statuses(conn) == ["superseded", *["failed"] * len(STAGES), "published"]
        assert loose_tables(conn) == []
        after = published(conn)
        assert set(after["run_id"].to_pylist()) == {summary.run_id}
        assert after.drop_columns("run_id").equals(before.drop_columns("run_id"))


@pytest.mark.parametrize("stage", ["published", "dropped"])
def test_killed_after_its_commit_a_run_stands(scored_database, kill_at, stage):
    with scored_database.connect("scorer") as conn:
        score_targets(conn, AS_OF, ["deal_win"])
        kill_at(stage)
        assert statuses(conn) == ["superseded", "published"]
        assert published(conn).num_rows == 100
        score_targets(conn, AS_OF, ["deal_win"])
        assert statuses(conn) == ["superseded", "superseded", "published"]


@pytest.mark.parametrize("error", [RuntimeError("no luck"), KeyboardInterrupt(), GeneratorExit()])
def test_an_exception_discards_the_run(conn, error):
    publish(conn, 0.25)
    with pytest.raises(type(error)), publish_run(conn, "deal_win", AS_OF, [TABLE]) as run:
        run.write(rows(probability=0.75))
        raise error
    assert statuses(conn) == ["published", "failed"]
    [message] = conn.execute("select error from scoring.runs where status = 'failed'").fetchone()
    assert type(error).__name__ in message
    conn.commit()
    assert loose_tables(conn) == []
    assert published(conn)["win_probability"].to_pylist() == [0.25, 0.25]


def test_a_refused_row_discards_the_run_and_frees_the_lock(conn):
    with pytest.raises(psycopg.errors.CheckViolation):
        publish(conn, 1.5)
    publish(conn)
    assert statuses(conn) == ["failed", "published"]


def test_an_interrupt_after_the_commit_keeps_what_was_published(conn, monkeypatch):
    whole = publishing._retry

    def interrupted(*arguments):
        whole(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "_retry", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(conn)
    assert statuses(conn) == ["published"]
    assert published(conn).num_rows == 2


def test_a_second_run_leaves_with_a_message_or_waits(database, conn):
    with database.connect("scorer") as other:
        with target_lock(other, "deal_win", wait=False):
            with pytest.raises(Busy, match=r"another run is publishing deal_win \(server process \d+\)") as caught:
                publish(conn, wait=False)
            assert caught.value.exit_code == 75
            with publish_run(conn, "deal_value", AS_OF, [], wait=False):
                pass  # another target is free
            waiting = threading.Thread(target=publish, args=[conn])
            waiting.start()
            time.sleep(0.5)
            assert waiting.is_alive()
        waiting.join(timeout=20)
        assert statuses(conn) == ["published", "published"]


def test_runs_at_once_queue(database, conn):
    def one(probability):
        with database.connect("scorer") as mine:
            publish(mine, probability)

    threads = [threading.Thread(target=one, args=[index / 10]) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(conn) == ["superseded"] * 3 + ["published"]
    assert published(conn).num_rows == 2


def test_readers_neither_hinder_publishing_nor_lose_their_view(database, conn):
    publish(conn, 0.25)
    with database.connect("transformer") as reader:
        reader.execute("set transaction isolation level repeatable read")
        before = frames.read_table(reader, PUBLISHED)
        publish(conn, 0.75, keep=0)
        assert frames.read_table(reader, PUBLISHED).equals(before)
        reader.commit()
        assert published(reader)["win_probability"].to_pylist() == [0.75, 0.75]


def test_old_runs_go_and_the_rest_stay(conn):
    ids = [publish(conn, keep=2) for _ in range(5)]
    found = conn.execute("select distinct run_id from scoring.deal_win_predictions order by 1").fetchall()
    assert [run_id for (run_id,) in found] == ids[2:]
    conn.commit()
    assert statuses(conn) == ["superseded"] * 4 + ["published"]


def test_a_partition_kept_by_a_reader_goes_with_the_next_run(database, conn):
    first = publish(conn)
    with database.connect("transformer") as reader:
        reader.execute("select * from scoring.deal_win_predictions")
        publish(conn, keep=0)
        kept = conn.execute("select count(*) from scoring.deal_win_predictions where run_id = %s", [first])
        assert kept.fetchone() == (2,)
        conn.commit()
    publish(conn, keep=0)
    found = conn.execute("select count(distinct run_id) from scoring.deal_win_predictions").fetchone()
    assert found == (1,)


def test_a_partition_that_a_view_reads_stays(conn):
    first = publish(conn, 0.25)
    with conn.transaction():
        conn.execute(f"create view scoring.mine as select * from scoring.{TABLE}__run_{first}")
    publish(conn, 0.75, keep=0)
    assert published(conn)["win_probability"].to_pylist() == [0.75, 0.75]
    assert conn.execute("select min(win_probability) from scoring.mine").fetchone() == (0.25,)


def test_ddl_on_the_parent_is_waited_for_then_reported(database, conn, monkeypatch):
    monkeypatch.setattr(publishing, "ATTACH_LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(publishing, "RETRY_SECONDS", 0.05)
    publish(conn, 0.25)
    with database.connect("scorer") as maintenance:
        maintenance.execute("lock table scoring.deal_win_predictions in share update exclusive mode")
        monkeypatch.setattr(publishing, "ATTEMPTS", 2)
        with pytest.raises(Busy, match="stayed locked"):
            publish(conn, 0.75)
        assert statuses(conn) == ["published", "failed"]
        monkeypatch.setattr(publishing, "ATTEMPTS", 100)
        waiting = threading.Thread(target=publish, args=[conn, 0.75])
        waiting.start()
        time.sleep(0.3)
        maintenance.rollback()
    waiting.join(timeout=20)
    assert published(conn)["win_probability"].to_pylist() == [0.75, 0.75]


def test_a_lost_connection_is_cleaned_up_by_the_next_run(database, conn):
    publish(conn, 0.25)
    with database.connect("scorer") as doomed, pytest.raises(psycopg.OperationalError):  # noqa: SIM117
        with publish_run(doomed, "deal_win", AS_OF, [TABLE]) as run:
            run.write(rows())
            with database.connect() as administrator:
                administrator.execute("select pg_terminate_backend(%s)", [doomed.info.backend_pid])
                administrator.commit()
            run.write(rows())
    assert statuses(conn) == ["published", "running"]
    assert len(loose_tables(conn)) == 1
    publish(conn, 0.75)
    assert statuses(conn) == ["superseded", "failed", "published"]
    assert loose_tables(conn) == []


def test_a_run_may_fill_several_tables(conn):
    tables = [TABLE, "deal_value_predictions"]
    values = rows().drop_columns("win_probability")
    for name in ("value_amount", "value_p10_amount", "value_p90_amount"):
        values = values.append_column(name, pa.array([1.0, 2.0]))
    with publish_run(conn, "both", AS_OF, tables) as run:
        run.write(rows(), TABLE)
        run.write(values, "deal_value_predictions")
        with pytest.raises(ValueError, match="name one of the run's tables"):
            run.write(rows())
        with pytest.raises(ValueError, match="is not a table of this run"):
            run.write(rows(), "models")
    assert run.row_count == 4
    assert published(conn).num_rows == 2


@pytest.mark.parametrize("target", ["x'; drop table scoring.runs; --", '"', "%s", "deal_win"])
def test_target_names_are_values(conn, target):
    with publish_run(conn, target, AS_OF, [TABLE]) as run:
        run.write(rows())
    assert conn.execute("select target from scoring.published_runs").fetchall() == [(target,)]


def test_a_table_name_cannot_leave_its_quotes(conn):
    with (
        pytest.raises(psycopg.errors.UndefinedTable),
        publish_run(conn, "t", AS_OF, ['x" (like scoring.models); drop table scoring.runs; --']),
    ):
        pass
    conn.rollback()
    assert statuses(conn) == []


def test_an_open_transaction_is_refused(conn):
    conn.execute("select 1")
    with pytest.raises(ValueError, match="without an open transaction"):
        publish(conn)
