"""Published predictions of customers, as plain rows within a transaction."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

MARTS = ("customer_scores", "account_health", "next_action_parts", "next_actions")


def publish(
    conn: psycopg.Connection,
    target: str,
    as_of: str,
    rows: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any] | None = None,
    rung: str = "model",
    horizon_days: int = 90,
) -> None:
    """Publish a run of one model.

    Args:
        rows: prediction columns, customer_id among them.
        extra: of the manifest.
    """
    version = f"{target}__test"
    register(conn, target, version, "champion", extra, horizon_days)
    found = conn.execute(
        "insert into scoring.runs (target, model_version, as_of_date, status) values (%s, %s, %s, 'published')"
        " returning run_id",
        [target, version, as_of],
    ).fetchone()
    assert found
    table = sql.Identifier("scoring", f"{target}_predictions")
    part = sql.Identifier("scoring", f"{target}_predictions_{found[0]}")
    conn.execute(
        sql.SQL("create table {} partition of {} for values in ({})").format(part, table, sql.Literal(found[0]))
    )
    for row in rows:
        columns = {"run_id": found[0], "as_of_date": as_of, "rung": rung, "model_version": version, **row}
        conn.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                table,
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(map(sql.Literal, columns.values())),
            )
        )


def register(
    conn: psycopg.Connection,
    target: str,
    version: str,
    status: str = "candidate",
    extra: Mapping[str, Any] | None = None,
    horizon_days: int = 90,
    trained_through: str | None = None,
) -> None:
    """Write a model whose manifest has these parts only."""
    manifest = {"label_horizon_days": horizon_days, "extra": dict(extra or {})}
    conn.execute(
        "insert into scoring.models (model_version, target, algorithm, status, artefact, artefact_sha256, manifest,"
        " data_fingerprint, is_temporal_evidence, beats_baseline, trained_through_date)"
        " values (%s, %s, 'test', %s, '', repeat('0', 64), %s, '', true, true, %s)",
        [version, target, status, json.dumps(manifest), trained_through],
    )


def rebuild(conn: psycopg.Connection, models: Any) -> None:
    """Build the marts that read predictions again."""
    for number, model in enumerate(models.models):
        if model.name in MARTS:
            conn.execute(sql.SQL("delete from {}").format(sql.SQL(model.relation)))
            conn.execute(sql.SQL("execute {}").format(sql.Identifier(f"model_{number}")))


def records(conn: psycopg.Connection, query: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
    """Return rows as column → value."""
    cursor = conn.execute(query.encode(), parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
