"""Scores deal_win and kills itself with SIGKILL at a stage: ``killed_run.py URL STAGE AS_OF_DATE``.

At stages after publishing it keeps no run but the published one, so that there is something to drop.
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
    def execute(self, query, params=None, **options):
        text = query if isinstance(query, str) else query.as_string(self)
        stage = sys.argv[2]
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


def main():
    url, stage, as_of = sys.argv[1:]
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


if __name__ == "__main__":
    main()
