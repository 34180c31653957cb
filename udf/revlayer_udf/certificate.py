"""The parity certificate: every engine scores the golden rows of a model, and every pair of them is compared.

A model is promoted only with a certificate of its present artefact in which something was compared and nothing
differs. An engine that a server does not have, or that cannot run a model, is named with its reason.
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnxruntime
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.rows import class_row

from revlayer_udf import frames, golden_rows, queries, registry
from revlayer_udf.engines import ENGINES, IN_DATABASE, Answer, Failed, Unavailable
from revlayer_udf.errors import RegistryError
from revlayer_udf.manifest import Manifest
from revlayer_udf.registry import Model
from revlayer_udf.runtime import check_hash

# Of a probability as it is; of an amount, in units of max(|a|, the training target's standard deviation).
TOLERANCE = 1e-5
SCALE = "target_standard_deviation"

_SQL = queries.load("revlayer_udf", "queries/certificate.sql")
# From here on an amount counts as infinite, in every engine.
OVERFLOW = 1e37

Status = Literal["equal", "different", "not_available"]


@dataclass(frozen=True)
class Comparison:
    """Two engines on one output: a row of scoring.model_certificates.

    Attributes:
        row_count: rows compared.
        largest_difference: |a - b| / max(|a|, scale); 1 where a text differs; None where nothing was compared.
        worst_row: its place among the golden rows.
        note: why they differ, or why an engine could not be asked.
    """

    output: str
    first_engine: str
    second_engine: str
    status: Status
    row_count: int
    largest_difference: float | None
    tolerance: float
    worst_row: int | None
    note: str | None


@dataclass(frozen=True)
class Certificate:
    """What came of comparing the engines of one model."""

    model_version: str
    comparisons: tuple[Comparison, ...]

    @property
    def is_good(self) -> bool:
        """Something was compared and nothing differs: the model may be promoted."""
        statuses = [comparison.status for comparison in self.comparisons]
        return "equal" in statuses and "different" not in statuses

    @property
    def largest_difference(self) -> float | None:
        """The largest difference of all pairs; None where nothing was compared."""
        return max((c.largest_difference for c in self.comparisons if c.largest_difference is not None), default=None)

    def engine_status(self, engine: str) -> tuple[Status, str | None]:
        """Whether an engine scores as ONNX Runtime does, and if not, why."""
        pairs = [c for c in self.comparisons if {c.first_engine, c.second_engine} == {"onnxruntime", engine}]
        for status in ("different", "not_available"):
            for pair in pairs:
                if pair.status == status:
                    return pair.status, pair.note
        return ("equal", None) if pairs else ("not_available", "it was not asked")


def certify(conn: psycopg.Connection, model_version: str) -> Certificate:
    """Score a model's golden rows by every engine, compare all pairs and keep the result.

    A model that was registered without golden rows gets some, from the newest rows of its features.

    Args:
        conn: of the role scorer. Functions and tables made on the way are rolled back.

    Raises:
        RegistryError: there is no such model.
        ArtefactError: its artefact was changed after it was registered.
    """
    with conn.transaction():
        model = registry.get(conn, model_version)
        check_hash(model.artefact, model.manifest)
        conn.execute(_SQL["queue"], [model_version])
        rows = _golden_rows(conn, model)
        comparisons = tuple(compare(model.manifest, *_ask(conn, model, rows)))
        _keep(conn, model.manifest, comparisons)
    return Certificate(model_version, comparisons)


def read(conn: psycopg.Connection, model_version: str) -> Certificate | None:
    """Return the certificate of a model's present artefact, None where it has none."""
    manifest = registry.get(conn, model_version).manifest
    with conn.cursor(row_factory=class_row(Comparison)) as cursor:
        found = cursor.execute(_SQL["certificate"], [model_version, manifest.artefact_sha256]).fetchall()
    return Certificate(model_version, tuple(found)) if found else None


def require(certificate: Certificate) -> None:
    """Raise where a certificate does not allow promotion, naming the pair that differs.

    Raises:
        RegistryError: engines differ, or nothing could be compared.
    """
    for pair in certificate.comparisons:
        if pair.status == "different":
            raise RegistryError(
                f"{certificate.model_version}: {pair.first_engine} and {pair.second_engine} differ in {pair.output} "
                f"by {pair.largest_difference:.3g}, {pair.tolerance:g} allowed: {pair.note}",
                f"See all pairs: revlayer models show {certificate.model_version}",
            )
    if not certificate.is_good:
        raise RegistryError(
            f"nothing could be compared for {certificate.model_version}",
            f"See why: revlayer models show {certificate.model_version}",
        )


def _ask(conn: psycopg.Connection, model: Model, rows: pa.Table) -> tuple[dict[str, Answer], np.ndarray]:
    """Return every engine's answer, and the rows for which those in the database were asked, bool [N]."""
    outside = {name: engine(conn, model, rows) for name, engine in ENGINES.items() if name not in IN_DATABASE}
    finite = _finite_rows(outside["onnxruntime"], rows.num_rows)
    asked = rows.filter(pa.array(finite))
    inside = {name: ENGINES[name](conn, model, asked) for name in ENGINES if name in IN_DATABASE}
    return outside | inside, finite


def _finite_rows(answer: Answer, count: int) -> np.ndarray:
    finite = np.ones(count, bool)
    for values in answer.values() if isinstance(answer, Mapping) else ():
        if values.dtype != object:
            finite &= np.isfinite(values).all(axis=1)
    return finite


def compare(manifest: Manifest, answers: Mapping[str, Answer], finite: np.ndarray) -> Iterator[Comparison]:
    """Compare every pair of engines on every output that both can return; the raw score stays inside the graph.

    Args:
        answers: by engine; those in the database have only the rows of ``finite``.
        finite: bool [N].
    """
    for output in manifest.outputs:
        asked = [name for name in answers if output != manifest.raw_output or name not in IN_DATABASE]
        for first, second in itertools.combinations(asked, 2):
            yield _compare(manifest, output, (first, answers[first]), (second, answers[second]), finite)


def _compare(
    manifest: Manifest, output: str, first: tuple[str, Answer], second: tuple[str, Answer], finite: np.ndarray
) -> Comparison:
    rows = np.flatnonzero(finite) if {first[0], second[0]} & IN_DATABASE else np.arange(len(finite))

    def made(status: Status, difference: float | None, note: str | None, worst: int | None = None) -> Comparison:
        count = 0 if status == "not_available" else len(rows)
        return Comparison(output, first[0], second[0], status, count, difference, TOLERANCE, worst, note)

    for name, answer in (first, second):
        if isinstance(answer, Unavailable):
            return made("not_available", None, f"{name}: {answer.reason}")
    for name, answer in (first, second):
        if isinstance(answer, Failed):
            return made("different", math.inf, f"{name}: {answer.reason}")
        if isinstance(answer, Mapping) and output not in answer:
            return made("not_available", None, f"{name} keeps no {output}")
    if not finite.any():  # engines that agree on nothing but NaN say nothing of the model
        return made("not_available", None, "no golden row has a finite score")
    a, b = (_of_rows(name, answer, output, rows, len(finite)) for name, answer in (first, second))
    if a.shape != b.shape:
        return made("different", math.inf, f"shapes {a.shape} and {b.shape}")
    distance = _distance(a, b, _scale(manifest, output))
    worst = int(np.argmax(distance))
    largest = float(distance[worst])
    place = int(rows[worst])
    if largest <= TOLERANCE:
        return made("equal", largest, None, place)
    return made("different", largest, f"golden row {place}: {_shown(a[worst])} and {_shown(b[worst])}", place)


def _of_rows(name: str, answer: Answer, output: str, rows: np.ndarray, count: int) -> np.ndarray:
    assert isinstance(answer, Mapping)
    values = answer[output]
    return values[rows] if name not in IN_DATABASE and len(values) == count else values


def _scale(manifest: Manifest, output: str) -> float:
    known = manifest.extra.get(SCALE)
    is_amount = isinstance(known, int | float) and known > 0 and output != manifest.raw_output
    return float(known) if is_amount else 1.0  # type: ignore[arg-type]


def _distance(a: np.ndarray, b: np.ndarray, scale: float) -> np.ndarray:
    """Return the largest distance of each row, [N]; values that are alike not finite are 0 apart."""
    if a.dtype == object:
        return (a != b).astype(np.float64)
    a, b = _without_overflow(a), _without_overflow(b)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(a - b) / np.maximum(np.abs(a), scale)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    distance = np.where(alike, 0.0, np.where(np.isfinite(a) & np.isfinite(b), distance, np.inf))
    return np.asarray(distance.reshape(len(a), -1).max(axis=1))


def _without_overflow(values: np.ndarray) -> np.ndarray:
    """Take for infinite what is close to float32's largest number: there the order of products decides which it is."""
    return np.where(np.abs(values) >= OVERFLOW, np.copysign(np.inf, values), values)


def _shown(value: object) -> str:
    numbers = np.asarray(value).reshape(-1)
    return ", ".join(f"{number:.9g}" if isinstance(number, float) else str(number) for number in numbers.tolist())


def _golden_rows(conn: psycopg.Connection, model: Model) -> pa.Table:
    manifest = model.manifest
    row = conn.execute(_SQL["golden_rows"], [manifest.model_version]).fetchone()
    if row is not None:
        return golden_rows.from_bytes(bytes(row[0]))
    made = golden_rows.make_rows(model.artefact, manifest, sample(conn, manifest))
    registry.keep_golden_rows(conn, manifest.model_version, made)
    return made


def sample(conn: psycopg.Connection, manifest: Manifest) -> pa.Table | None:
    """Return some of the newest rows of a model's features; None where they cannot be read."""
    columns = sql.SQL(", ").join(sql.Identifier(feature.name) for feature in manifest.features)
    relation = sql.Identifier(*manifest.feature_relation.split("."))
    query = sql.SQL(_SQL["sample"]).format(
        columns=columns, relation=relation, entity_key=sql.Identifier(manifest.entity_key)
    )
    try:
        with conn.transaction():
            return frames.read_table(conn, query)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InsufficientPrivilege):
        return None


def _keep(conn: psycopg.Connection, manifest: Manifest, comparisons: tuple[Comparison, ...]) -> None:
    conn.execute(_SQL["delete_certificate"], [manifest.model_version])
    version = conn.info.server_version
    versions = {
        "onnxruntime": onnxruntime.__version__,
        "postgresql": f"{version // 10000}.{version % 10000}",
    }
    rows = [
        {
            "model_version": manifest.model_version,
            "artefact_sha256": manifest.artefact_sha256,
            **vars(comparison),
            "engine_versions": json.dumps(versions),
        }
        for comparison in comparisons
    ]
    frames.copy_in(conn, sql.Identifier("scoring", "model_certificates"), _table(rows))


def _table(rows: list[dict[str, object]]) -> pa.Table:
    table = pa.Table.from_pylist(rows)
    for name, kind in (("largest_difference", pa.float64()), ("worst_row", pa.int64()), ("note", pa.string())):
        index = table.column_names.index(name)
        table = table.set_column(index, name, table[name].cast(kind))
    return table
