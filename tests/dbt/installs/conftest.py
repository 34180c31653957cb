"""The models of installs, compiled once, and a small app to try them on."""

from collections.abc import Callable
from typing import Any

import pytest
from compiled_models import compile_models
from psycopg import sql

AS_OF = "2024-12-31"
NAMES = ("ftr_installs", "lbl_installs", "int_install_rates_missing")
Row = dict[str, Any]


@pytest.fixture(scope="session")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("installs", built), [f"+{name}" for name in NAMES], AS_OF, tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )  # fmt: skip


class App:
    """Raw rows of one source, as little of each as a case needs."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}

    def add(self, table: str, occurred: str | None, key: str | None = None, **columns: object) -> str:
        key = key or f"{table}{len(self.rows.get(table, []))}"
        row = {"source_name": "s", "source_id": key, "occurred_at": occurred, "loaded_at": "2024-12-31T00:00:00Z"}
        self.rows.setdefault(table, []).append(row | columns)
        return key

    def install(self, occurred: str = "2024-03-01T10:00:00Z", key: str = "I", **columns: object) -> str:
        return self.add("installs", occurred, key, **columns)

    def event(self, occurred: str, name: str = "level_up", install: str = "I", **columns: object) -> None:
        self.add("install_events", occurred, install_source_id=install, event_name=name, **columns)

    def pay(self, occurred: str, amount: object, currency: str | None = "USD", install: str = "I",
            **columns: object) -> None:  # fmt: skip
        self.event(occurred, "purchase", install, revenue_amount=amount, currency_code=currency, **columns)

    def advertise(self, on: str, amount: object, known: str | None = None, install: str = "I",
                  **columns: object) -> None:  # fmt: skip
        self.add("install_ad_revenues", known, install_source_id=install, revenue_on=on, revenue_amount=amount,
                 impression_count=1, currency_code="USD", **columns)  # fmt: skip


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def read(models, app) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a relation's row of an install as column → value; {} where there is none."""

    def one(relation: str = "ftr_installs", install: str = "s:I") -> dict[str, Any]:
        with models.filled(app.rows) as conn:
            query = sql.SQL("select * from features.{} where install_id = %s").format(sql.Identifier(relation))
            cursor = conn.execute(query, [install])
            names = [column.name for column in cursor.description or ()]
            found = cursor.fetchall()
        return dict(zip(names, found[0], strict=True)) if found else {}

    return one
