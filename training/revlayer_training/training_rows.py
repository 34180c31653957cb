"""Rows of an entity at past dates, with their labels, from the relations that dbt builds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.frames import read_table


@dataclass(frozen=True)
class TrainingRows:
    """What was read, and which of its columns are features."""

    table: pa.Table
    numbers: tuple[str, ...]
    texts: tuple[str, ...]


def read_rows(
    conn: psycopg.Connection,
    name: str,
    cutoff: date,
    text_features: Sequence[str],
    helper_texts: Sequence[str],
    max_rows: int | None,
    seed: int,
) -> TrainingRows | None:
    """Read features and labels known by the cutoff; None where nothing was built.

    Args:
        name: of the file of statements: exists, row_count, feature_columns and training_rows.
        text_features: text columns that are features where the relation has them; all numbers are.
        helper_texts: further text columns, read by baselines only.
        max_rows: sample whole entities, chosen by a hash of their id, down to about this many rows.
        seed: varies the sample.
    """
    statements = queries.load("revlayer_training", f"queries/{name}.sql")
    found = conn.execute(statements["exists"]).fetchone()
    if found is None or not found[0]:
        return None
    row = conn.execute(statements["row_count"], {"cutoff": cutoff}).fetchone()
    count = row[0] if row else 0
    share = 1.0 if max_rows is None or not count else min(1.0, max_rows / count)
    types: dict[str, str] = dict(conn.execute(statements["feature_columns"]).fetchall())
    numbers = tuple(column for column, kind in types.items() if kind == "double precision")
    texts = tuple(column for column in text_features if column in types)
    listed = sql.SQL(", ").join(
        sql.SQL("f.{}").format(sql.Identifier(column)) for column in (*numbers, *texts, *helper_texts)
    )
    query = sql.SQL(statements["training_rows"]).format(columns=listed)
    parameters = {"cutoff": cutoff, "seed": str(seed), "threshold": round(share * 65536)}
    return TrainingRows(read_table(conn, query, parameters), numbers, texts)
