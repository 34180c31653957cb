"""Golden rows: feature rows that every engine must score alike, with what the trained model made of them.

A table has the features of the manifest and, per output, a column ``expected__<output>``: a number, a list of
numbers for outputs wider than one, a text for the rung.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.ipc
from onnx import numpy_helper

from revlayer_udf.errors import ArtefactError
from revlayer_udf.manifest import Manifest
from revlayer_udf.runtime import numeric_matrix

EXPECTED = "expected__"
# Values at which engines part: signed zeros, numbers float32 barely holds, integers it no longer tells apart.
EXTREME_NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.1, 1e-40, 16_777_217.0, -1e6, 1e12, 1e30, -1e30)
EXTREME_TEXTS = ("", "a value never seen", "Ünïcode – 数", 'it\'s "quoted"; -- \\n', " ")
SAMPLE_ROWS = 200
THRESHOLD_ROWS = 120


def with_expected(features: pa.Table, expected: Mapping[str, np.ndarray]) -> pa.Table:
    """Add the trained model's outputs to feature rows.

    Args:
        features: N rows.
        expected: by output float [N] or [N, width], or text [N].
    """
    table = features
    for name, values in expected.items():
        flat = values.reshape(len(values), -1)
        if flat.dtype.kind not in "fiu":
            column: pa.Array = pa.array(flat[:, 0].tolist(), pa.string())
        elif flat.shape[1] == 1:
            column = pa.array(flat[:, 0].astype(np.float64))
        else:
            numbers = pa.array(flat.astype(np.float64).reshape(-1))
            column = pa.FixedSizeListArray.from_arrays(numbers, flat.shape[1])
        table = table.append_column(EXPECTED + name, column)
    return table


def expected_outputs(rows: pa.Table, manifest: Manifest) -> dict[str, np.ndarray]:
    """Return what the trained model made of golden rows: float64 [N, width] or text [N] by output."""
    found: dict[str, np.ndarray] = {}
    for name in manifest.outputs:
        if EXPECTED + name not in rows.column_names:
            continue
        column = rows[EXPECTED + name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
        if pa.types.is_string(column.type):
            found[name] = np.array(column.to_pylist(), dtype=object)
        elif pa.types.is_nested(column.type):
            found[name] = np.array(column.flatten()).astype(np.float64).reshape(len(column), -1)
        else:
            found[name] = np.asarray(column.to_numpy(zero_copy_only=False), np.float64).reshape(-1, 1)
    return found


def to_bytes(rows: pa.Table) -> bytes:
    """Return golden rows as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def from_bytes(content: bytes) -> pa.Table:
    """Read what ``to_bytes`` wrote.

    Raises:
        ArtefactError: the bytes are no Arrow stream.
    """
    try:
        return pa.ipc.open_stream(content).read_all()
    except pa.ArrowInvalid as error:
        raise ArtefactError(f"stored golden rows are malformed: {error}", "Run: revlayer train") from None


def make_rows(artefact: bytes, manifest: Manifest, sample: pa.Table | None = None, seed: int = 1) -> pa.Table:
    """Make feature rows for a model that brought none: real ones, and real ones with values replaced.

    One extreme a row, because float32 sums of several depend on their order in every engine. A threshold stands in
    every number column of its row: which of them a tree compares with it is hidden behind the nodes in between.

    Args:
        artefact: ONNX bytes; the thresholds of its trees, and their neighbours, are tried.
        sample: real rows of the feature relation; without them a row of zeros and empty texts is varied.

    Returns:
        The features of the manifest, numbers as float64.
    """
    base = _base(manifest, sample)
    random = np.random.default_rng(seed)
    changes: list[tuple[tuple[str, ...], float | str | None]] = []
    changes += [((name,), value) for name in manifest.numbers for value in (*EXTREME_NUMBERS, None)]
    texts = (*EXTREME_TEXTS, *_known_texts(artefact), None)
    changes += [((name,), value) for name in manifest.texts for value in texts]
    if manifest.numbers:
        thresholds = _near_thresholds(artefact)
        taken = random.permutation(len(thresholds))[:THRESHOLD_ROWS]
        changes += [(manifest.numbers, thresholds[index]) for index in taken]
    origin = random.integers(0, base.num_rows, len(changes))
    varied = base.take(pa.array(origin))
    for name in base.column_names:
        values = varied[name].to_pylist()
        for row, (changed, value) in enumerate(changes):
            if name in changed:
                values[row] = value
        column = pa.array(values, base.schema.field(name).type)
        varied = varied.set_column(varied.column_names.index(name), name, column)
    return pa.concat_tables([base, varied]).combine_chunks()


def _base(manifest: Manifest, sample: pa.Table | None) -> pa.Table:
    if sample is None or sample.num_rows == 0:
        zeros: dict[str, Any] = {name: [0.0] for name in manifest.numbers}
        return pa.table(zeros | {name: pa.array([""], pa.string()) for name in manifest.texts})
    taken = sample.slice(0, SAMPLE_ROWS)
    columns = {name: _doubles(taken, name) for name in manifest.numbers}
    return pa.table(columns | {name: taken[name].cast(pa.string()) for name in manifest.texts})


def _doubles(table: pa.Table, name: str) -> pa.Array:
    column = table[name]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    values = numeric_matrix(table, (name,))[:, 0].astype(np.float64)
    return pa.array(values, mask=np.isnan(values))


def _near_thresholds(artefact: bytes) -> list[float]:
    found = {np.float32(value) for values in _attributes(artefact, "nodes_values", "nodes_splits") for value in values}
    finite = np.array(sorted(value for value in found if np.isfinite(value)), np.float32)
    with np.errstate(over="ignore", under="ignore"):
        near = np.concatenate([np.nextafter(finite, np.float32(side)) for side in (-np.inf, np.inf)])
    return [float(value) for value in (*finite, *near) if np.isfinite(value)]


def _known_texts(artefact: bytes) -> list[str]:
    keys = [key for texts in _attributes(artefact, "keys_strings", "cats_strings") for key in texts]
    return sorted({key.decode("utf-8", "replace") for key in keys})[:20]


def _attributes(artefact: bytes, *names: str) -> Iterator[Any]:
    for node in onnx.load_model_from_string(artefact).graph.node:
        for attribute in node.attribute:
            if attribute.name.removesuffix("_as_tensor") in names:
                value = onnx.helper.get_attribute_value(attribute)
                yield numpy_helper.to_array(value).reshape(-1) if isinstance(value, onnx.TensorProto) else value
