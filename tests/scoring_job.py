"""The scoring job as tests call it: with a second connection made like the first."""

from typing import Any

import psycopg
from psycopg import sql

from revlayer_udf import jobs


def sibling(conn: psycopg.Connection) -> psycopg.Connection:
    """Open a connection to the same database in the same role."""
    [role] = conn.execute("select current_user").fetchone() or ["none"]
    conn.commit()
    made = psycopg.connect(conn.info.dsn, password=conn.info.password)
    made.execute(sql.SQL("set role {}").format(sql.Identifier(str(role))))
    made.commit()
    return made


def score_targets(conn: psycopg.Connection, *arguments: Any, **options: Any) -> list[jobs.RunSummary]:
    """Do what ``jobs.score_targets`` does, reading over a connection of its own."""
    with sibling(conn) as read_conn:
        return jobs.score_targets(conn, *arguments, read_conn=read_conn, **options)
