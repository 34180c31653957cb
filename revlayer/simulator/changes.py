"""A ledger of field changes: takes (entity, time, value) in any order, gives history and current state."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator.clock import Array, Index
from revlayer.simulator.text import DAY_SECONDS, seconds


class Ledger:
    """Changes of the `fields` of `count` entities, numbered from 0.

    A value that equals the one before it is no change and is left out. Changes at or after the entity's
    `cut` (float days) never happened.
    """

    def __init__(self, fields: tuple[str, ...], count: int, cut: Array) -> None:
        self.fields = fields
        self.count = count
        self._cut = cut
        self._rows: list[Index] = []
        self._times: list[Index] = []
        self._codes: list[Index] = []
        self._values: list[pa.Array] = []

    def add(self, field: str, rows: Index, at: Array, values: pa.Array) -> None:
        """The field of entities `rows` took `values` at times `at`; null values are skipped."""
        keep = (at < self._cut[rows]) & ~np.asarray(values.is_null())
        kept = np.flatnonzero(keep)
        self._rows.append(rows[kept])
        self._times.append(seconds(at[kept]))
        self._codes.append(np.full(len(kept), self.fields.index(field), dtype=np.int64))
        self._values.append(values if len(kept) == len(values) else values.take(pa.array(kept)))

    def close(self) -> History:
        """Sort by entity, time and field, and pair each value with the one before it."""
        row, at = np.concatenate(self._rows), np.concatenate(self._times)
        code = np.concatenate(self._codes)
        value = pa.chunked_array(self._values).combine_chunks()
        order = np.lexsort((at, code, row))
        row, at, code, value = row[order], at[order], code[order], value.take(pa.array(order))
        first = np.ones(len(row), dtype=bool)
        first[1:] = (row[1:] != row[:-1]) | (code[1:] != code[:-1])
        before = pa.array(np.arange(len(row), dtype=np.int64) - 1, mask=first)
        old = value.take(before)
        changed = first | ~np.asarray(pc.fill_null(pc.equal(old, value), False))
        last = np.append(first[1:], True)
        state = {name: self._current(row, code, last, value, k) for k, name in enumerate(self.fields)}
        kept = np.flatnonzero(changed)
        kept = kept[np.lexsort((code[kept], at[kept], row[kept]))]
        index = pa.array(kept)
        return History(self.fields, row[kept], at[kept], code[kept], old.take(index), value.take(index), state)

    def _current(self, row: Index, code: Index, last: np.ndarray, value: pa.Array, field: int) -> pa.Array:
        place = np.full(self.count, -1, dtype=np.int64)
        at = np.flatnonzero(last & (code == field))
        place[row[at]] = at
        return value.take(pa.array(place, mask=place < 0))


class History:
    """Changes in order; `state` holds the last value of every field by entity (null: never set)."""

    def __init__(
        self,
        fields: tuple[str, ...],
        row: Index,
        at: Index,
        code: Index,
        old: pa.Array,
        new: pa.Array,
        state: dict[str, pa.Array],
    ) -> None:
        self.fields, self.row, self.at, self.code = fields, row, at, code
        self.old, self.new, self.state = old, new, state

    def __len__(self) -> int:
        return len(self.row)

    def recorded(self, lag_days: Array, known_from: Index, end: float) -> Index:
        """When each change was recorded: its lag later, never before the entity was known, never past `end`.

        `lag_days` has one entry per moment of an entity (as many as there are changes is enough); changes of
        one moment are recorded together.
        """
        new_moment = np.ones(len(self.row), dtype=bool)
        new_moment[1:] = (self.row[1:] != self.row[:-1]) | (self.at[1:] != self.at[:-1])
        moment = np.cumsum(new_moment) - 1
        late = self.at + (lag_days[moment] * DAY_SECONDS).astype(np.int64)
        late = np.where(late < end * DAY_SECONDS, late, self.at)
        return np.maximum(late, known_from[self.row])
