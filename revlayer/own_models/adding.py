"""``revlayer models add``: wrap, check on the real features, judge by later outcomes, register, certify."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from revlayer.own_models import evaluation
from revlayer.own_models.description import Description, OwnModelError, read_description
from revlayer.own_models.evaluation import Judgement
from revlayer.own_models.graph import read_graph
from revlayer.own_models.reference import Original, Pick
from revlayer.own_models.wrapping import check_inputs, wrap
from revlayer_training.datasets import Dataset, load_dataset
from revlayer_udf import certificate, frames, golden_rows, queries, registry
from revlayer_udf.certificate import Certificate
from revlayer_udf.manifest import Feature, Manifest, sha256
from revlayer_udf.runtime import Scorer, refuse_rows
from revlayer_udf.targets import TARGETS

_SQL = queries.load("revlayer", "own_models/queries.sql")
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)


@dataclass(frozen=True)
class Added:
    """What became of a model: ``is_new`` is False where the same file was added before."""

    model_version: str
    is_new: bool
    judgement: Judgement
    certificate: Certificate
    scored_rows: int

    @property
    def may_serve(self) -> bool:
        """Whether ``revlayer models promote`` will take it."""
        return self.judgement.is_temporal_evidence and self.judgement.beats_baseline and self.certificate.is_good


def add(
    conn: psycopg.Connection, file: Path, description_file: Path, cutoff: date, *, max_rows: int | None = None
) -> Added:
    """Register a model of someone else's as a candidate.

    Args:
        conn: of the role scorer.
        file: ONNX.
        description_file: its manifest, YAML.
        cutoff: last day anything is known of.
        max_rows: judge on a sample of whole deals of about this many rows.

    Raises:
        OwnModelError: the file or the manifest is refused; nothing is registered.
        PredictionError: it returns for some newest row what may not be published.
    """
    description = read_description(description_file)
    content = file.read_bytes()
    if description.trained_through_date > cutoff:
        raise OwnModelError(
            f"trained_through_date {description.trained_through_date} is after {cutoff}, the last day of the data", None
        )
    graph = read_graph(content, file.name)
    features = _features(conn, description)
    description.check_names()
    texts = [feature.name for feature in features if feature.type == "text"]
    numbers = [feature.name for feature in features if feature.type == "number"]
    check_inputs(graph, description, texts, file.name)
    newest = _read(conn, "newest", description, {"last": cutoff})
    if newest.num_rows == 0:
        raise OwnModelError(f"features.ftr_deals has no row up to {cutoff} to try the model on", "Run: revlayer build")
    original = Original(content, graph, description, file.name)
    picks = original.picks(newest.slice(0, 100))
    _check_outputs(description, picks, file.name)
    artefact = wrap(graph, description, numbers, texts, picks)
    plain = _manifest(artefact, description, features, cutoff, content)
    _try(Scorer(artefact, plain), description.target, newest)
    data = load_dataset(conn, cutoff, max_rows=max_rows)
    judgement, horizon = _judge(conn, Scorer(artefact, plain), description, data, cutoff)
    manifest = _manifest(artefact, description, features, cutoff, content, judgement, data, horizon)
    golden = golden_rows.make_rows(artefact, manifest, newest)
    expected = original.outputs(golden, picks)
    with conn.transaction():
        is_new = registry.register(
            conn, artefact, manifest, judgement.metrics, judgement.reliability,
            f"added from {file.name}", golden=golden_rows.with_expected(golden, expected),
        )  # fmt: skip
        certified = certificate.certify(conn, manifest.model_version)
    return Added(manifest.model_version, is_new, judgement, certified, newest.num_rows)


def _features(conn: psycopg.Connection, description: Description) -> tuple[Feature, ...]:
    try:
        with conn.transaction():
            schema = frames.read_schema(conn, "select * from features.ftr_deals")
    except psycopg.errors.UndefinedTable:
        raise OwnModelError("features.ftr_deals does not exist", "Run: revlayer build") from None
    unknown = [name for name in description.columns if name not in schema.names]
    if unknown:
        raise OwnModelError(
            f"features.ftr_deals has no column {', '.join(unknown)}",
            f"It has {', '.join(sorted(schema.names))}.",
        )
    return tuple(_feature(name, schema.field(name).type, description) for name in description.columns)


def _feature(name: str, kind: pa.DataType, description: Description) -> Feature:
    label = description.labels.get(name, name.removeprefix("attr_").replace("_", " "))
    if pa.types.is_string(kind):
        return Feature(name=name, type="text", label=label)
    if any(check(kind) for check in _NUMBERS):
        return Feature(name=name, type="number", label=label)
    raise OwnModelError(
        f"features.ftr_deals.{name} has type {kind}, which is neither number nor text",
        "Take a feature made from it, such as a number of days.",
    )


def _read(conn: psycopg.Connection, statement: str, description: Description, values: dict[str, Any]) -> pa.Table:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in description.columns)
    return frames.read_table(conn, sql.SQL(_SQL[statement]).format(columns=columns), values)


def _check_outputs(description: Description, picks: dict[str, list[Pick]], name: str) -> None:
    wanted = TARGETS[description.target].outputs
    found = {output: sum(part.width for part in parts) for output, parts in picks.items()}
    if found != dict(wanted):
        raise OwnModelError(
            f"{name} gives {_widths(found)}; {description.target} needs {_widths(wanted)}",
            "Mend the manifest's outputs: several parts stand in a list, [low[0], high[0]].",
        )


def _widths(outputs: Any) -> str:
    return ", ".join(f"{name} ({width} {'column' if width == 1 else 'columns'})" for name, width in outputs.items())


def _try(scorer: Scorer, target: str, newest: pa.Table) -> None:
    """Score the newest rows; what the job would not publish is refused here already."""
    outputs = scorer.score(newest)
    for reason, rows in TARGETS[target].refusals(outputs).items():
        if rows.any():
            refuse_rows(scorer.manifest, newest, rows, reason)


def _judge(
    conn: psycopg.Connection, scorer: Scorer, description: Description, data: Dataset, cutoff: date
) -> tuple[Judgement, int]:
    serving = registry.champion(conn, description.target)
    told = description.label_horizon_days
    horizon = evaluation.horizon_of(data, cutoff, told, serving.manifest.label_horizon_days if serving else None)
    rows = _read(conn, "rows", description, {"first": description.trained_through_date, "last": cutoff})
    predictions = _align(scorer, rows, data)
    judged = evaluation.judge(
        description.target, data, predictions, description.trained_through_date, cutoff, horizon, description.algorithm
    )
    return judged, horizon


def _align(scorer: Scorer, rows: pa.Table, data: Dataset) -> dict[str, np.ndarray]:
    """Score rows and put them where the dataset has them; NaN for rows that were not read."""
    days = pc.cast(pc.cast(rows["as_of_date"], pa.int32()), pa.string())
    asked = pc.binary_join_element_wise(days, rows["deal_id"], "|")
    own = pa.array([f"{day}|{deal}" for day, deal in zip(data.as_of.astype(int), data.entity_ids, strict=True)])
    places = pc.index_in(own, value_set=asked.combine_chunks())
    known = ~np.asarray(places.is_null())
    taken = rows.take(places.drop_null())
    aligned = {}
    for name, values in scorer.score(taken).items():
        full = np.full((len(data), values.shape[1]), np.nan)
        full[known] = values
        aligned[name] = full
    return aligned


def _manifest(
    artefact: bytes,
    description: Description,
    features: tuple[Feature, ...],
    cutoff: date,
    source: bytes,
    judgement: Judgement | None = None,
    data: Dataset | None = None,
    horizon: int | None = None,
) -> Manifest:
    """Describe the wrapped graph; what is claimed of its quality is what was computed."""
    judged = judgement or Judgement(False, False, "not judged yet")
    extra: dict[str, Any] = {
        "is_own_model": True,
        "source_sha256": sha256(source),
        "decision": judged.reason,
        "judged_row_count": judged.row_count,
        "test_from_date": (judged.test_from or cutoff).isoformat(),
    }
    if judged.target_deviation:
        extra[certificate.SCALE] = judged.target_deviation
    summary = {f"{row.predictor}_{row.metric}": row.value for row in judged.metrics if row.segment == "(all)"}
    return Manifest.of(
        artefact,
        target=description.target,
        trained_on=description.trained_through_date,
        algorithm=description.algorithm,
        rung="model",
        feature_relation=description.feature_relation,
        entity_key=description.entity_key,
        features=features,
        outputs=tuple(description.outputs),
        trained_from_date=description.trained_from_date,
        trained_through_date=description.trained_through_date,
        label_horizon_days=horizon,
        metrics=summary,
        data_fingerprint=data.fingerprint if data is not None else "not read",
        is_temporal_evidence=judged.is_temporal_evidence,
        beats_baseline=judged.beats_baseline,
        extra=extra,
    )
