"""Customers of a made-up company with twenty events each over three years, in the raw tables."""

import psycopg
from psycopg import sql

from revlayer_udf import queries

AS_OF_DATE = "2025-12-31"
EVENTS_PER_CUSTOMER = 20
SQL = queries.load("benchmarks.customers", "data.sql")
TABLES = (
    "customers", "billing", "orders", "order_lines", "sessions", "usage_events", "tickets", "exchange_rates",
)  # fmt: skip


def fill(conn: psycopg.Connection, customers: int) -> None:
    """Write that many customers and their events.

    Args:
        conn: may write raw tables; the caller commits.
    """
    for name in ("uniform", "chosen", "moment"):
        conn.execute(SQL[name])
    for name in TABLES:
        conn.execute(sql.SQL(SQL[name]).format(customers=sql.Literal(customers)))
