"""Features of anything that is trained on: columns in memory, whatever the labels."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from numpy.typing import NDArray

from revlayer_training.precision import as_float32
from revlayer_training.preprocessing import Texts

Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class Features:
    """Columns of equal length N; subclasses add labels, arrays of N as well.

    Attributes:
        numbers: float32 [N] by feature, null = NaN.
        texts: text columns by feature, with ``segment_id``.
        number_features, text_features: what a model may use, in order.
        entity: number of the deal, customer or install of each row (rows of one share it).
        entity_ids: its id.
        as_of: as-of dates.
        fingerprint: SHA-256 over the ordered content.
    """

    numbers: dict[str, NDArray[np.float32]]
    texts: dict[str, Texts]
    number_features: tuple[str, ...]
    text_features: tuple[str, ...]
    entity: NDArray[np.int64]
    entity_ids: NDArray[np.object_]
    as_of: Days
    fingerprint: str

    def __len__(self) -> int:
        return len(self.entity)

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """Return the rows of a mask."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        arrays: dict[str, Any] = {name: held[rows] for name, held in columns.items() if isinstance(held, np.ndarray)}
        return replace(
            self, **arrays,
            numbers={name: column[rows] for name, column in self.numbers.items()},
            texts={name: column.take(rows) for name, column in self.texts.items()},
        )  # fmt: skip

    def numeric(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [N, K] in the order of ``names``."""
        if not names:
            return np.empty((len(self), 0), np.float32)
        return np.column_stack([self.numbers[name] for name in names])

    def categorical(self, names: Sequence[str]) -> NDArray[np.object_]:
        """Return strings [N, C] in the order of ``names``."""
        if not names:
            return np.empty((len(self), 0), object)
        return np.column_stack([self.texts[name].values() for name in names])

    @property
    def segments(self) -> Texts:
        """The segment of each row."""
        return self.texts["segment_id"]


def feature_columns(
    table: pa.Table,
    key: str,
    number_features: Sequence[str],
    text_features: Sequence[str],
    helper_texts: Sequence[str] = (),
    helper_numbers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what ``Features`` takes, from a table with the key, as_of_date and the features.

    Args:
        helper_texts, helper_numbers: further columns, which not every model reads.

    Raises:
        FeatureError: float32 cannot hold a number feature.
    """
    entity = table[key].combine_chunks().dictionary_encode()
    return {
        "numbers": {
            n: as_float32(n, np.asarray(table[n].to_numpy(), np.float64)) for n in (*number_features, *helper_numbers)
        },
        "texts": {name: _texts(table[name]) for name in (*text_features, *helper_texts)},
        "number_features": tuple(number_features),
        "text_features": tuple(text_features),
        "entity": np.asarray(entity.indices.to_numpy(zero_copy_only=False), np.int64),
        "entity_ids": table[key].to_numpy(),
        "as_of": days_of(table["as_of_date"]),
        "fingerprint": fingerprint(table),
    }


def fingerprint(table: pa.Table) -> str:
    """SHA-256 over column names, types and the ordered content, whatever the batches it came in."""
    digest = hashlib.sha256(str(len(table)).encode())
    for name in table.column_names:
        column = table[name].combine_chunks()
        digest.update(f"\x1f{name}\x1f{column.type}\x1f".encode())
        for start in range(0, len(column), 65536):
            # Slices are copied so that equal content has equal buffers.
            part = pa.concat_arrays([column.slice(start, 65536)])
            sink = pa.BufferOutputStream()
            batch = pa.record_batch([part], names=[name])
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            digest.update(sink.getvalue())
    return digest.hexdigest()


def _texts(column: pa.ChunkedArray) -> Texts:
    encoded = column.fill_null("").combine_chunks().dictionary_encode()
    indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
    return Texts(encoded.dictionary.to_pylist(), indices)


def days_of(column: pa.ChunkedArray) -> Days:
    """Return dates, null = NaT."""
    return np.asarray(column.to_numpy(), "datetime64[D]")
