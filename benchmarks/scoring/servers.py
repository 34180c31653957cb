"""The servers that are measured on: the embedded one, and one of the system's with PL/Python where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from benchmarks.scoring import data, models
from benchmarks.scoring.parts.base import Unavailable
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer
from revlayer_udf import registry
from tests.plpython_server import NoPlpython, plpython_server


@dataclass(frozen=True)
class Database:
    """One database with the rows of one size."""

    url: str
    rows: int

    @property
    def settings(self) -> Settings:
        return Settings(database_url=SecretStr(self.url))


@contextmanager
def main_server(workspace: Path) -> Iterator[str]:
    """Start the embedded server; its data stay until ``remove``, so that an interrupted run goes on."""
    workspace.mkdir(parents=True, exist_ok=True)
    workspace.chmod(0o755)  # the service user of the server passes through it
    server = EmbeddedServer(workspace / "server")
    server.start()
    try:
        yield server.url()
    finally:
        server.stop()


def remove(workspace: Path) -> None:
    """Delete the embedded server and its data."""
    EmbeddedServer(workspace / "server").remove()


@contextmanager
def python_server(workspace: Path) -> Iterator[str]:
    """Run a server with PL/Python; nothing of it stays.

    Raises:
        Unavailable: there is none.
    """
    try:
        with plpython_server(workspace / "plpython") as url:
            yield url
    except NoPlpython as reason:
        raise Unavailable(str(reason)) from None


def database(admin_url: str, rows: int, folder: Path, names: list[str]) -> Database:
    """Return a migrated database with the feature table and the models registered; made where it is missing.

    Args:
        folder: the fitted models are kept there, from the first database that is made.
    """
    name = f"bench_{rows}"
    with psycopg.connect(admin_url, autocommit=True) as conn:
        if conn.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
            conn.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    parts = conninfo_to_dict(admin_url)
    url = f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    made = Database(url, rows)
    deploy(made.settings)
    with connect(made.settings, autocommit=True) as conn:
        data.fill(conn, rows, made.settings.role("scorer"))
        models.make(conn, folder, names)
    with connect(made.settings, "scorer") as conn:
        for each in names:
            model = models.load(folder, each)
            registry.register(conn, model.artefact, model.manifest)
    return made


def allow_plpython(made: Database) -> None:
    """Create the extension."""
    with connect(made.settings, autocommit=True) as conn:
        conn.execute("create extension if not exists plpython3u")


def drop(admin_url: str, rows: int) -> None:
    """Drop the database of a size."""
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(f"bench_{rows}")))


def server_version(admin_url: str) -> str:
    """Return ``PostgreSQL 18.4``."""
    with psycopg.connect(admin_url) as conn:
        return f"PostgreSQL {conn.execute('show server_version').fetchone()[0].split()[0]}"  # type: ignore[index]
