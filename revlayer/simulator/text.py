"""Columns as Arrow arrays: identifiers, times and the text form of field values, all vectorised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator.clock import Array, Index, Mask

DAY_SECONDS = 86_400
STAMP = pa.timestamp("s", tz="UTC")


def seconds(days: Array) -> Index:
    """Whole seconds since 1970 of float days; non-finite values become the largest time there is."""
    return np.floor(np.where(np.isfinite(days), days, 1e6) * DAY_SECONDS + 1e-6).astype(np.int64)


def stamps(at_seconds: Index, null: Mask | None = None) -> pa.Array:
    return pa.array(at_seconds, mask=null).cast(STAMP)


def identifiers(prefix: str, numbers: Index, width: int, null: Mask | None = None) -> pa.Array:
    """`prefix` and the number, padded so that text order is number order."""
    digits = pc.utf8_lpad(pa.array(numbers, mask=null).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, pa.scalar(""))


def names(choices: Sequence[str], picked: Index, null: Mask | None = None) -> pa.Array:
    return pa.array(list(choices)).take(pa.array(picked, mask=null))


def numbers(values: Array) -> pa.Array:
    """Shortest decimal text; whole numbers without a decimal point."""
    if np.all(values == np.floor(values)):
        return pa.array(values.astype(np.int64)).cast(pa.string())
    return pa.array(values).cast(pa.string())


def money(values: Array) -> pa.Array:
    """Text with two decimals, rounded half to even."""
    cents = np.rint(values * 100).astype(np.int64)
    whole = pa.array(cents // 100).cast(pa.string())
    rest = pc.utf8_lpad(pa.array(cents % 100).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(whole, rest, ".")


def dates(day_numbers: Index) -> pa.Array:
    return pa.array(day_numbers.astype(np.int32)).cast(pa.date32()).cast(pa.string())


def booleans(values: Mask) -> pa.Array:
    return names(("false", "true"), values.astype(np.int64))


def constant(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


def join(separator: str, *parts: Any) -> pa.Array:
    return pc.binary_join_element_wise(*parts, separator)
