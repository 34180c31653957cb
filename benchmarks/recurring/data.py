"""Subscriptions of a made-up company over 36 months, in the raw tables."""

import psycopg
from psycopg import sql

from revlayer_udf import queries

AS_OF_DATE = "2025-12-31"
SQL = queries.load("benchmarks.recurring", "data.sql")
TABLES = ("accounts", "customers", "exchange_rates", "catalogue", "subscriptions", "items", "changes")


def fill(conn: psycopg.Connection, customers: int) -> None:
    """Write that many customers, with 1.15 subscriptions, 1.4 items and about 6 changes each.

    Args:
        conn: may write raw tables; the caller commits.
    """
    conn.execute(SQL["uniform"])
    for name in TABLES:
        conn.execute(sql.SQL(SQL[name]).format(customers=sql.Literal(customers)))
    conn.execute(SQL["analyze"])


def change_some(conn: psycopg.Connection, share: float) -> None:
    """Give a share of the customers a change that happened long ago and is told now."""
    conn.execute(sql.SQL(SQL["change_some"]).format(every=sql.Literal(round(1 / share))))
