"""Bring a database to this version: roles, migrations, functions, privileges. Safe to repeat."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from revlayer.config import ROLES, Settings
from revlayer.database.connection import connect
from revlayer.errors import RevlayerError
from revlayer_udf import queries

# Deploys of one database queue behind each other on this advisory lock.
DEPLOY_LOCK = 7_281_001


@dataclass
class DeploySummary:
    """What a deploy did."""

    migrations_applied: list[str] = field(default_factory=list)
    migrations_known: int = 0
    functions: int = 0


def deploy(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> DeploySummary:
    """Create roles, apply new migrations, re-create functions, grant privileges.

    Raises:
        RevlayerError: an applied migration was edited, or the login user may not create roles.
    """
    statements = queries.load("revlayer", "database/deploy.sql")
    summary = DeploySummary()
    with connect(settings, autocommit=True) as conn:
        conn.execute(statements["lock"], [DEPLOY_LOCK])
        progress("roles")
        _create_roles(conn, settings, statements)
        _run_file(conn, settings, settings.project_directory / "sql/roles/0001__schemas.sql")
        conn.execute(sql.SQL("set role {}").format(sql.Identifier(settings.role("owner"))))
        _migrate(conn, settings.project_directory, statements, summary, progress)
        progress("functions")
        summary.functions = _create_functions(conn, settings.project_directory)
        conn.execute("reset role")
        progress("privileges")
        _run_file(conn, settings, settings.project_directory / "sql/roles/0002__privileges.sql")
    return summary


def pending_migrations(conn: psycopg.Connection, settings: Settings) -> list[str]:
    """Names of migrations this database has not had yet; all of them in an empty database."""
    statements = queries.load("revlayer", "database/deploy.sql")
    names = [path.name for path in _migration_files(settings.project_directory)]
    row = conn.execute(statements["has_history"]).fetchone()
    if row is None or not row[0]:
        return names
    applied = {name for (name,) in conn.execute(statements["applied_names"]).fetchall()}
    return [name for name in names if name not in applied]


def _create_roles(conn: psycopg.Connection, settings: Settings, statements: dict[str, str]) -> None:
    try:
        for name in ROLES:
            role = sql.Identifier(settings.role(name))
            if conn.execute(statements["role_exists"], [settings.role(name)]).fetchone() is None:
                conn.execute(sql.SQL("create role {} nologin").format(role))
            conn.execute(sql.SQL("grant {} to current_user").format(role))
    except psycopg.errors.InsufficientPrivilege as error:
        raise RevlayerError(
            f"the login user may not create the roles: {error}".rstrip(),
            "Run revlayer migrate once as a user with CREATEROLE, or have the roles created and granted.",
        ) from None


def _migration_files(project: Path) -> list[Path]:
    return sorted((project / "sql" / "migrations").glob("[0-9]*.sql"))


def _migrate(
    conn: psycopg.Connection,
    project: Path,
    statements: dict[str, str],
    summary: DeploySummary,
    progress: Callable[[str], None],
) -> None:
    conn.execute(statements["create_history"])
    applied: dict[str, str] = dict(conn.execute(statements["applied"]).fetchall())
    for path in _migration_files(project):
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if path.name in applied:
            if applied[path.name] != digest:
                raise RevlayerError(
                    f"{path.name} was edited after it was applied to this database",
                    "Restore the file and put the change into a new migration.",
                )
            summary.migrations_known += 1
            continue
        progress(path.name)
        with conn.transaction():
            conn.execute(text.encode())
            conn.execute(statements["record"], [path.name, digest])
        summary.migrations_applied.append(path.name)


def _create_functions(conn: psycopg.Connection, project: Path) -> int:
    files = sorted((project / "sql" / "functions").rglob("*.sql"))
    with conn.transaction():
        # The relations that bodies name are made by dbt, later.
        conn.execute("set local check_function_bodies = off")
        for path in files:
            conn.execute(path.read_text(encoding="utf-8").encode())
    return len(files)


def _run_file(conn: psycopg.Connection, settings: Settings, path: Path) -> None:
    """Run a file whose ``{owner}`` … stand for the roles, and ``{database}`` for the database."""
    names = {name: sql.Identifier(settings.role(name)) for name in ROLES}
    names["database"] = sql.Identifier(conn.info.dbname)
    # The text is a file of this project, not input; psycopg's type wants a literal.
    template = sql.SQL(path.read_text(encoding="utf-8"))
    with conn.transaction():
        conn.execute(template.format(**names))
