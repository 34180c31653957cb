"""Checked rows of staging into raw: inserted, changed where they differ, never touched where they do not."""

from datetime import datetime

from psycopg import sql

from revlayer.importing.plan import PlannedChange
from revlayer.importing.staging import Staging

Parts = dict[str, sql.Composable]


def merge(staging: Staging, exported_at: datetime) -> int:
    """Write one target's rows, changes and attributes.

    Returns:
        Rows of raw that are new or differ from before; 0 when the same export is imported again.
    """
    exported = sql.Literal(exported_at)
    if staging.plan.table.is_history:
        changed = _insert_history(staging, exported)
    else:
        changed = _insert_observations(staging, exported) + _upsert(staging, exported)
    for planned in staging.plan.changes:
        changed += _insert_changes(staging, planned, exported)
    if staging.plan.attributes:
        changed += _insert_attributes(staging, exported)
    if staging.plan.features:
        changed += _upsert_features(staging)
    return changed


def _known_at(staging: Staging, exported: sql.Literal) -> sql.Composable:
    """A fact without a time of its own is known from the export on."""
    if "recorded_at" in staging.plan.readers:
        return sql.SQL("recorded_at")
    return sql.SQL("case when occurred_at is null then {}::timestamptz end").format(exported)


def _insert_history(staging: Staging, exported: sql.Literal) -> int:
    columns = [name for name in staging.plan.readers if name != "recorded_at"]
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return staging.run("insert_history", recorded_at=_known_at(staging, exported), columns=listed).rowcount


def _upsert(staging: Staging, exported: sql.Literal) -> int:
    """Insert or update by key.

    The export's own times do not count as differences, so that a later export of the same values changes
    nothing: what was seen then is known since then. An older export never overwrites a newer one.
    """
    plan = staging.plan
    mapped = list(plan.readers)
    values: Parts = {name: sql.Identifier(name) for name in mapped}
    assignments: Parts = {name: sql.SQL("excluded.{}").format(sql.Identifier(name)) for name in mapped}
    is_newer: sql.Composable = sql.SQL("true")
    if "recorded_at" not in mapped:
        values["recorded_at"] = _known_at(staging, exported)
        assignments["recorded_at"] = sql.SQL("coalesce(stored.recorded_at, excluded.recorded_at)")
    if "observed_at" in plan.table.columns and "observed_at" not in mapped:
        values["observed_at"] = sql.SQL("{}::timestamptz").format(exported)
        assignments["observed_at"] = sql.SQL("excluded.observed_at")
        is_newer = sql.SQL("coalesce(stored.observed_at <= excluded.observed_at, true)")
    compared = mapped or ["source_id"]
    return staging.run(
        "upsert",
        columns=sql.SQL(", ").join(map(sql.Identifier, values)),
        values=sql.SQL(", ").join(values.values()),
        assignments=sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in assignments.items()
        ),
        stored_columns=_row("stored", compared),
        excluded_columns=_row("excluded", compared),
        is_newer=is_newer,
    ).rowcount


def _insert_observations(staging: Staging, exported: sql.Literal) -> int:
    """Keep what an earlier export showed of tracked fields that have no better history."""
    plan = staging.plan
    if plan.observed is None or not plan.observed_fields:
        return 0
    fields = sql.SQL(", ").join(
        sql.SQL("({}, {}::text, {}::text)").format(
            sql.Literal(name), sql.Identifier("stored", column), sql.Identifier("candidate", column)
        )
        for name, column in plan.observed_fields.items()
    )
    return staging.run(
        "insert_observations",
        history=sql.Identifier("raw", plan.observed.name),
        parent_column=sql.Identifier(f"{plan.table.entity}_source_id"),
        fields=fields,
        exported_at=exported,
        stored_columns=_row("stored", list(plan.readers)),
        candidate_columns=_row("candidate", list(plan.readers)),
    ).rowcount


def _row(relation: str, names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(relation, name) for name in names)


def _insert_changes(staging: Staging, planned: PlannedChange, exported: sql.Literal) -> int:
    history = staging.plan.history
    assert history is not None
    parts: Parts = {
        "history": sql.Identifier("raw", history.name),
        "parent_column": sql.Identifier(f"{staging.plan.table.entity}_source_id"),
        "field": sql.Literal(planned.change.field),
        "old_value": sql.Literal(planned.change.old_value),
        "value": sql.Identifier(planned.value_column),
    }
    if planned.at is None:
        return staging.run("insert_undated_changes", **parts, exported_at=exported).rowcount
    at = sql.Identifier(planned.at_column)
    return staging.run("insert_changes", **parts, at=at, exported_at=exported).rowcount


def _insert_attributes(staging: Staging, exported: sql.Literal) -> int:
    pairs = sql.SQL(", ").join(
        sql.SQL("({}, {})").format(sql.Literal(name), sql.Identifier("candidate", column))
        for name, (column, _) in staging.plan.attributes.items()
    )
    entity = sql.Literal(staging.plan.table.entity)
    return staging.run("insert_attributes", entity=entity, pairs=pairs, exported_at=exported).rowcount


def _upsert_features(staging: Staging) -> int:
    nothing = {"number": sql.SQL("null::float8"), "text": sql.SQL("null::text")}
    rows = sql.SQL(", ").join(
        sql.SQL("({}, {}, {})").format(
            sql.Literal(name),
            *(sql.Identifier("candidate", column) if reader.kind == kind else nothing[kind] for kind in nothing),
        )
        for name, (column, reader) in staging.plan.features.items()
    )
    return staging.run("upsert_features", features=rows).rowcount
