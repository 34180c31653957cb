"""The scoring kernel: Arrow in, arrays out. It knows no database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.compute as pc

from revlayer_udf.errors import ArtefactError, FeatureError, PredictionError
from revlayer_udf.graphs import check_graph
from revlayer_udf.manifest import RUNG_OUTPUT, RUNGS, Manifest, sha256


@dataclass(frozen=True)
class Inputs:
    """Rows as the graph takes them, for a driver that has checked the schema of its source once.

    Attributes:
        num_rows: N.
        numeric: float32 [N, K], missing as NaN; in the manifest's order.
        categorical: str objects [N, C], missing as ''; in the manifest's order.
        name: what to call a row in a message.
    """

    num_rows: int
    numeric: np.ndarray
    categorical: np.ndarray
    name: Callable[[int], str]


Frame: TypeAlias = pa.RecordBatch | pa.Table | Inputs


class Scorer:
    """One artefact, checked and loaded.

    One thread per session: scores are then bitwise equal for every batch size. Take parallelism from several
    threads that call ``score``, or several processes.

    Args:
        artefact: ONNX bytes. Inputs are ``numeric`` float32 [N, K] (null = NaN) when the manifest has K > 0
            numbers and ``categorical`` string [N, C] (null = '') when it has C > 0 texts.
        manifest: what the graph must agree with.

    Raises:
        ArtefactError: the hash differs, the graph holds what is not allowed, or inputs and outputs are not
            those of the manifest.
    """

    def __init__(self, artefact: bytes, manifest: Manifest) -> None:
        self.manifest = manifest
        check_hash(artefact, manifest)
        check_graph(artefact, manifest.model_version)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(artefact, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class
            raise ArtefactError(f"{manifest.model_version} does not load: {error}", "Export it again.") from None
        _check_inputs(self._session, manifest)
        _check_outputs(self._session, manifest)

    def check_schema(self, schema: pa.Schema) -> None:
        """Do what the function ``check_schema`` does with the scorer's manifest."""
        check_schema(self.manifest, schema)

    def score(self, batch: Frame, outputs: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Score rows.

        Args:
            batch: N rows with every feature of the manifest; other columns are ignored. ``Inputs`` has no columns
                to check.
            outputs: which outputs; left out, all but the raw score. Only what they need is computed.

        Returns:
            By output name float32 [N, width]; the optional output ``rung`` is text [N].

        Raises:
            FeatureError: see ``check_schema``.
            PredictionError: an output is not finite or has another number of rows; names the first such row.
        """
        if not isinstance(batch, Inputs):
            self.check_schema(batch.schema)
        names = list(outputs or self.manifest.predictions)
        if batch.num_rows == 0:
            widths = {node.name: node.shape for node in self._session.get_outputs()}
            return {name: _empty(name, widths[name]) for name in names}
        feeds = feeds_of(batch, self.manifest)
        results = self.run(feeds, names)
        return {name: self._checked(name, array, batch) for name, array in zip(names, results, strict=True)}

    def run(self, feeds: Mapping[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        """Run the graph on its own inputs, for a driver that makes them and looks at what comes out.

        Args:
            feeds: float32 ``numeric`` [N, K] and str objects ``categorical`` [N, C], as far as the graph has them.

        Returns:
            One array per output name, unchecked.

        Raises:
            PredictionError: the graph failed.
        """
        try:
            results: list[np.ndarray] = self._session.run(outputs, feeds)
        except Exception as error:  # onnxruntime's errors share no base class
            count = len(next(iter(feeds.values())))
            raise PredictionError(
                f"{self.manifest.model_version} failed on {count} rows: {error}",
                f"Roll back: select scoring.rollback('{self.manifest.target}', 'fails on current rows')",
            ) from None
        return results

    def _checked(self, name: str, array: np.ndarray, batch: Frame) -> np.ndarray:
        if array.ndim == 0 or array.shape[0] != batch.num_rows:
            raise PredictionError(
                f"{self.manifest.model_version}: {name} has shape {array.shape} for {batch.num_rows} rows",
                "Every output must be [N, width]: export the model again.",
            )
        if name == RUNG_OUTPUT:
            return _rung_names(array.reshape(-1), self.manifest.model_version)
        matrix = array.reshape(len(array), -1)
        finite = np.isfinite(matrix).all(axis=1)
        if not finite.all():
            refuse_rows(self.manifest, batch, ~finite, f"{name} is not finite")
        return matrix


def check_schema(manifest: Manifest, schema: pa.Schema) -> None:
    """Check that a relation has every feature, each of its type.

    Raises:
        FeatureError: naming the column, both types and what to do.
    """
    where, version = manifest.feature_relation, manifest.model_version
    for feature in manifest.features:
        index = schema.get_field_index(feature.name)
        if index < 0:
            raise FeatureError(
                f"{where} has no column {feature.name}, which {version} needs as {feature.type}",
                "Run: revlayer build. If the feature was removed on purpose, run: revlayer train",
            )
        found = schema.field(index).type
        if not _fits(found, feature.type):
            raise FeatureError(
                f"{where}.{feature.name} has type {found}; {version} was trained with {feature.type}",
                "Restore the type and run: revlayer build. If the change is meant, run: revlayer train",
            )


def refuse_rows(manifest: Manifest, batch: Frame, wrong: np.ndarray, what: str) -> None:
    """Raise for rows whose prediction may not be published, naming the first.

    Args:
        wrong: boolean [N].

    Raises:
        PredictionError: always.
    """
    first = int(np.argmax(wrong))
    entity = f"(row {first} of a batch)"
    if isinstance(batch, Inputs):
        entity = batch.name(first)
    elif batch.schema.get_field_index(manifest.entity_key) >= 0:
        entity = repr(batch.column(manifest.entity_key)[first].as_py())
    raise PredictionError(
        f"{manifest.model_version}: {what} for {int(wrong.sum())} of {len(wrong)} rows, first for "
        f"{manifest.entity_key} {entity}. Nothing was published.",
        f"Look at that row of {manifest.feature_relation}; to serve the model before this one: "
        f"select scoring.rollback('{manifest.target}', 'refused predictions')",
    )


def feeds_of(batch: Frame, manifest: Manifest) -> dict[str, np.ndarray]:
    """Return the graph's inputs for rows that have every feature."""
    ready = isinstance(batch, Inputs)
    feeds: dict[str, np.ndarray] = {}
    if manifest.numbers:
        feeds["numeric"] = batch.numeric if ready else numeric_matrix(batch, manifest.numbers)
    if manifest.texts:
        feeds["categorical"] = batch.categorical if ready else text_matrix(batch, manifest.texts)
    return feeds


def numeric_matrix(batch: pa.RecordBatch | pa.Table, names: tuple[str, ...]) -> np.ndarray:
    """Return float32 [N, K], null as NaN; every number is rounded to float32 once."""
    matrix = np.empty((batch.num_rows, len(names)), dtype=np.float32)
    with np.errstate(over="ignore"):  # beyond float32 is infinite, for every engine
        for index, name in enumerate(names):
            column = _flat(batch.column(name))
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            elif pa.types.is_decimal(column.type):
                column = column.cast(pa.float64())
            valid = column if column.null_count == 0 else pc.fill_null(column, 0)
            matrix[:, index] = valid.to_numpy(zero_copy_only=False)
            if column.null_count:
                matrix[column.is_null().to_numpy(zero_copy_only=False), index] = np.nan
    return matrix


def text_matrix(batch: pa.RecordBatch | pa.Table, names: tuple[str, ...]) -> np.ndarray:
    """Return str objects [N, C], null as ''."""
    return text_objects([_flat(batch.column(name)) for name in names], batch.num_rows)


def text_objects(columns: Sequence[pa.Array], count: int) -> np.ndarray:
    """Return str objects [count, C], null as '': one Python string per distinct value, not per row."""
    matrix = np.empty((count, len(columns)), dtype=object)
    for index, column in enumerate(columns):
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        # Nulls take the extra last place.
        values = np.array([*(text or "" for text in encoded.dictionary.to_pylist()), ""], dtype=object)
        codes = pc.fill_null(encoded.indices.cast(pa.int64()), len(values) - 1)
        matrix[:, index] = values[codes.to_numpy(zero_copy_only=False)]
    return matrix


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _fits(found: pa.DataType, wanted: str) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    if wanted == "text":
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(check(found) for check in checks)


def check_hash(artefact: bytes, manifest: Manifest) -> None:
    """Raise ArtefactError when an artefact is not the one its manifest was made for."""
    found = sha256(artefact)
    if found != manifest.artefact_sha256:
        raise ArtefactError(
            f"the artefact of {manifest.model_version} was changed after it was registered: its SHA-256 is "
            f"{found}, the manifest says {manifest.artefact_sha256}",
            f"Train it again (revlayer train), or serve the model before it: "
            f"select scoring.rollback('{manifest.target}', 'tampered artefact')",
        )


def _check_inputs(session: ort.InferenceSession, manifest: Manifest) -> None:
    wanted: dict[str, tuple[str, int]] = {}
    if manifest.numbers:
        wanted["numeric"] = ("tensor(float)", len(manifest.numbers))
    if manifest.texts:
        wanted["categorical"] = ("tensor(string)", len(manifest.texts))
    found = {node.name: (node.type, _width(node.shape)) for node in session.get_inputs()}
    if found != wanted:
        raise ArtefactError(
            f"{manifest.model_version} takes {found}, its manifest says {wanted} (input: type, columns)",
            "Export the model and its manifest together: revlayer train",
        )


def _check_outputs(session: ort.InferenceSession, manifest: Manifest) -> None:
    found = {node.name: node.type for node in session.get_outputs()}
    allowed = {
        name: ("tensor(string)", "tensor(int64)") if name == RUNG_OUTPUT else ("tensor(float)",)
        for name in manifest.outputs
    }
    if set(found) != set(allowed) or any(found[name] not in types for name, types in allowed.items()):
        raise ArtefactError(
            f"{manifest.model_version} returns {found}, its manifest says {allowed}",
            "Export the model and its manifest together: revlayer train",
        )


def _width(shape: list[Any]) -> int:
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else -1


def _empty(name: str, shape: list[Any]) -> np.ndarray:
    if name == RUNG_OUTPUT:
        return np.empty(0, dtype=object)
    return np.empty((0, max(_width(shape), 1)), dtype=np.float32)


def _rung_names(values: np.ndarray, model_version: str) -> np.ndarray:
    if values.dtype.kind == "i" and ((values >= 0) & (values < len(RUNGS))).all():
        return np.array(RUNGS, dtype=object)[values]
    names = values.astype(object)
    unknown = set(np.unique(names.astype(str))) - set(RUNGS)
    if unknown:
        raise PredictionError(
            f"{model_version} names unknown rungs: {', '.join(sorted(unknown))}",
            f"The output rung is one of {', '.join(RUNGS)}, or its place 0, 1, 2.",
        )
    return names
