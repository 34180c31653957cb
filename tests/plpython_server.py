"""A PostgreSQL of the system, with PL/Python that imports this project, in a folder of its own.

PL/Python loads the Python that the distribution built it with, so the packages of this environment load there only
when both are the same minor version.
"""

import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import psycopg
from packaging.requirements import Requirement

from revlayer.database.embedded import EmbeddedServer
from revlayer.database.service_user import ServiceUser

INSTALLED = Path("/usr/lib/postgresql")
SOURCE = Path(__file__).resolve().parents[1] / "udf"
PYTHON_VERSION = "create function pg_temp.python() returns text language plpython3u as 'import sys; return sys.version'"


class NoPlpython(Exception):  # noqa: N818
    """Why there is no such server here."""


def find_binaries() -> Path:
    """Return the folder of initdb and pg_ctl of the newest PostgreSQL that has PL/Python.

    Raises:
        NoPlpython: none is installed.
    """
    folders = [path.parents[1] / "bin" for path in INSTALLED.glob("*/lib/plpython3.so")]
    found = [folder for folder in folders if (folder / "initdb").exists() and folder.parent.name.isdigit()]
    if not found:
        raise NoPlpython(
            f"no PostgreSQL with PL/Python in {INSTALLED}; on Debian: apt-get install postgresql-15 "
            "postgresql-plpython3-15"
        )
    return max(found, key=lambda folder: int(folder.parent.name))


@contextmanager
def plpython_server(home: Path) -> Iterator[str]:
    """Run such a server and give its administrator's connection string; nothing of it stays.

    Raises:
        NoPlpython: none is installed, or it has another Python.
    """
    binaries = find_binaries()
    with tempfile.TemporaryDirectory(prefix="revlayer-python-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(home, durable=False, installation=binaries, python_path=_python_path(Path(folder)))
        try:
            server.start()
            _check_python(server.url())
            yield server.url()
        finally:
            server.remove()


def _check_python(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("create extension plpython3u")
        conn.execute(PYTHON_VERSION)
        row = conn.execute("select pg_temp.python()").fetchone()
        conn.rollback()
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    if row is None or not row[0].startswith(f"{wanted}."):
        raise NoPlpython(f"PL/Python runs {row and row[0].split()[0]}, the packages here are for Python {wanted}")


def _python_path(copies: Path) -> str:
    """Folders of this project's online side and of what it needs, copied when the service user cannot reach them."""
    user = ServiceUser.choose()
    packages = Path(sysconfig.get_path("platlib"))
    if user.can_reach(SOURCE) and user.can_reach(packages):
        return f"{SOURCE}:{packages}"
    shutil.copytree(SOURCE, copies, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in sorted(_top_levels("revlayer")):
        if (packages / name).is_dir():
            shutil.copytree(packages / name, copies / name, dirs_exist_ok=True)
        elif (packages / name).is_file():
            shutil.copy2(packages / name, copies / name)
    return str(copies)


def _top_levels(distribution: str) -> set[str]:
    """Top-level files and folders in site-packages of what a distribution needs, without its extras."""
    waiting, known, names = [distribution], set(), set()
    while waiting:
        found = metadata.distribution(waiting.pop())
        if found.name in known:
            continue
        known.add(found.name)
        if found.name != distribution:
            names |= {path.parts[0] for path in found.files or () if path.parts[0] != ".."}
        for text in found.requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return names
