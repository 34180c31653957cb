"""Whatever breaks or changes under a scoring job, what is published stays whole."""

import os
import shutil
import subprocess
import threading
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import psycopg
import pytest
from scoring_job import score_targets

from revlayer_udf import changed, frames, jobs
from revlayer_udf.errors import Busy

AS_OF = date(2025, 6, 30)
WIN = ["deal_win"]
ROWS = 30_000
PUBLISHED = """
select p.deal_id, p.win_probability, p.run_id from scoring.deal_win_predictions as p
inner join scoring.published_runs as r on p.run_id = r.run_id
order by p.deal_id
"""
MANY = """
insert into features.ftr_deals (deal_id, as_of_date, amount, lead_score, stage_name)
select 'deal ' || lpad(g::text, 8, '0'), '2025-06-30', g % 1000, g % 100, case when g % 2 = 0 then 'proposal' end
from generate_series(1, {}) as g
"""
LOOSE = """
select count(*) from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = 'scoring' and c.relname like '%\\_\\_run\\_%' and not c.relispartition
"""


@pytest.fixture
def world(scored_database):
    """A writer, a reader, an administrator who looks on; 30,000 deals, and 100 of them published."""
    with ExitStack() as stack:
        conn, reader = (stack.enter_context(scored_database.connect("scorer")) for _ in range(2))
        administrator = stack.enter_context(scored_database.connect(autocommit=True))
        jobs.score_targets(conn, AS_OF, WIN, read_conn=reader)
        add_deals(scored_database, ROWS)
        yield conn, reader, administrator


def add_deals(database, count):
    with database.connect("transformer") as transformer:
        transformer.execute(MANY.format(count))


def published(administrator):
    return administrator.execute(PUBLISHED).fetchall()


def statuses(administrator):
    return [row[0] for row in administrator.execute("select status from scoring.runs order by run_id")]


def assert_next_run_publishes(database, administrator):
    with database.connect("scorer") as conn:
        [summary] = score_targets(conn, AS_OF, WIN)
    assert summary.row_count == len(published(administrator)) > 100
    assert {row[2] for row in published(administrator)} == {summary.run_id}
    assert administrator.execute(LOOSE).fetchone() == (0,)
    assert "running" not in statuses(administrator)


def when(at, act):
    """A progress callback that acts once, in the middle of the rows."""
    seen = []

    def progress(what, done, total):
        if done > at and not seen:
            seen.append(done)
            act()

    return progress


def limit_files(pid, size):
    """Let a server process write no file beyond a size: to it, the disk is full there."""
    process, command = Path(f"/proc/{pid}"), shutil.which("prlimit")
    if command is None or not process.exists() or os.getuid() not in (0, process.stat().st_uid):
        pytest.skip("the server's processes are not on this machine, or not this user's: no disk to fill")
    owner = process.stat()
    identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run([command, "--pid", str(pid), f"--fsize={size}:"], **identity, check=True)


@pytest.mark.parametrize(("which", "left"), [("writer", "running"), ("reader", "failed")])
def test_a_lost_connection(scored_database, world, which, left):
    conn, reader, administrator = world
    before = published(administrator)
    pid = (conn if which == "writer" else reader).info.backend_pid

    def cut():
        administrator.execute("select pg_terminate_backend(%s, 5000)", [pid])

    with pytest.raises(psycopg.OperationalError):
        jobs.score_targets(conn, AS_OF, WIN, when(100, cut), read_conn=reader)
    assert published(administrator) == before and len(before) == 100
    assert statuses(administrator) == ["published", left]
    assert_next_run_publishes(scored_database, administrator)


def test_a_full_disk(scored_database, world):
    conn, reader, administrator = world
    add_deals(scored_database, 250_000)
    before = published(administrator)
    # More than a segment of the log, which must not fail; less than the predictions.
    limit_files(conn.info.backend_pid, 17 * 2**20)
    with pytest.raises(psycopg.Error, match=r"could not extend|could not write"):
        jobs.score_targets(conn, AS_OF, WIN, read_conn=reader)
    limit_files(conn.info.backend_pid, "unlimited")
    assert published(administrator) == before
    assert statuses(administrator) == ["published", "failed"]
    assert administrator.execute(LOOSE).fetchone() == (0,)
    assert_next_run_publishes(scored_database, administrator)


def test_a_full_disk_where_the_reader_sorts(scored_database, world):
    """The reader's temporary files are limited: its query fails, and with it the run."""
    conn, _, administrator = world
    administrator.execute("alter table features.ftr_deals rename to unsorted")
    administrator.execute(
        "create view features.ftr_deals as"
        " select u.* from features.unsorted as u cross join (select array_agg(n order by random()) as every"
        " from generate_series(1, 400000) as n) as s where s.every is not null"
    )
    administrator.execute("grant select on features.ftr_deals to revlayer_scorer")
    before = published(administrator)
    with psycopg.connect(scored_database.url, autocommit=True) as limited:
        limited.execute("set temp_file_limit = '64kB'")
        limited.execute("set work_mem = '64kB'")
        limited.execute("set role revlayer_scorer")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            jobs.score_targets(conn, AS_OF, WIN, read_conn=limited)
    assert published(administrator) == before
    assert_next_run_publishes(scored_database, administrator)


def test_a_second_job_waits_or_leaves(scored_database, world):
    conn, reader, administrator = world
    found = []

    def second():
        with scored_database.connect("scorer") as other:
            try:
                score_targets(other, AS_OF, WIN, wait=False)
            except Busy as error:
                found.append(error)
            waiting.start()

    def queue():
        with scored_database.connect("scorer") as other:
            found.extend(score_targets(other, AS_OF, WIN))

    waiting = threading.Thread(target=queue)
    [summary] = jobs.score_targets(conn, AS_OF, WIN, when(100, second), read_conn=reader)
    waiting.join(timeout=60)
    assert isinstance(found[0], Busy)
    assert found[1].run_id > summary.run_id and found[1].row_count == summary.row_count == ROWS + 100
    assert statuses(administrator) == ["superseded", "superseded", "published"]


@pytest.mark.parametrize("changed_only", [False, True])
def test_features_updated_in_mid_run(scored_database, world, changed_only):
    """The state is that of the beginning, for the rows scored and for those copied."""
    conn, reader, administrator = world
    score_targets(conn, AS_OF, WIN)
    rows = [row[:2] for row in published(administrator)]

    def update():
        administrator.execute("update features.ftr_deals set lead_score = 90 where deal_id >= 'deal 00020000'")
        administrator.execute("delete from features.ftr_deals where deal_id < 'deal 00010000'")

    [summary] = jobs.score_targets(conn, AS_OF, WIN, when(-1, update), read_conn=reader, changed_only=changed_only)
    assert summary.copied_count == (len(rows) if changed_only else 0)
    assert [row[:2] for row in published(administrator)] == rows
    [summary] = jobs.score_targets(conn, AS_OF, WIN, read_conn=reader, changed_only=True)
    assert 9_000 < summary.copied_count < 11_000 and summary.row_count < len(rows) - 9_999


def test_features_about_to_be_replaced_are_not_waited_for(scored_database, world, monkeypatch):
    """Whoever replaces them waits for the reader; copying behind would wait for the run itself, for ever."""
    conn, reader, administrator = world
    monkeypatch.setattr(changed, "LOCK_TIMEOUT", "500ms")
    whole = jobs._copy

    def rebuild():
        with scored_database.connect("transformer") as transformer:
            transformer.execute("alter table features.ftr_deals rename to ftr_deals__old")
            transformer.execute("create table features.ftr_deals as select * from features.ftr_deals__old limit 50")

    def copy(*arguments):
        rebuilding.start()
        waiting = "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'"
        while administrator.execute(waiting).fetchone() == (0,):
            time.sleep(0.02)
        return whole(*arguments)

    rebuilding = threading.Thread(target=rebuild)
    monkeypatch.setattr(jobs, "_copy", copy)
    conn.execute("set statement_timeout = '20s'")
    conn.commit()
    [summary] = jobs.score_targets(conn, AS_OF, WIN, read_conn=reader, changed_only=True)
    rebuilding.join(timeout=30)
    assert (summary.row_count, summary.copied_count) == (ROWS + 100, 0)
    assert len(published(administrator)) == ROWS + 100


def test_features_rebuilt_in_mid_run(scored_database, world):
    """As dbt does: a new table takes the place of the old one, which is dropped."""
    conn, reader, administrator = world

    def rebuild():
        with scored_database.connect("transformer") as transformer:
            transformer.execute("create table features.ftr_deals__new as select * from features.ftr_deals limit 50")
            transformer.execute("alter table features.ftr_deals rename to ftr_deals__old")
            transformer.execute("alter table features.ftr_deals__new rename to ftr_deals")
            transformer.commit()
            transformer.execute("drop table features.ftr_deals__old")

    rebuilding = threading.Thread(target=rebuild)
    [summary] = jobs.score_targets(
        conn, AS_OF, WIN, when(100, lambda: (rebuilding.start(), time.sleep(0.3))), read_conn=reader
    )
    rebuilding.join(timeout=30)
    assert summary.row_count == ROWS + 100 == len(published(administrator))
    [after] = jobs.score_targets(conn, AS_OF, WIN, read_conn=reader)
    assert after.row_count == 50 == frames.read_table(conn, PUBLISHED).num_rows
