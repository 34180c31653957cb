"""The feature table that everything is measured on, and the table that predictions go to."""

from datetime import date

import psycopg
from psycopg import sql

from revlayer_udf import queries

AS_OF_DATE = date(2025, 12, 31)
FEATURES = tuple(f"feature_{number:02}" for number in range(1, 31))
# Full precision, two decimals and small whole numbers in turn, as the columns of a company are.
KINDS = ("ratio", "amount", "count")
EVERY_NULLABLE = 3
PREDICTIONS = sql.Identifier("bench", "predictions")

SQL = queries.load("benchmarks.scoring", "data.sql")
COMMA = sql.SQL(", ")


def fill(conn: psycopg.Connection, rows: int, scorer: str) -> None:
    """Make features.ftr_deals of deal_id, as_of_date and 30 doubles, a third of them with 5 % nulls.

    Args:
        conn: a superuser's, in autocommit.
        scorer: role that reads it.
    """
    if has_rows(conn, rows):
        return
    conn.execute(SQL["schema"])
    conn.execute(SQL["drop_features"])
    columns = COMMA.join(sql.SQL("{} double precision").format(sql.Identifier(name)) for name in FEATURES)
    conn.execute(sql.SQL(SQL["create_features"]).format(columns=columns))
    values = COMMA.join(_value(number) for number in range(len(FEATURES)))
    parts = {"as_of_date": sql.Literal(AS_OF_DATE), "values": values, "rows": sql.Literal(rows)}
    conn.execute(sql.SQL(SQL["fill"]).format(**parts))
    conn.execute(sql.SQL(SQL["grant"]).format(role=sql.Identifier(scorer)))
    conn.execute(SQL["vacuum"])


def has_rows(conn: psycopg.Connection, rows: int) -> bool:
    """Whether the table is there and whole: it is filled by one statement."""
    row = conn.execute(SQL["is_filled"]).fetchone()
    if row is None or not row[0]:
        return False
    return conn.execute(SQL["row_count"]).fetchone() == (rows,)


def _value(number: int) -> sql.Composed:
    u = sql.SQL(SQL["uniform"]).format(seed=sql.Literal(number))
    value = sql.SQL(SQL[KINDS[number % len(KINDS)]]).format(u=u)
    if number % EVERY_NULLABLE:
        return value
    return sql.SQL(SQL["with_nulls"]).format(seed=sql.Literal(1_000 + number), value=value)


def empty_predictions(conn: psycopg.Connection, *, create: bool = True) -> None:
    """Drop the predictions, and make the table again unless the statement measured does."""
    conn.execute(SQL["drop_predictions"])
    if create:
        conn.execute(SQL["create_predictions"])
