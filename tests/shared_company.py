"""The simulated company, run once although every worker of the tests has a server of its own."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from filelock import FileLock
from parsed_project import METRICS
from psycopg import sql

from revlayer.config import Settings
from revlayer.database import connection_url, deploy
from revlayer.database.embedded import EmbeddedServer


def run_once(folder: Path, run: Callable[[], Any], copy: Callable[[Path], Any]) -> Any:
    """Return the database that ``run`` makes; the first worker keeps a dump of it, which the others ``copy``.

    What dbt left for MetricFlow goes with it.

    Args:
        folder: one that all workers see.
    """
    dump, part, metrics = folder / "company.dump", folder / "company.part", folder / METRICS
    with FileLock(folder / "company.lock"):
        if dump.exists():
            copied = copy(dump)
            target = copied.settings.dbt_target_directory
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(metrics, target / METRICS)
            return copied
        made = run()
        shutil.copy(made.settings.dbt_target_directory / METRICS, metrics)
        _program("pg_dump", "--format=directory", "--compress=0", f"--file={part}", f"--dbname={made.url}")
        part.rename(dump)
        return made


def restore(dump: Path, server_url: str, name: str, settings: Settings) -> None:
    """Make the database ``name``, which the settings point to, from the dump, on a server that knows the same roles."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    _program("pg_restore", "--exit-on-error", "--jobs=2", f"--dbname={connection_url(settings)}", str(dump))
    deploy(settings)  # grants on the database itself are not in the dump
    with psycopg.connect(connection_url(settings), autocommit=True) as conn:
        conn.execute("analyze")


def _program(name: str, *arguments: str) -> None:
    subprocess.run([EmbeddedServer(Path("unused")).binaries / name, *arguments], check=True)
