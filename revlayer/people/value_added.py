"""Who forecast better than naive, over the months that are over."""

from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from revlayer_udf import queries


@dataclass(frozen=True)
class ValueAdded:
    """One predictor over its own forecasts; rates are shares of what was won.

    Attributes:
        entered_later_count: figures of people that came into the database on a later day than they are said to be of.
    """

    who: str
    origin: str
    forecast_count: int
    entered_later_count: int
    actual_amount: Decimal
    wape_rate: Decimal | None
    naive_wape_rate: Decimal | None
    value_added_rate: Decimal | None
    value_added_to_model_rate: Decimal | None


def value_added(conn: psycopg.Connection, segment: str, months: int) -> list[ValueAdded]:
    """Return the figures by predictor and origin, the best first.

    Args:
        conn: of the role reader.
        segment: a segment_id, or ``(all)``.
        months: months ahead at most.
    """
    statement = queries.load("revlayer", "people/queries.sql")["value_added"]
    given = {"segment_id": segment, "months": months}
    return conn.cursor(row_factory=class_row(ValueAdded)).execute(statement, given).fetchall()
