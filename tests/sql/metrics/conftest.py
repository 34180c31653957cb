"""A database whose rule tables hold the seeds as they are shipped."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

SEEDS = Path(__file__).parents[3] / "dbt_project" / "seeds"
RULES = ("rule_close_probability", "rule_deal_value", "rule_deal_health")

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def rules_database(make_database):
    """Migrated database with the seeds in marts, written by the role that dbt writes with."""
    database = make_database("rules")
    with database.connect("transformer") as conn:
        for name in RULES:
            _load(conn, name)
    return database


def _load(conn: psycopg.Connection, name: str) -> None:
    table = sql.Identifier("marts", name)
    conn.execute(
        sql.SQL(
            "create table {} (rule_group varchar(100), rule_name varchar(200),"
            " rule_value double precision, description varchar(1000))"
        ).format(table)
    )
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    with conn.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as copy:
        for group, rule, value, description in rows:
            copy.write_row((group, rule, value, description or None))


@pytest.fixture(scope="session")
def reader(rules_database) -> Iterator[psycopg.Connection]:
    """What a BI tool has: the role reader, one statement at a time."""
    with rules_database.connect("reader", autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="session")
def call(reader: psycopg.Connection) -> Call:
    """Call a function of the schema metrics by named arguments; returns its one row."""

    def run(function: str, **arguments: object) -> dict[str, Any]:
        passed = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name)) for name in arguments
        )
        query = sql.SQL("select * from {}({})").format(sql.Identifier("metrics", function), passed)
        with reader.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(query, arguments).fetchall()
        assert len(rows) == 1
        return rows[0]

    return run
