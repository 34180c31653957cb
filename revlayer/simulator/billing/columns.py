"""Columns that billing tables share: keys, times, exact money."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.changes import History
from revlayer.simulator.clock import Array, Index, Mask
from revlayer.simulator.parameters import SOURCE_NAME

#: Stands for an emptied field in ledgers, which take no nulls.
EMPTIED = ""


def moment(day: Index, part: float) -> Array:
    """A time of day on each day, as float days."""
    return np.asarray(day + part, dtype=np.float64)


def base(source_id: pa.Array, at: Array, recorded: Array | None = None) -> dict[str, pa.Array]:
    """The columns every raw table starts with; times in float days."""
    return {
        "source_name": text.constant(SOURCE_NAME, len(source_id)),
        "source_id": source_id,
        "occurred_at": text.stamps(text.seconds(at)),
        "recorded_at": text.stamps(text.seconds(at if recorded is None else recorded)),
    }


def cents_text(cents: Index, null: Mask | None = None) -> pa.Array:
    """Whole cents as text with two decimals, exact at any size."""
    size = np.abs(cents)
    whole = pa.array(size // 100, mask=null).cast(pa.string())
    rest = pc.utf8_lpad(pa.array(size % 100).cast(pa.string()), 2, "0")
    sign = text.names(("", "-"), (cents < 0).astype(np.int64))
    return pc.binary_join_element_wise(pc.binary_join_element_wise(sign, whole, ""), rest, ".")


def days_text(day: Index, null: Mask | None = None) -> pa.Array:
    return pa.array(day.astype(np.int32), mask=null).cast(pa.date32()).cast(pa.string())


def midnights(day: Index) -> pa.Array:
    """Days as times in ISO 8601."""
    return pc.binary_join_element_wise(days_text(day), pa.scalar("T00:00:00+00:00"), "")


def emptied(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(pc.equal(values, EMPTIED), False), pa.scalar(None, values.type), values)


def changes(history: History, prefix: str, first_number: int, key: dict[str, pa.Array], recorded: Index) -> pa.Table:
    """Change rows; source ids count from `first_number`, `recorded` is in seconds."""
    count = len(history)
    return pa.table(
        {
            "source_name": text.constant(SOURCE_NAME, count),
            "source_id": text.identifiers(prefix, first_number + np.arange(count), 9),
            "occurred_at": text.stamps(history.at),
            "recorded_at": text.stamps(recorded),
            "field_name": text.names(history.fields, history.code),
            "old_value": emptied(history.old),
            "new_value": emptied(history.new),
            **key,
        }
    )


def without_first_values(history: History, field: str) -> History:
    """The history without the rows that say how a field began; later ones name that value as the old one."""
    is_first = np.asarray(pc.is_null(history.old)) & (history.code == history.fields.index(field))
    kept = np.flatnonzero(~is_first)
    old, new = (values.take(pa.array(kept)) for values in (history.old, history.new))
    return History(history.fields, history.row[kept], history.at[kept], history.code[kept], old, new, history.state)
