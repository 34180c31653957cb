"""What is missing or stale, and what to do about it."""

import ctypes
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import psycopg

from revlayer.config import Settings
from revlayer.database import connect
from revlayer.database.deploy import pending_migrations
from revlayer.errors import RevlayerError
from revlayer_udf import queries

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One finding: ``what_to_do`` is empty when all is well."""

    name: str
    status: Status
    detail: str
    what_to_do: str = ""


def examine(settings: Settings) -> list[Check]:
    """Check this machine, then the database, then what was built in it."""
    checks = [_python(), _openmp(), _extras(), _disk(settings)]
    try:
        conn = connect(settings)
    except RevlayerError as error:
        return [*checks, Check("database", "fail", error.message, error.hint or "")]
    with conn:
        checks.extend(_database(conn, settings))
        if not any(check.status == "fail" for check in checks):
            checks.extend(_health(conn))
    return checks


def _python() -> Check:
    found = sys.version.split()[0]
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", "ok" if good else "warn", found, "" if good else "Use Python 3.11 to 3.13.")


def _openmp() -> Check:
    if sys.platform != "linux":
        return Check("libgomp", "ok", "not needed here")
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        return Check("libgomp", "fail", "LightGBM cannot load", "Run: apt-get install libgomp1")
    return Check("libgomp", "ok", "found")


def _extras() -> Check:
    wanted = {"dbt": "dbt", "lightgbm": "training", "sklearn": "training", "statsmodels": "training"}
    missing = {extra for module, extra in wanted.items() if importlib.util.find_spec(module) is None}
    if missing:
        extras = ",".join(sorted(missing))
        return Check("packages", "fail", f"missing: {extras}", f"Run: pip install 'revlayer[{extras}]'")
    return Check("packages", "ok", "dbt and training are installed")


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.project_directory).free / 2**30
    status: Status = "ok" if free > 5 else "warn"
    return Check("disk", status, f"{free:,.0f} GiB free", "" if free > 5 else "A million deals need about 10 GiB.")


def _database(conn: psycopg.Connection, settings: Settings) -> Iterator[Check]:
    version = conn.info.server_version
    yield Check("database", "ok", f"PostgreSQL {version // 10000}.{version % 10000} at {conn.info.host}")
    pending = pending_migrations(conn, settings)
    if pending:
        yield Check("migrations", "fail", f"{len(pending)} not applied: {pending[0]} …", "Run: revlayer migrate")
    else:
        yield Check("migrations", "ok", "all applied")
    yield _plpython(conn)


def _plpython(conn: psycopg.Connection) -> Check:
    """For information: nothing needs PL/Python, and most services have none."""
    from revlayer_udf.plpython import server

    reason = server.unavailable(conn)
    if reason is None:
        return Check("PL/Python", "ok", "here: revlayer models install takes --engine plpython")
    return Check("PL/Python", "ok", f"not usable here: {reason}. Compiled SQL (--engine sql) needs none")


def _health(conn: psycopg.Connection) -> Iterator[Check]:
    """Read the view that BI tools read too; before the first run there are no marts behind it."""
    try:
        rows = conn.execute(queries.load("revlayer", "doctor.sql")["health"]).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        conn.rollback()
        yield Check("marts", "fail", "not built yet, or by an older version", "Run: revlayer run")
        return
    for name, status, detail, what_to_do in rows:
        yield Check(name, status, detail, what_to_do or "")


def worst(checks: list[Check]) -> Status:
    """The gravest status among the checks."""
    order: dict[Status, int] = {"ok": 0, "warn": 1, "fail": 2}
    gravity: Callable[[Status], int] = order.__getitem__
    return max((check.status for check in checks), key=gravity)
