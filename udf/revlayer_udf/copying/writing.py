"""Binary COPY in: Arrow columns as the bytes of their rows, all rows of a batch at once.

=====================================  =====================================
Arrow                                  column of the table
=====================================  =====================================
double, float                          double precision (NaN is NaN, null is null)
int64 / int32                          bigint / integer
bool                                   boolean
date32                                 date
timestamp[us]                          timestamp, with or without time zone
string, large_string, dictionary       text
=====================================  =====================================
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.copying.reading import SIGNATURE, TRAILER
from revlayer_udf.errors import FrameError

# PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01.
EPOCH_DAYS = 10_957
EPOCH_MICROSECONDS = EPOCH_DAYS * 86_400_000_000
_NULL = b"\xff\xff\xff\xff"
_WIRE = {
    pa.float64(): ">f8",
    pa.float32(): ">f8",
    pa.int64(): ">i8",
    pa.int32(): ">i4",
    pa.bool_(): ">u1",
    pa.date32(): ">i4",
}

_SQL = queries.load("revlayer_udf", "queries/copying.sql")


class RowWriter:
    """Appends encoded rows to a table; a context manager, in a transaction of the caller's.

    Leaving it without an error completes the copy; with one, the server forgets the rows.

    Attributes:
        row_count: rows written, known after leaving it.
    """

    def __init__(self, conn: psycopg.Connection, table: sql.Composable, columns: Sequence[str]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL(_SQL["copy_in"]).format(table=table, columns=names)
        self._cursor = conn.cursor()
        self._cursor.execute(_SQL["encoding"])
        self._opening = self._cursor.copy(statement)
        self.row_count = 0

    def __enter__(self) -> "RowWriter":
        self._copy = self._opening.__enter__()
        self._copy.write(SIGNATURE + bytes(8))
        return self

    def write(self, rows: pa.Buffer) -> None:
        """Send what ``encode`` returned."""
        self._copy.write(memoryview(rows))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._copy.write(TRAILER)
        finally:
            self._opening.__exit__(kind, error, trace)
        self.row_count = self._cursor.rowcount
        self._cursor.close()


def encode(columns: pa.RecordBatch, kept: pa.BinaryArray | None = None, kept_count: int = 0) -> pa.Buffer:
    """Return rows as binary COPY wants them, without header and trailer.

    Args:
        columns: N rows, in the order of the table's columns that are written.
        kept: fields of columns before them, as ``Block.kept`` has them.
        kept_count: how many columns those are.

    Raises:
        FrameError: a column has a type outside the table above.
    """
    wires = [_wire(field) for field in columns.schema]
    count = columns.num_rows
    if count == 0:
        return pa.py_buffer(b"")
    pieces: list[Any] = [pa.scalar((columns.num_columns + kept_count).to_bytes(2, "big"), pa.binary())]
    pieces += [] if kept is None else [kept]
    waiting: list[np.ndarray] = []
    for wire, field, column in zip(wires, columns.schema, columns.columns, strict=True):
        if wire is not None and column.null_count == 0:
            waiting.append(_fixed(column, wire))  # neighbours become one piece
            continue
        pieces += _joined(waiting)
        waiting = []
        pieces += _texts(column, field) if wire is None else _joined([_fixed(column, wire)], column)
    pieces += _joined(waiting)
    rows = pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=_NULL)
    offsets = np.frombuffer(rows.buffers()[1], np.int32, count + 1, offset=rows.offset * 4)
    return rows.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _wire(field: pa.Field) -> str | None:
    kind = field.type
    if kind in _WIRE:
        return _WIRE[kind]
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        return ">i8"
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(values) or pa.types.is_large_string(values):
        return None
    raise FrameError(f"column {field.name} has type {kind}, which binary COPY has no form for here")


def _fixed(column: pa.Array, wire: str) -> np.ndarray:
    """Return uint8 [N, 4 + width]: the length and the value; what stands for null does not matter."""
    shift = EPOCH_DAYS if pa.types.is_date(column.type) else 0
    shift = EPOCH_MICROSECONDS if pa.types.is_timestamp(column.type) else shift
    if shift:
        column = column.cast(pa.int32() if pa.types.is_date(column.type) else pa.int64())
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else shift)
    width = np.dtype(wire).itemsize
    made = np.empty((len(column), 4 + width), np.uint8)
    made[:, :4] = np.frombuffer(width.to_bytes(4, "big"), np.uint8)
    values = column.to_numpy(zero_copy_only=False)
    np.ndarray((len(column),), wire, made, offset=4, strides=(4 + width,))[:] = values - shift if shift else values
    return made


def _joined(parts: list[np.ndarray], nulls: pa.Array | None = None) -> list[pa.Array]:
    if not parts:
        return []
    block = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    offsets = np.arange(len(block) + 1, dtype=np.int32) * np.int32(block.shape[1])
    piece = pa.Array.from_buffers(
        pa.binary(), len(block), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(block).reshape(-1))]
    )
    return [piece if nulls is None else pc.if_else(nulls.is_valid(), piece, pa.scalar(None, pa.binary()))]


def _texts(column: pa.Array, field: pa.Field) -> list[pa.Array]:
    if pa.types.is_dictionary(field.type):
        values = column.dictionary.cast(pa.string())
        with_length = pc.binary_join_element_wise(_length(values), values.cast(pa.binary()), b"")
        return [with_length.take(column.indices)]
    values = column.cast(pa.string())
    return [_length(values), values.cast(pa.binary()).fill_null(b"")]


def _length(values: pa.StringArray) -> pa.BinaryArray:
    lengths = pc.binary_length(values)
    block = lengths.fill_null(-1).to_numpy(zero_copy_only=False).astype(">i4")
    return _joined([block.view(np.uint8).reshape(-1, 4)])[0]
