"""A hand-made source: rows of the raw tables, written down one fact at a time."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg
from psycopg import sql

SOURCE = "crm"
STAGES = [("S1", "Qualify", 1, 0.1, "open"), ("S2", "Propose", 2, 0.5, "open"),
          ("W", "Won", 3, 1, "won"), ("L", "Lost", 4, 0, "lost")]  # fmt: skip


@dataclass
class Source:
    """Rows by table; `write` inserts them."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    def add(self, table: str, source_id: str | None = None, **values: Any) -> None:
        key = source_id or f"{table}-{next(self.numbers)}"
        self.rows.setdefault(table, []).append({"source_name": SOURCE, "source_id": key, **values})

    def stages(self, seen: str = "2020-01-01") -> None:
        for key, name, order, probability, kind in STAGES:
            self.add("stages", key, name=name, sort_order=order, win_probability=probability, kind=kind,
                     observed_at=seen)  # fmt: skip

    def deal(self, key: str, created: str | None, seen: str = "2024-06-30", **state: Any) -> None:
        """A deal; `state` is what the source shows now, seen on the day `seen`."""
        self.add("deals", key, occurred_at=created, observed_at=seen, **state)

    def change(self, entity: str, key: str, name: str, value: str | None, on: str, known: str | None = None) -> None:
        """`name` took `value` on one day, and the source knew it on another or the same."""
        self.add(f"{entity}_changes", field_name=name, new_value=value, occurred_at=on, recorded_at=known or on,
                 **{f"{entity}_source_id": key})  # fmt: skip

    def activity(self, deal: str, kind: str, on: str, known: str | None = None, **values: Any) -> None:
        self.add("activities", deal_source_id=deal, kind=kind, occurred_at=on, recorded_at=known or on, **values)

    def rate(self, of: str, to: str, rate: float, on: str, known: str | None = None) -> None:
        """One unit of `of` costs `rate` units of `to`."""
        self.add("exchange_rates", from_currency_code=of, to_currency_code=to, rate=rate, rate_on=on,
                 occurred_at=on, recorded_at=known or on)  # fmt: skip

    def write(self, conn: psycopg.Connection) -> None:
        for table, rows in self.rows.items():
            for row in rows:
                statement = sql.SQL("insert into {} ({}) values ({})").format(
                    sql.Identifier("raw", table),
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(row)),
                )
                conn.execute(statement, list(row.values()))
        conn.commit()


def link(conn: psycopg.Connection, entity: str, key: str, canonical: str, since: str = "-infinity") -> None:
    """Say what a source row is called from a time on."""
    conn.execute(
        "insert into raw.entity_links (entity, source_name, source_id, canonical_id, valid_from)"
        " values (%s, %s, %s, %s, %s)",
        [entity, SOURCE, key, canonical, since],
    )
    conn.commit()
