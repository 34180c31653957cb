"""Segments, owners, teams and currencies that people name and the data do not know."""

from collections.abc import Sequence

import psycopg
from psycopg.rows import class_row

from revlayer.people.files import Named
from revlayer_udf import queries


def unknown_names(conn: psycopg.Connection, named: Sequence[Named]) -> list[Named] | None:
    """Return those names that the marts do not know, the most frequent first; None where they were never built.

    Args:
        conn: of the role reader.
    """
    statements = queries.load("revlayer", "people/queries.sql")
    if conn.execute(statements["has_known_names"]).fetchone() != (True,):
        return None
    given = {
        "kinds": [one.name_kind for one in named],
        "names": [one.name for one in named],
        "counts": [one.row_count for one in named],
    }
    return conn.cursor(row_factory=class_row(Named)).execute(statements["unknown_names"], given).fetchall()
