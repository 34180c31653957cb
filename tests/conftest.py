"""One PostgreSQL for the whole test session; each test that wants one gets a database of its own."""

import os
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import parsed_project
import psycopg
import pytest
import shared_company
from discarded import discard
from plpython_server import NoPlpython, plpython_server
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from revlayer import dbt, demo
from revlayer.config import Settings
from revlayer.database import connect, connection_url, deploy
from revlayer.database.embedded import EmbeddedServer

# make test tries a part of the random histories, make verify all of them.
hypothesis.settings.register_profile("quick", max_examples=10, deadline=None)
hypothesis.settings.register_profile("whole", max_examples=500, deadline=None)
hypothesis.settings.load_profile("quick")

# Workers that run tests at once (pytest -n) each have a server, and a folder for dbt, of their own.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["REVLAYER_DBT_TARGET"] = f"target/{worker}"

dbt.run = parsed_project.run

TEMPLATE = "revlayer_test_template"
GRANTS = "grant create, temporary on database {} to {}"
# Files that take a minute and more, besides those of the company.
LONGEST = (
    "test_mrr_incremental.py", "test_replay.py", "test_crm_import_run.py", "test_marts_by_hand.py", "test_features.py",
    "test_replay_customers.py", "test_replay_installs.py", "test_closings.py", "test_health.py", "test_live_view.py",
)  # fmt: skip
EMPTY = {"as_of_date": "2025-06-30", "history_months": 3, "calendar_start_on": "2020-01-01"}
COMPANY = demo.Company(deals=1500, seed=7, months=36)


@dataclass(frozen=True)
class Database:
    """A migrated database of its own."""

    settings: Settings

    @property
    def url(self) -> str:
        return connection_url(self.settings)

    def connect(self, role: str | None = None, *, autocommit: bool = False) -> psycopg.Connection:
        return connect(self.settings, role, autocommit=autocommit)


@pytest.fixture(scope="session", autouse=True)
def parsed_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Name the folder that workers keep dbt's reading of the project in."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "parsed"
    folder.mkdir(exist_ok=True)
    os.environ[parsed_project.SHARED] = str(folder)


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Administrator's connection string: REVLAYER_TEST_DATABASE_URL, or an embedded server of the session."""
    given = os.environ.get("REVLAYER_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedServer(tmp_path_factory.mktemp("server"), durable=False)
    server.start()
    yield server.url()
    discard(server)


def _settings(server_url: str, name: str) -> Settings:
    url = make_conninfo(**{**conninfo_to_dict(server_url), "dbname": name})
    parts = conninfo_to_dict(url)
    text = f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    return Settings(database_url=SecretStr(text))


@contextmanager
def _databases(server_url: str, *, drop: bool) -> Iterator[Callable[..., Database]]:
    """Give a function that makes a fresh, migrated database, or a copy of one.

    Args:
        drop: the server outlives the session, so the databases are dropped afterwards.
    """
    made: list[str] = []

    def create(name: str, template: str) -> None:
        with psycopg.connect(server_url, autocommit=True) as conn:
            statement = "create database {} template {}"
            conn.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
            if made:  # a copy, to which all goes over but grants on the database itself
                conn.execute(sql.SQL(GRANTS).format(sql.Identifier(name), sql.Identifier(Settings().role("owner"))))
        made.append(name)

    template = f"{TEMPLATE}_{uuid.uuid4().hex[:8]}"
    create(template, "template0")
    deploy(_settings(server_url, template))

    def make(label: str = "test", source: Database | None = None) -> Database:
        name = f"{label}_{uuid.uuid4().hex[:8]}"
        origin = template if source is None else conninfo_to_dict(source.url)["dbname"]
        create(name, str(origin))
        return Database(_settings(server_url, name))

    yield make
    if not drop:
        return
    with psycopg.connect(server_url, autocommit=True) as conn:
        for name in made:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def make_database(server_url: str) -> Iterator[Callable[..., Database]]:
    """Return a function that makes a fresh, migrated database, or a copy of one; none outlives the session."""
    with _databases(server_url, drop=bool(os.environ.get("REVLAYER_TEST_DATABASE_URL"))) as make:
        yield make


@pytest.fixture(scope="session")
def make_plpython_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Database]]:
    """Return what ``make_database`` does, on a PostgreSQL with PL/Python; skips with the reason where none is."""
    try:
        with plpython_server(tmp_path_factory.mktemp("plpython")) as url, _databases(url, drop=False) as make:

            def make_with_extension(label: str = "test", source: Database | None = None) -> Database:
                database = make(label, source)
                with database.connect() as conn:
                    conn.execute("create extension if not exists plpython3u")
                return database

            yield make_with_extension
    except NoPlpython as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def plpython_database(make_plpython_database: Callable[..., Database]) -> Database:
    """A migrated, empty database with PL/Python, one for the whole session: undo what you write."""
    return make_plpython_database("plpython")


@pytest.fixture(scope="session")
def built(make_database: Callable[..., Database], tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Every model and seed over empty raw tables. Copy it (``make_database(label, built)``), do not write."""
    made, target = make_database("built"), tmp_path_factory.mktemp("built")
    dbt.run(made.settings, ["build", *parsed_project.WITHOUT_TESTS], EMPTY, target_path=target)
    return made


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    """A migrated, empty database for one test."""
    return make_database("test")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the public data sets; the test skips where REVLAYER_TEST_DATA is unset."""
    folder = os.environ.get("REVLAYER_TEST_DATA")
    if not folder:
        pytest.skip("REVLAYER_TEST_DATA is unset: it names the folder of public data sets to test on")
    return Path(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that no worker ends with one, and what may wait for the company last.

    One worker runs the company while the others run what needs none.
    """
    waiting = {item.path for item in items if "company" in getattr(item, "fixturenames", ())}
    runs = next((item.path for item in items if item.path.name == "test_run.py"), None)

    def place(item: pytest.Item) -> tuple[int, int]:
        name = item.path.name
        long = LONGEST.index(name) if name in LONGEST else len(LONGEST)
        return (0 if item.path == runs else 1 + (item.path in waiting), long)

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where skips are forbidden (in CI, which brings all that optional tests need), a skip is a failure."""
    report = yield
    if os.environ.get("REVLAYER_FORBID_SKIPS") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped although nothing may skip here: {report.longrepr}"
    return report


@pytest.fixture(scope="module")
def models_only() -> Iterator[None]:
    """dbt builds without its tests: for modules that build copies of a company over and over."""
    with parsed_project.models_only():
        yield


@pytest.fixture(scope="session")
def company(
    make_database: Callable[..., Database], server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Database:
    """A small simulated company, run whole: simulated, built, trained, scored, published. Read it, do not write."""

    def run() -> Database:
        made = make_database("company")
        demo.demonstrate(made.settings, COMPANY, progress=lambda what, done, total: None, report=lambda step: None)
        return made

    def copy(dump: Path) -> Database:
        name = f"company_{uuid.uuid4().hex[:8]}"
        settings = _settings(server_url, name)
        shared_company.restore(dump, server_url, name, settings)
        return Database(settings)

    if "PYTEST_XDIST_WORKER" not in os.environ or "REVLAYER_TEST_DATABASE_URL" in os.environ:
        return run()
    return shared_company.run_once(tmp_path_factory.getbasetemp().parent, run, copy)
