"""Closed months: figures frozen as they were reported. The rules stand in sql/functions/planning/."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from revlayer.errors import BusyError, RevlayerError, WrongUseError
from revlayer_udf import queries

#: What the functions refuse with, by SQLSTATE.
REFUSALS: dict[str, type[RevlayerError]] = {
    "55P03": BusyError,
    "55000": RevlayerError,
    "22023": WrongUseError,
}


@dataclass(frozen=True)
class Closing:
    """One closing of a month; amounts of that month in the reporting currency, row counts of all that it froze."""

    closing_id: int
    month_start_on: date
    first_month_start_on: date
    as_of_date: date
    reporting_currency_code: str
    mrr_reporting_amount: Decimal
    recognised_reporting_amount: Decimal
    mrr_row_count: int
    movement_row_count: int
    revenue_row_count: int
    closed_at: datetime
    closed_by: str
    note: str | None
    reopened_at: datetime | None
    reopened_by: str | None
    reason: str | None


@dataclass(frozen=True)
class FrozenMonth:
    """What a closing froze of one month; amounts in the reporting currency."""

    month_start_on: date
    mrr_row_count: int
    mrr_reporting_amount: Decimal
    movement_row_count: int
    revenue_row_count: int
    recognised_reporting_amount: Decimal


def close_month(conn: psycopg.Connection, month: date, note: str | None) -> Closing:
    """Freeze the figures of a month as the marts have them, in one transaction.

    Args:
        conn: of the role planner.
        month: its first day.

    Raises:
        WrongUseError: the month is closed already, or another one comes first.
        RevlayerError: the marts are not built, or not up to the month's end.
        BusyError: a run or another closing is at work.
    """
    return _change(conn, "close_month", {"month": month, "note": note})


def preview_month(conn: psycopg.Connection, month: date) -> tuple[Closing, list[FrozenMonth]]:
    """Close a month, look at what it froze, and take all of it back: what ``close_month`` would do, and refuse."""
    with conn.transaction(force_rollback=True):
        made = close_month(conn, month, None)
        months = frozen_months(conn, made.closing_id)
    return made, months


def frozen_months(conn: psycopg.Connection, closing_id: int) -> list[FrozenMonth]:
    """Return what a closing froze, by month."""
    statement = queries.load("revlayer", "closings.sql")["frozen_months"]
    return conn.cursor(row_factory=class_row(FrozenMonth)).execute(statement, {"closing_id": closing_id}).fetchall()


def reopen_month(conn: psycopg.Connection, month: date, reason: str) -> Closing:
    """Take the latest closing back; its frozen rows stay.

    Raises:
        WrongUseError: the month is not the one that was closed last, or there is no reason.
        BusyError: a run or a closing is at work.
    """
    return _change(conn, "reopen_month", {"month": month, "reason": reason})


def closings(conn: psycopg.Connection, closing_id: int | None = None) -> list[Closing]:
    """Return all closings in the order in which they were made, or the one of a number."""
    statement = queries.load("revlayer", "closings.sql")["closings"]
    return conn.cursor(row_factory=class_row(Closing)).execute(statement, {"closing_id": closing_id}).fetchall()


def is_intact(conn: psycopg.Connection, closing_id: int) -> bool:
    """Whether a closing and its frozen rows still are what its event in the audit trail tells of."""
    row = conn.execute(queries.load("revlayer", "closings.sql")["is_intact"], [closing_id]).fetchone()
    return row is not None and bool(row[0])


def _change(conn: psycopg.Connection, name: str, given: dict[str, object]) -> Closing:
    try:
        with conn.transaction():
            row = conn.execute(queries.load("revlayer", "closings.sql")[name], given).fetchone()
    except psycopg.Error as error:
        refusal = REFUSALS.get(error.sqlstate or "")
        if refusal is None:
            raise
        raise refusal(error.diag.message_primary or str(error), error.diag.message_hint) from None
    assert row is not None
    [made] = closings(conn, row[0])
    return made
