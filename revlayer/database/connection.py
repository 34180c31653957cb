"""The one place that opens connections."""

from pathlib import Path

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from revlayer.config import Settings
from revlayer.database.embedded import EmbeddedServer
from revlayer.errors import RevlayerError

OLDEST_SERVER = 140000


def connection_url(settings: Settings) -> str:
    """Return the connection string of the database, starting the embedded server when none is configured."""
    if settings.database_url is not None:
        return _with_password(settings.database_url.get_secret_value(), settings.database_password_file)
    server = EmbeddedServer.of(settings)
    server.start()
    return server.url()


def libpq_environment(url: str) -> dict[str, str]:
    """Return a connection string as the environment variables that libpq programs read.

    Psql and dbt get it this way: no password shows in a list of processes, and nothing of the string is lost.
    """
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    parts = conninfo_to_dict(url)
    return {names[key]: str(value) for key, value in parts.items() if key in names and value is not None}


def connect(settings: Settings, role: str | None = None, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection that works in UTC as one of the application's roles.

    Args:
        role: owner, loader, transformer, scorer, planner or reader; None stays the login user.

    Raises:
        RevlayerError: the server cannot be reached, is too old, or lacks the role.
    """
    conninfo = _with_options(connection_url(settings))
    try:
        conn = psycopg.connect(conninfo, autocommit=autocommit, application_name="revlayer")
    except psycopg.OperationalError as error:
        raise RevlayerError(
            f"cannot connect to the database: {error}".rstrip(),
            "Check REVLAYER_DATABASE_URL, or unset it to use the embedded server.",
        ) from None
    try:
        _check_version(conn)
        if role is not None:
            _become(conn, settings.role(role))
        if not autocommit:
            conn.commit()
    except BaseException:
        conn.close()
        raise
    return conn


def _with_password(url: str, file: Path | None) -> str:
    if file is None:
        return url
    try:
        password = file.read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise RevlayerError(
            f"REVLAYER_DATABASE_PASSWORD_FILE cannot be read: {error}",
            f"Let this user read {file}, or unset the variable.",
        ) from None
    return make_conninfo("", **{**_parts(url), "password": password})


def _parts(url: str) -> dict[str, str]:
    try:
        parts = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    except psycopg.ProgrammingError as error:
        raise RevlayerError(
            f"REVLAYER_DATABASE_URL is not a connection string: {error}".rstrip(),
            "Write postgresql://user:password@host:5432/database.",
        ) from None
    return {name: str(value) for name, value in parts.items() if value is not None}


def _with_options(url: str) -> str:
    parts = _parts(url)
    options = f"{parts.pop('options', '')} -c timezone=UTC".strip()
    return make_conninfo("", **parts, options=options)


def _check_version(conn: psycopg.Connection) -> None:
    if conn.info.server_version < OLDEST_SERVER:
        raise RevlayerError(f"the server is PostgreSQL {conn.info.server_version // 10000}; revlayer needs 14 or later")


def _become(conn: psycopg.Connection, role: str) -> None:
    try:
        conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject):
        raise RevlayerError(f"the role {role} does not exist yet", "Run: revlayer migrate") from None
    except psycopg.errors.InsufficientPrivilege:
        raise RevlayerError(
            f"the login user may not act as {role}",
            f"As an administrator run: grant {role} to the user of REVLAYER_DATABASE_URL",
        ) from None
