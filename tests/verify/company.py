"""Simulated companies for the acceptance checks: a database each, features built, models trained."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from revlayer import dbt, demo, pipeline
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


class Server(Protocol):
    """Where databases are made."""

    def url(self) -> str:
        """Return the administrator's connection string."""
        ...


@contextmanager
def database(server: Server) -> Iterator[Settings]:
    """A migrated database of its own, dropped at the end."""
    name = f"verify_{uuid.uuid4().hex[:8]}"
    parts = {**conninfo_to_dict(server.url()), "dbname": name}
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        try:
            settings = Settings(database_url=SecretStr(make_conninfo("", **parts)))
            deploy(settings)
            yield settings
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def trained_company(server: EmbeddedServer, company: demo.Company) -> Iterator[Settings]:
    """Simulate, build the features and train every target; as the run does, without dbt's own tests."""
    with database(server) as settings:
        demo.simulate_company(settings, company, silent)
        build_features(settings, company.end_on)
        pipeline.train_missing(settings, company.end_on, retrain=True, max_rows=None, progress=silent)
        yield settings


def build_features(settings: Settings, as_of: date) -> None:
    """Run the feature models."""
    dbt.run(settings, ["run", "--selector", "features"], {"as_of_date": as_of.isoformat()})


def champion_version(settings: Settings, target: str) -> str:
    """Version of the model that serves."""
    with connect(settings, "scorer") as conn:
        row = conn.execute(
            "select model_version from scoring.models where target = %s and status = 'champion'", [target]
        ).fetchone()
    assert row is not None, f"no model serves {target}"
    version: str = row[0]
    return version
