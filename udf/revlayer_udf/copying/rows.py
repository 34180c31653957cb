"""Undecoded rows into what a model takes, all rows of a block at once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from revlayer_udf.copying.reading import RawBlock
from revlayer_udf.copying.selection import LENGTH_BYTES, NUMBER_BYTES, Selection
from revlayer_udf.errors import FrameError

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """N rows.

    Attributes:
        numeric: float32 [N, K], null as NaN.
        texts: C arrays of text [N], null as ''.
        kept: binary [N], the kept columns as the server wrote them, each with its length; ``encode`` writes them
            as they are.
    """

    numeric: NDArray[np.float32]
    texts: tuple[pa.StringArray, ...]
    kept: pa.BinaryArray

    @property
    def num_rows(self) -> int:
        return len(self.kept)

    def name(self, row: int) -> str:
        """Return the first kept value of a row, for messages."""
        value = self.kept[row].as_py()
        size = int.from_bytes(value[:LENGTH_BYTES], "big", signed=True)
        raw = value[LENGTH_BYTES : LENGTH_BYTES + max(size, 0)]
        text = raw.decode(errors="replace")
        if size < 0:
            return "null"
        return repr(text) if text.isprintable() else str(int.from_bytes(raw, "big", signed=True))


def decode(selection: Selection, raw: RawBlock) -> Block:
    """Decode the rows of a selection.

    Raises:
        FrameError: the bytes are not those of the selection.
    """
    ends = np.cumsum(raw.lengths)
    starts = ends - raw.lengths
    rows = _binary(raw.data, starts, len(raw.data))
    width = selection.fixed_bytes
    if len(raw.lengths) and int(raw.lengths.min()) < width:
        raise FrameError("a row is shorter than its numbers", "Run it again.")
    numeric = _numbers(selection, rows, width)
    data, position, texts = np.frombuffer(raw.data, np.uint8), starts + width, []
    for _ in selection.texts:
        lengths = _lengths(data, position)
        texts.append(_gather(data, position + LENGTH_BYTES, lengths, pa.string()))
        position = position + LENGTH_BYTES + lengths
    return Block(numeric, tuple(texts), _gather(data, position, ends - position, pa.binary()))


def _numbers(selection: Selection, rows: pa.BinaryArray, width: int) -> NDArray[np.float32]:
    count = len(rows)
    numeric = np.empty((count, len(selection.numbers)), np.float32)
    if not selection.numbers:
        return numeric
    fixed = pc.binary_slice(rows, 0, width).buffers()[2]
    position = 2
    with np.errstate(over="ignore", under="ignore"):  # beyond float32 is infinite or 0, for every engine
        for start, size in selection.groups():
            position += LENGTH_BYTES
            numeric[:, start : start + size] = np.ndarray(
                (count, size), ">f8", fixed, offset=position, strides=(width, NUMBER_BYTES)
            )
            position += size * NUMBER_BYTES
    return numeric


def _lengths(data: NDArray[np.uint8], position: Integers) -> Integers:
    # Every four bytes of the block as an integer, whatever they mean; then those at the positions.
    windows = np.ndarray((max(len(data) - 3, 0),), ">i4", data, strides=(1,))
    lengths = windows[position].astype(np.int64)
    if (lengths < 0).any():
        raise FrameError("a text is null where none can be", "Run it again.")
    return lengths


def _gather(data: NDArray[np.uint8], starts: Integers, lengths: Integers, kind: pa.DataType) -> pa.Array:
    ends = np.cumsum(lengths)
    shift = np.repeat(starts - (ends - lengths), lengths)
    return _binary(data[np.arange(len(shift)) + shift], ends - lengths, len(shift), kind)


def _binary(data: bytes | NDArray[np.uint8], starts: Integers, size: int, kind: pa.DataType | None = None) -> pa.Array:
    offsets = np.append(starts, size).astype(np.int32)
    return pa.Array.from_buffers(kind or pa.binary(), len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
