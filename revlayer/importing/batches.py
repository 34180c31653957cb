"""From records of text to typed record batches; what cannot be read goes to the rejects on the way."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.importing.mapping import Condition, When
from revlayer.importing.plan import Plan
from revlayer.importing.records import Record
from revlayer.importing.rejects import Reject, Rejects
from revlayer.importing.values import Reader, as_text

BATCH_ROWS = 20_000
# Blocks are about half a megabyte, so long rows fill a batch before their number does.
BATCH_BLOCKS = 32
# A key is part of an index, which takes no more than 2,700 bytes.
KEY_CHARACTERS = 500


@dataclass
class Counts:
    """What happened to the rows of one target; ``skipped`` are those its ``when`` leaves to others."""

    read: int = 0
    skipped: int = 0


class BatchMaker:
    """Makes the batches that are copied into the staging table of one target."""

    def __init__(self, plan: Plan, header: list[str], rejects: Rejects) -> None:
        self.plan = plan
        self.header = header
        self.rejects = rejects
        self.counts = Counts()

    def make(self, blocks: Iterable[list[Record]], progress: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
        """Yield typed batches; ``progress`` is told the rows read so far."""
        good: list[Record] = []
        held = 0
        for block in blocks:
            for record in block:
                if record.problem is not None:
                    self.counts.read += 1
                    self._reject(record, record.problem)
            good += [record for record in block if record.problem is None]
            held += 1
            if len(good) >= BATCH_ROWS or held >= BATCH_BLOCKS:
                if good:
                    yield self._convert(good)
                good, held = [], 0
                progress(self.counts.read)
        if good:
            yield self._convert(good)
        progress(self.counts.read)

    def _convert(self, records: list[Record]) -> pa.RecordBatch:
        columns = self._columns(records)
        if self.plan.target.when:
            chosen = _matches(self.plan.target.when, columns, len(records))
            self.counts.skipped += len(records) - int(chosen.sum())
            records = [records[row] for row in np.flatnonzero(chosen)]
            columns = {name: array.filter(pa.array(chosen)) for name, array in columns.items()}
        self.counts.read += len(records)
        reasons: dict[int, list[str]] = {}
        made = self._typed(records, columns, reasons)
        for row in sorted(reasons):
            self._reject(records[row], "; ".join(reasons[row]))
        keep = np.ones(len(records), dtype=bool)
        keep[list(reasons)] = False
        batch = pa.RecordBatch.from_pydict(made)
        return batch.filter(pa.array(keep)) if reasons else batch

    def _columns(self, records: list[Record]) -> dict[str, pa.Array]:
        """Return the used columns of the file, stripped, with null for nothing."""
        by_position = list(zip(*(record.fields for record in records), strict=True))
        columns = {}
        for name in self.plan.headers():
            text = pc.utf8_trim_whitespace(pa.array(by_position[self.header.index(name)], pa.string()))
            columns[name] = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        return columns

    def _typed(
        self, records: list[Record], columns: dict[str, pa.Array], reasons: dict[int, list[str]]
    ) -> dict[str, pa.Array]:
        plan, rows = self.plan, len(records)

        def read(reader: Reader) -> pa.Array:
            typed = reader.read([columns[name] for name in reader.spec.source], rows)
            for row, reason in typed.reasons.items():
                reasons.setdefault(row, []).append(reason)
            return typed.array

        made = {
            "source_id": self._key(records, columns, reasons),
            "line_number": pa.array([record.line_number for record in records], pa.int64()),
        }
        made.update({name: read(reader) for name, reader in plan.readers.items()})
        for planned in plan.changes:
            chosen = _matches(planned.change.when, columns, rows)
            value, at = self._change(planned.value, planned.at, columns, chosen, reasons)
            made[planned.value_column] = value
            if at is not None:
                made[planned.at_column] = at
        for staging_column, header in plan.attributes.values():
            made[staging_column] = columns[header]
        made.update({staging_column: read(reader) for staging_column, reader in plan.features.values()})
        return made

    def _change(
        self,
        value: Reader,
        at: Reader | None,
        columns: dict[str, pa.Array],
        chosen: np.ndarray,
        reasons: dict[int, list[str]],
    ) -> tuple[pa.Array, pa.Array | None]:
        """Read a change on the rows it applies to; elsewhere it is null and nothing is complained of."""
        rows = np.flatnonzero(chosen)
        back = np.full(len(chosen), -1)
        back[rows] = np.arange(len(rows))
        places = pa.array(back, mask=back < 0)

        def read(reader: Reader) -> pa.Array:
            typed = reader.read([columns[name].take(pa.array(rows)) for name in reader.spec.source], len(rows))
            for row, reason in typed.reasons.items():
                known = reasons.setdefault(int(rows[row]), [])
                if reason not in known:
                    known.append(reason)
            return typed.array.take(places)

        return as_text(read(value)), read(at) if at else None

    def _key(self, records: list[Record], columns: dict[str, pa.Array], reasons: dict[int, list[str]]) -> pa.Array:
        key = self.plan.target.key
        if key.content:
            return pa.array([_digest(record.fields) for record in records], pa.string())
        parts = [columns[name] for name in key.columns]
        for name, part in zip(key.columns, parts, strict=True):
            for row in np.flatnonzero(pc.is_null(part).to_numpy(zero_copy_only=False)):
                reasons.setdefault(int(row), []).append(f"{name} is empty but part of the key")
        joined = pc.binary_join_element_wise(*parts, key.join, null_handling="replace")
        long = pc.greater(pc.utf8_length(joined), KEY_CHARACTERS).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(long):
            reasons.setdefault(int(row), []).append(f"the key is longer than {KEY_CHARACTERS} characters")
        return joined

    def _reject(self, record: Record, reason: str) -> None:
        plan = self.plan
        text = plan.delimiter.join(record.fields)
        self.rejects.add(plan.number, Reject(plan.table.name, plan.file_name, record.line_number, reason, text))


def _matches(when: When, columns: dict[str, pa.Array], rows: int) -> np.ndarray:
    """Return by row whether every condition holds; an empty cell is in no list."""
    chosen = np.ones(rows, dtype=bool)
    for name, condition in when.items():
        chosen &= _test(condition, columns[name]).to_numpy(zero_copy_only=False)
    return chosen


def _test(condition: Condition, column: pa.Array) -> pa.Array:
    if condition.is_empty is not None:
        return pc.is_null(column) if condition.is_empty else pc.is_valid(column)
    if condition.is_in is not None:
        return pc.is_in(column, value_set=pa.array(condition.is_in, pa.string()))
    return pc.invert(pc.is_in(column, value_set=pa.array(condition.not_in, pa.string())))


def _digest(fields: list[str]) -> str:
    return hashlib.sha256("\x1f".join(fields).encode("utf-8", "surrogatepass")).hexdigest()[:32]
