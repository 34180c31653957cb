"""What a server must have for functions in PL/Python, and who may make them there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from revlayer_udf import queries
from revlayer_udf.errors import PlpythonError

_SQL = queries.load("revlayer_udf", "plpython/server.sql")
INSTEAD = "Or install compiled SQL, which needs no extension: revlayer models install --engine sql"


@dataclass(frozen=True)
class Language:
    """State of plpython3u in a database, seen by a connection.

    Attributes:
        is_available: the server has its files.
        is_created: the database has the extension.
        is_allowed: an administrator marked the language trusted, and this role may use it.
        is_superuser: the current role may create functions in any language.
        may_become_superuser: the login user may, after ``reset role``.
        role_name: the current role.
        set_role: what ``set role`` was given, or none.
        version: major version of the server.
    """

    is_available: bool
    is_created: bool
    is_allowed: bool
    is_superuser: bool
    may_become_superuser: bool
    role_name: str
    set_role: str
    version: int


def unavailable(conn: psycopg.Connection) -> str | None:
    """Return why functions in PL/Python cannot be made over this connection; None where they can. Changes nothing."""
    try:
        with conn.transaction(force_rollback=True), administrator(conn):
            pass
    except PlpythonError as error:
        return error.message
    return None


@contextmanager
def administrator(conn: psycopg.Connection) -> Iterator[Language]:
    """Act as a role that may create functions in PL/Python, and then again as the role before.

    Runs in the caller's transaction, which must be open: after an error its rollback restores the role too.

    Yields:
        The state before.

    Raises:
        PlpythonError: the server has no PL/Python, the role may not create functions in it, or its Python does not
            find revlayer_udf.
    """
    found = read_language(conn)
    _require(found)
    becomes = not found.is_superuser and found.may_become_superuser
    if becomes:
        conn.execute("set local role none")
    if not found.is_created:
        conn.execute("create extension plpython3u")
    _probe(conn)
    yield found
    if becomes:
        conn.execute(sql.SQL("set local role {}").format(sql.Identifier(found.set_role)))


def read_language(conn: psycopg.Connection) -> Language:
    """Return the state of plpython3u."""
    with conn.cursor(row_factory=class_row(Language)) as cursor:
        found = cursor.execute(_SQL["language"]).fetchone()
    assert found is not None  # the query has one row always
    return found


def _require(found: Language) -> None:
    may = found.is_superuser or found.may_become_superuser
    if not found.is_available and not found.is_created:
        raise PlpythonError(
            "this server has no PL/Python (extension plpython3u)",
            f"On Debian and Ubuntu: apt-get install postgresql-plpython3-{found.version}. {INSTEAD}",
        )
    if not found.is_created and not may:
        raise PlpythonError(
            "this database has no PL/Python, and only a superuser may add it",
            f"As a superuser run in this database: create extension plpython3u. {INSTEAD}",
        )
    if not may and not found.is_allowed:
        raise PlpythonError(
            f"{found.role_name} may not create functions in PL/Python: it is untrusted, so only a superuser may",
            f"Connect as a superuser (REVLAYER_DATABASE_URL) for this one command. {INSTEAD}",
        )


def _probe(conn: psycopg.Connection) -> None:
    """Import the package as a function's body does."""
    try:
        with conn.transaction():
            conn.execute(_SQL["create_probe"])
            conn.execute(_SQL["probe"])
            conn.execute(_SQL["drop_probe"])
    except psycopg.errors.ExternalRoutineException as error:
        raise PlpythonError(
            f"the Python of the server cannot import revlayer_udf: {error.diag.message_primary}",
            "Install revlayer where that Python looks, or set PYTHONPATH for the server and restart it: see "
            f"docs/deployment.md. {INSTEAD}",
        ) from None
