"""Batch scoring: features out, predictions in, published per target."""

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import IO, Literal, Protocol

import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import frames, queries, registry
from revlayer_udf.errors import ArtefactError, FeatureError, RevlayerError
from revlayer_udf.locks import target_lock
from revlayer_udf.manifest import RUNG_OUTPUT, Manifest
from revlayer_udf.publishing import KEEP_RUNS, publish_run
from revlayer_udf.runtime import Frame, Scorer, refuse_rows
from revlayer_udf.targets import TARGETS, DealTarget

__all__ = ["TARGETS", "RunSummary", "predict", "score_deals"]

RELATION = "features.ftr_deals"

_SQL = queries.load("revlayer_udf", "queries/jobs.sql")


class Progress(Protocol):
    """Told what is at work, how much is done and how much there is (0 when unknown)."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


@dataclass(frozen=True)
class RunSummary:
    """What became of one target. ``reason`` says why it was skipped, and what to do."""

    target: str
    status: Literal["published", "skipped"]
    row_count: int = 0
    model_version: str | None = None
    run_id: int | None = None
    reason: str | None = None


def score_deals(
    conn: psycopg.Connection,
    as_of_date: date,
    targets: Sequence[str] = tuple(TARGETS),
    progress: Progress = lambda what, done, total: None,
    *,
    wait: bool = True,
    keep: int = KEEP_RUNS,
) -> list[RunSummary]:
    """Score the deals open at a date with the champion of each target and publish the predictions.

    A target is skipped, with the reason, when no model serves it or no deal is open at the date; its
    predictions stay as they are. Scoring again makes a new run that replaces the one before.

    Args:
        conn: of the role scorer, outside a transaction.
        as_of_date: rows of features.ftr_deals with this as_of_date.
        wait: queue behind another run of a target, or leave.
        keep: superseded runs whose predictions are kept.

    Raises:
        ArtefactError, FeatureError, PredictionError: the model may not be served; nothing of that target is
            published, and targets after it are not scored.
        Busy: see ``publish_run``.
    """
    unknown = [target for target in targets if target not in TARGETS]
    if unknown:
        raise RevlayerError(f"unknown targets: {', '.join(unknown)}", f"There are {', '.join(TARGETS)}.")
    summaries = []
    for target in targets:
        # Taken before the champion is read: a run that waited serves the model of now, not of before.
        with target_lock(conn, target, wait=wait):
            summaries.append(_score_target(conn, target, as_of_date, progress, keep))
    return summaries


def predict(scorer: Scorer, target: DealTarget, batch: Frame) -> pa.RecordBatch:
    """Score a batch into the columns of a prediction table, run_id and as_of_date left out.

    Raises:
        FeatureError, PredictionError: see ``Scorer.score``; or a prediction outside its bounds.
        ArtefactError: an output is wider or narrower than the table.
    """
    outputs = scorer.score(batch)
    for name, width in target.outputs.items():
        if outputs[name].shape[1] != width:
            raise ArtefactError(
                f"{scorer.manifest.model_version}: {name} has {outputs[name].shape[1]} columns, not {width}",
                "Run: revlayer train",
            )
    for reason, rows in target.refusals(outputs).items():
        if rows.any():
            refuse_rows(scorer.manifest, batch, rows, reason)
    rung = outputs.get(RUNG_OUTPUT)
    count = batch.num_rows
    columns = {
        "deal_id": batch.column(scorer.manifest.entity_key),
        **{name: pa.array(values) for name, values in target.columns(outputs).items()},
        "rung": pa.array(rung, pa.string()) if rung is not None else _same(scorer.manifest.rung, count),
        "model_version": _same(scorer.manifest.model_version, count),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _score_target(conn: psycopg.Connection, name: str, as_of_date: date, progress: Progress, keep: int) -> RunSummary:
    target = TARGETS[name]
    with conn.transaction():
        model = registry.champion(conn, name)
        if model is None:
            return RunSummary(name, "skipped", reason=f"no model serves {name}. Run: revlayer train")
        scorer = Scorer(model.artefact, model.manifest)
        _check_fit(conn, scorer, target)
        total = _count(conn, as_of_date)
    version = model.manifest.model_version
    if total == 0:
        reason = f"{RELATION} has no deal open at {as_of_date}. If there should be some, run: revlayer build"
        return RunSummary(name, "skipped", model_version=version, reason=reason)
    run_of = publish_run(conn, name, as_of_date, [target.table], model_version=version, keep=keep)
    with run_of as run, tempfile.TemporaryFile() as spool:
        # One connection cannot copy out and in at once, and predictions are far smaller than features.
        with closing(_predictions(conn, scorer, target, as_of_date, total, progress)) as predictions:
            _spool(predictions, spool)
        if spool.tell():
            spool.seek(0)
            run.write(iter(pa.ipc.open_stream(spool)))
    progress(name, total, total)
    return RunSummary(name, "published", run.row_count, version, run.run_id)


def _predictions(
    conn: psycopg.Connection,
    scorer: Scorer,
    target: DealTarget,
    as_of_date: date,
    total: int,
    progress: Progress,
) -> Generator[pa.RecordBatch]:
    manifest, done = scorer.manifest, 0
    columns = [manifest.entity_key, *(feature.name for feature in manifest.features)]
    # No parameters: psycopg would take a % in a column's name for one.
    query = sql.SQL(_SQL["features"]).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        relation=_relation(),
        as_of_date=sql.Literal(as_of_date),
    )
    with conn.transaction(), closing(frames.read_batches(conn, query)) as batches:
        for batch in batches:
            progress(manifest.target, done, total)
            predicted = predict(scorer, target, batch)
            dates = pa.repeat(pa.scalar(as_of_date, pa.date32()), batch.num_rows)
            yield predicted.append_column("as_of_date", dates)
            done += batch.num_rows


def _spool(batches: Iterator[pa.RecordBatch], file: IO[bytes]) -> None:
    writer: pa.RecordBatchStreamWriter | None = None
    for batch in batches:
        writer = writer or pa.ipc.new_stream(file, batch.schema)
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def _check_fit(conn: psycopg.Connection, scorer: Scorer, target: DealTarget) -> None:
    manifest: Manifest = scorer.manifest
    if manifest.feature_relation != RELATION or manifest.entity_key != "deal_id":
        raise FeatureError(
            f"{manifest.model_version} reads {manifest.feature_relation} by {manifest.entity_key}; "
            f"deals are scored from {RELATION} by deal_id",
            "Run: revlayer train",
        )
    missing = set(target.outputs) - set(manifest.outputs)
    if missing:
        raise ArtefactError(
            f"{manifest.model_version} does not return {', '.join(sorted(missing))}", "Run: revlayer train"
        )
    try:
        schema = frames.read_schema(conn, sql.SQL(_SQL["relation"]).format(relation=_relation()))
    except psycopg.errors.UndefinedTable:
        raise FeatureError(f"{RELATION} does not exist", "Run: revlayer build") from None
    scorer.check_schema(schema)


def _count(conn: psycopg.Connection, as_of_date: date) -> int:
    statement = sql.SQL(_SQL["count"]).format(relation=_relation())
    row = conn.execute(statement, [as_of_date]).fetchone()
    return int(row[0]) if row else 0


def _relation() -> sql.Identifier:
    return sql.Identifier(*RELATION.split("."))


def _same(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count)
