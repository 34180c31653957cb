"""Scores deal_win and dies of SIGKILL at a stage: ``killed_run.py URL AS_OF_DATE``, stages by line on standard input.

A child dies at each stage, so that the libraries are loaded once; its exit code goes to standard output. At stages
after publishing it keeps no run but the published one, so that there is something to drop.
"""

import os
import signal
import sys
from datetime import date

import psycopg

from revlayer_udf import copying, jobs, streaming

# The statement before which, or after which, the process dies.
BEFORE = {"written": "analyze", "published": "pg_advisory_unlock"}
AFTER = {
    "started": "create table",
    "copied": "p.features_hash",
    "described": "moments",
    "dropped": "drop table",
    "attached": "attach partition",
    "superseded": "status = 'superseded'",
    "uncommitted": "status = 'published', row_count",
}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class DyingCursor(psycopg.Cursor):
    stage = ""

    def execute(self, query, params=None, **options):
        text = query if isinstance(query, str) else query.as_string(self)
        stage = self.stage
        if stage in BEFORE and text.lstrip().removeprefix("select ").startswith(BEFORE[stage]):
            die()
        result = super().execute(query, params, **options)
        if stage in AFTER and AFTER[stage] in text:
            die()
        return result


class DyingWriter(copying.RowWriter):
    def write(self, rows):
        super().write(rows)
        die()


def half_of(conn, selection, block_rows):
    for number, block in enumerate(copying.read_blocks(conn, selection, 10)):
        if number == 5:
            die()
        yield block


def run_until(url, as_of, stage):
    DyingCursor.stage = stage
    conn = psycopg.connect(url)
    conn.execute("set role revlayer_scorer")
    conn.commit()
    conn.cursor_factory = DyingCursor
    read_conn = psycopg.connect(url)
    read_conn.execute("set role revlayer_scorer")
    read_conn.commit()
    if stage == "reading":
        streaming.read_blocks = half_of
    if stage == "writing":
        streaming.RowWriter = DyingWriter
    progress = (lambda *_: die()) if stage == "scoring" else (lambda *_: None)
    jobs.score_targets(
        conn, date.fromisoformat(as_of), ["deal_win"], progress, read_conn=read_conn,
        changed_only=stage == "copied", keep=0 if stage == "dropped" else 5,
    )  # fmt: skip


def main():
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_until(*sys.argv[1:], line.strip())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
