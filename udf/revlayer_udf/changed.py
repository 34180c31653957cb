"""Scoring only what changed: predictions of unchanged features are copied inside the server.

A prediction is a function of its features and of the model. Every prediction keeps a hash of the features it was
made from, so those of the published run of the same model are good for every row with the same hash.
"""

from collections.abc import Sequence
from datetime import date

import psycopg
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.publishing import Run
from revlayer_udf.targets import Target

# Longer than a table is locked in passing.
LOCK_TIMEOUT = "3s"

_SQL = queries.load("revlayer_udf", "queries/jobs.sql")


def features_hash(names: Sequence[str]) -> sql.Composed:
    """Return the expression of a 64-bit hash of the features, of the relation named ``f``."""
    columns = sql.SQL(", ").join(sql.SQL(_SQL["column"]).format(sql.Identifier(name)) for name in names)
    return sql.SQL(_SQL["features_hash"]).format(columns=columns)


def reusable_run(conn: psycopg.Connection, target: str, model_version: str, has_reasons: bool) -> int | None:
    """Return the published run whose predictions may be copied, None where there is none."""
    values = {"target": target, "model_version": model_version, "has_reasons": has_reasons}
    with conn.transaction():
        row = conn.execute(_SQL["reusable_run"], values).fetchone()
    return None if row is None else int(row[0])


def copy_unchanged(
    conn: psycopg.Connection,
    run: Run,
    target: Target,
    *,
    earlier: int,
    as_of_date: date,
    features: Sequence[str],
    snapshot: str,
) -> int:
    """Copy the predictions of an earlier run whose features are the same at a date, and return how many.

    Args:
        earlier: a run of the same model; see ``reusable_run``.
        features: the model's.
        snapshot: exported by the transaction that reads the others, so that no row is in both or in neither.

    Raises:
        psycopg.errors.LockNotAvailable: somebody waits to replace the features, and so for the transaction that
            reads them: waiting behind would be waiting for oneself, which the server cannot see.
    """
    with conn.transaction():
        conn.execute(_SQL["repeatable"])
        conn.execute(sql.SQL(_SQL["import_snapshot"]).format(snapshot=sql.Literal(snapshot)))
        conn.execute(_SQL["lock_timeout"], [LOCK_TIMEOUT])
        conn.execute(_SQL["work_mem"])
        names = [name for (name,) in conn.execute(_SQL["prediction_columns"], [f"scoring.{target.table}"])]
        statement = sql.SQL(_SQL["copy_unchanged"]).format(
            table=run.table(target.table),
            columns=sql.SQL(", ").join(map(sql.Identifier, names)),
            copied=sql.SQL(", ").join(sql.SQL(_SQL["copied_column"]).format(sql.Identifier(name)) for name in names),
            parent=sql.Identifier("scoring", target.table),
            relation=target.entity.identifier,
            key=sql.Identifier(target.entity.key),
            features_hash=features_hash(features),
            run_id=sql.Literal(earlier),
            as_of_date=sql.Literal(as_of_date),
        )
        return conn.execute(statement).rowcount
