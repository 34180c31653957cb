"""The model registry: register, promote, roll back, read. The rules of promotion are SQL functions.

Every change runs in the caller's transaction when one is open, else in one of its own that is committed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.rows import class_row

from revlayer_udf import frames, golden_rows, queries
from revlayer_udf.errors import ArtefactError, NoChampion, RegistryError, UnknownModel
from revlayer_udf.manifest import Manifest
from revlayer_udf.runtime import Scorer
from revlayer_udf.targets import TARGETS

_SQL = queries.load("revlayer_udf", "queries/registry.sql")
LISTED = 6  # versions that a message names
# What a version stands for besides its artefact.
IDENTITY = ("artefact_sha256", "feature_relation", "entity_key", "features", "outputs", "raw_output")
_GOLDEN = queries.load("revlayer_udf", "queries/certificate.sql")


@dataclass(frozen=True)
class Metric:
    """One figure of an evaluation: a row of scoring.model_metrics.

    Attributes:
        split: train, validate, test or cross_validation.
        predictor: the model, or the baseline it is compared with.
        segment: a segment_id, or ``(all)``.
    """

    split: str
    predictor: str
    segment: str
    metric: str
    value: float | None
    row_count: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Predicted against observed in one bin: a row of scoring.model_reliability."""

    split: str
    predictor: str
    segment: str
    bin: int
    row_count: int
    predicted_mean: float
    observed_rate: float


@dataclass(frozen=True)
class ModelSummary:
    """A registered model without its artefact."""

    model_version: str
    target: str
    algorithm: str
    rung: str
    status: str
    is_temporal_evidence: bool
    beats_baseline: bool
    trained_through_date: date | None
    created_at: datetime


@dataclass(frozen=True)
class ModelEvent:
    """One change of a model's status; ``action`` is register, promote or rollback."""

    event_id: int
    model_version: str
    action: str
    from_status: str | None
    to_status: str
    reason: str | None
    changed_by: str
    changed_at: datetime


class Model(NamedTuple):
    """What a Scorer is made of."""

    manifest: Manifest
    artefact: bytes


def register(
    conn: psycopg.Connection,
    artefact: bytes,
    manifest: Manifest,
    metrics: Iterable[Metric] = (),
    reliability: Iterable[ReliabilityBin] = (),
    reason: str | None = None,
    golden: pa.Table | None = None,
) -> bool:
    """Keep an artefact as a candidate, once it loads and agrees with its manifest.

    Registering the same version again changes nothing, except that a damaged artefact is mended and missing
    golden rows are added: what is known of a model is not rewritten afterwards.

    Args:
        golden: rows every engine must score alike; see ``golden_rows``.

    Returns:
        Whether the version is new.

    Raises:
        ArtefactError: see ``runtime.Scorer``.
        RegistryError: the version stands with another hash, other columns or other outputs.
    """
    Scorer(artefact, manifest)
    values: dict[str, Any] = manifest.model_dump()
    values |= {"artefact": artefact, "manifest": manifest.to_json()}
    with conn.transaction():
        is_new = conn.execute(_SQL["register"], values).fetchone() is not None
        if golden is not None:
            keep_golden_rows(conn, manifest.model_version, golden)
        if not is_new:
            _check_same(conn, manifest)
            conn.execute(_SQL["mend"], values)
            return False
        conn.execute(_SQL["record_registration"], [manifest.model_version, reason])
        _copy_rows(conn, "model_metrics", manifest.model_version, Metric, metrics)
        _copy_rows(conn, "model_reliability", manifest.model_version, ReliabilityBin, reliability)
    return True


def _check_same(conn: psycopg.Connection, manifest: Manifest) -> None:
    """Refuse what would be served as the model that has the version already, with the columns of that one."""
    row = conn.execute(_SQL["manifest"], [manifest.model_version]).fetchone()
    assert row is not None, "register found it"
    known = Manifest.from_json(row[0])
    for field in IDENTITY:
        if _identity(known, field) != _identity(manifest, field):
            raise RegistryError(
                f"{manifest.model_version} is registered with another manifest: its {field} differ",
                "A registered model is not rewritten. Export the model again, so that it gets a version of its own.",
            )


def _identity(manifest: Manifest, field: str) -> object:
    """A field as far as it decides what is scored: labels are words for people."""
    if field == "features":
        return [(feature.name, feature.type) for feature in manifest.features]
    return getattr(manifest, field)


def keep_golden_rows(conn: psycopg.Connection, model_version: str, rows: pa.Table) -> None:
    """Keep the golden rows of a model that has none yet."""
    values = {"model_version": model_version, "rows": golden_rows.to_bytes(rows), "row_count": rows.num_rows}
    conn.execute(_GOLDEN["keep_golden_rows"], values)


def promote(conn: psycopg.Connection, model_version: str, reason: str | None = None) -> None:
    """Let a model serve its target; see sql/functions/scoring/promote.sql.

    Raises:
        UnknownModel: there is no such model.
        RegistryError: no evidence on later data, baseline not beaten, a changed artefact, no certificate, or one
            that says that engines differ.
    """
    with conn.transaction():
        get(conn, model_version)
        _call(conn, "promote", [model_version, reason])


def rollback(conn: psycopg.Connection, target: str, reason: str | None = None) -> str:
    """Return a target to the model that served before the present one, and return its version.

    Raises:
        RegistryError: no model served before, or its artefact was changed.
    """
    return _call(conn, "rollback", [target, reason])


def champion(conn: psycopg.Connection, target: str) -> Model | None:
    """Return manifest and artefact of the model that serves a target, None where none does.

    Raises:
        ArtefactError: manifest and registry disagree. The artefact's hash is checked by ``Scorer``.
    """
    return _read(conn, "champion", target)


def require_champion(conn: psycopg.Connection, target: str) -> Model:
    """Return what ``champion`` does.

    Raises:
        NoChampion: no model serves the target.
    """
    found = champion(conn, target)
    if found is None:
        raise NoChampion(f"no model serves {target}", "Run: revlayer train")
    return found


def get(conn: psycopg.Connection, model_version: str) -> Model:
    """Return manifest and artefact of one model.

    Raises:
        UnknownModel: there is no such model.
    """
    found = _read(conn, "get", model_version)
    if found is None:
        raise UnknownModel(f"there is no model {model_version}", _what_exists(conn))
    return found


def find(conn: psycopg.Connection, name: str) -> Model:
    """Return a model by its version, or the one that serves a target.

    Raises:
        UnknownModel: it is neither a version nor a target.
        NoChampion: no model serves the target.
    """
    if (found := _read(conn, "get", name)) is not None:
        return found
    if name not in (targets := _targets(conn)):
        what = f"{_what_exists(conn)}\nTargets: {', '.join(targets)}."
        raise UnknownModel(f"there is no model {name}, and no target of that name", what)
    return require_champion(conn, name)


def require_target(conn: psycopg.Connection, target: str) -> None:
    """Raise UnknownModel for a name that neither deals are scored for nor any model was made for."""
    if target not in (known := _targets(conn)):
        raise UnknownModel(f"there is no target {target}", f"There are {', '.join(known)}.")


def _targets(conn: psycopg.Connection) -> list[str]:
    return sorted({*TARGETS, *(model.target for model in list_models(conn))})


def _what_exists(conn: psycopg.Connection) -> str:
    versions = [model.model_version for model in list_models(conn)]
    if not versions:
        return "No model is registered yet: revlayer train, or revlayer models add"
    more = "" if len(versions) <= LISTED else f" and {len(versions) - LISTED} more: revlayer models list"
    return f"There are {', '.join(versions[:LISTED])}{more}"


def list_models(conn: psycopg.Connection, target: str | None = None) -> list[ModelSummary]:
    """Return the models of a target, or all, newest first."""
    with conn.cursor(row_factory=class_row(ModelSummary)) as cursor:
        return cursor.execute(_SQL["list"], {"target": target}).fetchall()


def history(conn: psycopg.Connection, target: str) -> list[ModelEvent]:
    """Return every change of status of a target's models, oldest first."""
    with conn.cursor(row_factory=class_row(ModelEvent)) as cursor:
        return cursor.execute(_SQL["history"], [target]).fetchall()


def _call(conn: psycopg.Connection, name: str, arguments: list[str | None]) -> str:
    try:
        with conn.transaction():
            row = conn.execute(_SQL[name], arguments).fetchone()
    except psycopg.errors.RaiseException as error:
        raise RegistryError(error.diag.message_primary or str(error), error.diag.message_hint) from None
    if row is None:
        raise RegistryError(f"scoring.{name} returned nothing", "Run: revlayer migrate")
    return str(row[0])


def _read(conn: psycopg.Connection, name: str, argument: str) -> Model | None:
    row = conn.execute(_SQL[name], [argument]).fetchone()
    if row is None:
        return None
    text, artefact, model_version, target, digest = row
    manifest = Manifest.from_json(text)
    if (manifest.model_version, manifest.target, manifest.artefact_sha256) != (model_version, target, digest):
        raise ArtefactError(
            f"the manifest of {model_version} is that of {manifest.model_version}, or names another hash",
            "The registry was edited by hand. Train the target again: revlayer train",
        )
    return Model(manifest, bytes(artefact))


def _copy_rows(
    conn: psycopg.Connection,
    table: str,
    model_version: str,
    kind: type[Metric] | type[ReliabilityBin],
    rows: Iterable[Metric] | Iterable[ReliabilityBin],
) -> None:
    listed = list(rows)
    columns = {field.name: [getattr(row, field.name) for row in listed] for field in fields(kind)}
    data = pa.table({"model_version": [model_version] * len(listed), **columns})
    if listed:
        frames.copy_in(conn, sql.Identifier("scoring", table), data)
