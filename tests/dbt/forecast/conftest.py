"""The marts of close timing and of forecasts by period, compiled once, and what they read as plain rows."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from compiled_models import CompiledModels, compile_models
from psycopg import sql

AS_OF = "2024-11-12"
HORIZON = 12
MARTS = ("deal_close_timing", "revenue_targets", "revenue_forecast_quantiles", "revenue_forecast_periods")
READ = ("int_dates_spined", "dim_date", "+int_exchange_rates_daily")
DEALS = """
create table marts.fct_deals (
    deal_id text, as_of_date date, account_id text, owner_id text, team_path text, segment_id text, stage_name text,
    expected_close_on date, is_open boolean
)
"""
Rows = Sequence[Mapping[str, Any]]


@pytest.fixture(scope="session")
def forecast_models(make_database: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """The marts and what they read of calendar and rates."""
    database = make_database("forecast")
    with database.connect("transformer") as conn:  # in place of the sixty models that make it
        conn.execute(DEALS)
        conn.commit()
    return compile_models(database, [*READ, *MARTS], AS_OF, tmp_path_factory.mktemp("target"))


@pytest.fixture
def published(forecast_models: CompiledModels) -> Callable[..., Any]:
    """Return a function: within it, tables of scoring, planning and marts hold these rows and the marts are built."""

    @contextmanager
    def fill(**tables: Rows) -> Any:
        with forecast_models.filled({}) as conn:
            for name, rows in tables.items():
                schema, _, table = name.partition("__")
                if schema == "scoring":
                    _publish(conn, table, rows)
                else:
                    _insert(conn, sql.Identifier(schema, table), rows)
            for number, model in enumerate(forecast_models.models):
                if model.name in MARTS:
                    conn.execute(f"delete from {model.relation}".encode())
                    conn.execute(f"execute model_{number}".encode())
            yield conn

    return fill


def records(conn: psycopg.Connection, query: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
    """Return rows as column → value."""
    cursor = conn.execute(query.encode(), parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _publish(conn: psycopg.Connection, table: str, rows: Rows) -> None:
    found = conn.execute(
        "insert into scoring.runs (target, as_of_date, status) values (%s, %s, 'published') returning run_id",
        [table, AS_OF],
    ).fetchone()
    assert found
    part = sql.Identifier("scoring", f"{table}_{found[0]}")
    parent = sql.Identifier("scoring", table)
    conn.execute(
        sql.SQL("create table {} partition of {} for values in ({})").format(part, parent, sql.Literal(found[0]))
    )
    _insert(conn, parent, [{"run_id": found[0], "as_of_date": AS_OF, **row} for row in rows])


def _insert(conn: psycopg.Connection, table: sql.Composable, rows: Rows) -> None:
    for row in rows:
        conn.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                table,
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Literal, row.values())),
            )
        )
