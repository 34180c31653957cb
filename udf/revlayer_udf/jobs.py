"""Batch scoring: features out, predictions in, published per target."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import frames, queries, registry
from revlayer_udf.changed import copy_unchanged, features_hash, reusable_run
from revlayer_udf.copying import Selection
from revlayer_udf.errors import FeatureError, PredictionError, RevlayerError
from revlayer_udf.locks import target_lock
from revlayer_udf.manifest import Manifest
from revlayer_udf.predictions import TargetScorer
from revlayer_udf.publishing import KEEP_RUNS, Run, publish_run
from revlayer_udf.runtime import check_schema
from revlayer_udf.statistics import record_statistics
from revlayer_udf.streaming import score_stream
from revlayer_udf.targets import DEAL, TARGETS, Entity, Target

__all__ = ["TARGETS", "RunSummary", "score_targets"]

# Statistics of a run are kept by the values of these columns, as far as the relation has them.
DIMENSIONS = ("segment_id",)

_SQL = queries.load("revlayer_udf", "queries/jobs.sql")


class Progress(Protocol):
    """Told what is at work, how much is done and how much there is (0 when unknown)."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


@dataclass(frozen=True)
class RunSummary:
    """What became of one target. ``reason`` says why it was skipped, and what to do.

    Of ``row_count`` rows, ``copied_count`` were the same as in the run before and were not scored again.
    """

    target: str
    status: Literal["published", "skipped"]
    row_count: int = 0
    model_version: str | None = None
    run_id: int | None = None
    reason: str | None = None
    copied_count: int = 0


@dataclass(frozen=True)
class _Job:
    """What the runs of one call have in common."""

    conn: psycopg.Connection
    read_conn: psycopg.Connection
    as_of_date: date
    progress: Progress
    changed_only: bool
    reasons: bool
    keep: int
    dimensions: Sequence[str]


def score_targets(
    conn: psycopg.Connection,
    as_of_date: date,
    targets: Sequence[str] | None = None,
    progress: Progress = lambda what, done, total: None,
    *,
    read_conn: psycopg.Connection,
    changed_only: bool = False,
    reasons: bool = True,
    wait: bool = True,
    keep: int = KEEP_RUNS,
    dimensions: Sequence[str] = DIMENSIONS,
) -> list[RunSummary]:
    """Score what is there at a date with the champion of each target and publish the predictions.

    A target is skipped, with the reason, when no model serves it or the date has no rows; its
    predictions stay as they are. Scoring again makes a new run that replaces the one before.

    Args:
        conn: of the role scorer, outside a transaction.
        as_of_date: rows of the features with this as_of_date.
        targets: None takes those of deals, and every other that a model serves.
        read_conn: another connection of the role scorer, outside a transaction: features are read over it while
            predictions are written over the first.
        changed_only: score only rows whose features are not those of the published run of the same model, and
            copy the predictions of the others; the result is that of scoring them all.
        reasons: keep each prediction's largest contributions, where the model has a raw score to split.
        wait: queue behind another run of a target, or leave.
        keep: superseded runs whose predictions are kept.
        dimensions: text columns of the features; statistics of the run are kept by their values.

    Raises:
        ArtefactError, FeatureError, PredictionError: the model may not be served; nothing of that target is
            published, and targets after it are not scored.
        Busy: see ``publish_run``.
    """
    targets = _all_targets(conn) if targets is None else targets
    unknown = [target for target in targets if target not in TARGETS]
    if unknown:
        raise RevlayerError(f"unknown targets: {', '.join(unknown)}", f"There are {', '.join(TARGETS)}.")
    job = _Job(conn, read_conn, as_of_date, progress, changed_only, reasons, keep, dimensions)
    summaries = []
    for target in targets:
        # Taken before the champion is read: a run that waited serves the model of now, not of before.
        with target_lock(conn, target, wait=wait):
            summaries.append(_score_target(job, target))
    return summaries


def _all_targets(conn: psycopg.Connection) -> list[str]:
    with conn.transaction():
        served = {model.target for model in registry.list_models(conn) if model.status == "champion"}
    return [name for name, target in TARGETS.items() if target.entity is DEAL or name in served]


def _score_target(job: _Job, name: str) -> RunSummary:
    target, started = TARGETS[name], time.perf_counter()
    with job.conn.transaction():
        model = registry.champion(job.conn, name)
        if model is None:
            return RunSummary(name, "skipped", reason=f"no model serves {name}. Run: revlayer train")
        schema = _check_fit(job.conn, target.entity, model.manifest, job.dimensions)
    scorer, version = TargetScorer(model, name, reasons=job.reasons), model.manifest.model_version
    with ExitStack() as reading:
        total = _one_state(job, target.entity, reading)
        if total == 0:
            day = job.as_of_date
            absent = f"{target.entity.relation} has {target.entity.absent} at {day}"
            reason = f"{absent}. If there should be some, run: revlayer build"
            return RunSummary(name, "skipped", model_version=version, reason=reason)
        run_of = publish_run(job.conn, name, job.as_of_date, [target.table], model_version=version, keep=job.keep)
        with run_of as run:
            run.set_default(target.table, "model_version", version)
            copied, seconds = _fill(job, run, target, scorer, schema, total)
            # Ended before the run is published: it holds locks that dropping old predictions would wait for.
            reading.close()
            moment = time.perf_counter()
            run.record(has_reasons=scorer.has_reasons, scored=total - copied, copied=copied, seconds=seconds)
            dimensions = [column for column in job.dimensions if column in schema.names]
            record_statistics(job.conn, run, target, scorer.numbers, dimensions)
            now = time.perf_counter()
            run.record_timings({"statistics": now - moment, "total": now - started})
    job.progress(name, total, total)
    return RunSummary(name, "published", run.row_count, version, run.run_id, copied_count=copied)


def _one_state(job: _Job, entity: Entity, reading: ExitStack) -> int:
    """Begin to read: until ``reading`` is closed, the features stay as they are now. Returns their rows."""
    reading.enter_context(job.read_conn.transaction())
    job.read_conn.execute(_SQL["one_state"])
    statement = sql.SQL(_SQL["count"]).format(relation=entity.identifier)
    row = job.read_conn.execute(statement, [job.as_of_date]).fetchone()
    return int(row[0]) if row else 0


def _fill(
    job: _Job, run: Run, target: Target, scorer: TargetScorer, schema: pa.Schema, total: int
) -> tuple[int, dict[str, float]]:
    """Copy what may be copied, score the rest; returns the rows copied and the seconds by stage."""
    manifest, started = scorer.manifest, time.perf_counter()
    name, entity = manifest.target, target.entity
    earlier, copied, copy_seconds = None, 0, {}
    if job.changed_only:
        earlier = reusable_run(job.conn, name, manifest.model_version, scorer.has_reasons)
    if earlier is not None:
        try:
            copied = _copy(job, run, target, manifest, earlier)
            copy_seconds = {"copy": time.perf_counter() - started}
        except psycopg.errors.LockNotAvailable:
            earlier = None  # scoring all of them needs no lock that this run does not hold already
    job.progress(name, copied, total)
    streamed = score_stream(
        job.read_conn, job.conn, _select(job, manifest, schema, target, earlier), scorer, run.table(target.table),
        progress=lambda done: job.progress(name, copied + done, total),
    )  # fmt: skip
    if copied + streamed.row_count != total:
        raise PredictionError(
            f"{entity.relation} has {total} rows at {job.as_of_date}; "
            f"{copied} were copied and {streamed.row_count} scored",
            f"{entity.key} stands twice, or the relation is a view that changes. Run: revlayer build, which tests it.",
        )
    return copied, copy_seconds | streamed.seconds


def _copy(job: _Job, run: Run, target: Target, manifest: Manifest, earlier: int) -> int:
    row = job.read_conn.execute(_SQL["export_snapshot"]).fetchone()
    features = [feature.name for feature in manifest.features]
    copied = copy_unchanged(
        job.conn, run, target, earlier=earlier, as_of_date=job.as_of_date,
        features=features, snapshot=row[0] if row else "",
    )  # fmt: skip
    job.read_conn.execute(_SQL["work_mem"])
    return copied


def _select(job: _Job, manifest: Manifest, schema: pa.Schema, target: Target, earlier: int | None) -> Selection:
    features = [feature.name for feature in manifest.features]
    columns = [manifest.entity_key, *features]
    parts = {
        "columns": sql.SQL(", ").join(sql.SQL(_SQL["column"]).format(sql.Identifier(column)) for column in columns),
        "features_hash": features_hash(features),
        "relation": target.entity.identifier,
        "key": sql.Identifier(target.entity.key),
        "as_of_date": sql.Literal(job.as_of_date),
        "parent": sql.Identifier("scoring", target.table),
        "run_id": sql.Literal(earlier),
    }
    return Selection(
        query=sql.SQL(_SQL["features" if earlier is None else "changed_features"]).format(**parts),
        numbers=manifest.numbers,
        texts=manifest.texts,
        kept=(manifest.entity_key, "features_hash"),
        flags=frozenset(name for name in manifest.numbers if pa.types.is_boolean(schema.field(name).type)),
    )


def _check_fit(conn: psycopg.Connection, entity: Entity, manifest: Manifest, dimensions: Sequence[str]) -> pa.Schema:
    if manifest.feature_relation != entity.relation or manifest.entity_key != entity.key:
        raise FeatureError(
            f"{manifest.model_version} reads {manifest.feature_relation} by {manifest.entity_key}; "
            f"{entity.name}s are scored from {entity.relation} by {entity.key}",
            "Run: revlayer train",
        )
    wanted = {manifest.entity_key, *dimensions, *(feature.name for feature in manifest.features)}
    relation = entity.identifier
    try:
        with conn.transaction():
            described = conn.execute(sql.SQL(_SQL["relation"]).format(relation=relation)).description or []
    except psycopg.errors.UndefinedTable:
        raise FeatureError(f"{entity.relation} does not exist", "Run: revlayer build") from None
    # Columns that nobody asks for may have any type.
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in described if column.name in wanted)
    schema = frames.read_schema(conn, sql.SQL(_SQL["schema"]).format(columns=columns, relation=relation))
    check_schema(manifest, schema)
    return schema
