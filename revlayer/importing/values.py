"""Turn columns of text into typed columns: what cannot be read is marked with a reason, never guessed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.importing.mapping import ValueSpec

WHOLE_NUMBER = r"^[+-]?[0-9]+$"
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_TRUE = frozenset({"true", "t", "yes", "y", "1", "x"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Typed:
    """A typed column; ``reasons`` says by row why a value was not readable (the row is null there)."""

    array: pa.Array
    reasons: dict[int, str]


@dataclass(frozen=True)
class Reader:
    """How one value is read.

    Attributes:
        label: how reasons name it.
        kind: text, number, boolean, date or timestamp.
        whole_digits: most digits before the decimal point of a numeric column; None for doubles.
        is_exact: numbers stay decimal text for a numeric column.
        is_whole: the column takes whole numbers only.
    """

    label: str
    spec: ValueSpec
    kind: str
    zone: ZoneInfo
    whole_digits: int | None = None
    is_exact: bool = False
    is_whole: bool = False

    def read(self, columns: list[pa.Array], rows: int) -> Typed:
        """Read the joined source columns, each stripped text with null for nothing."""
        text = self._text(columns, rows)
        if self.kind == "text":
            typed = Typed(text, {})
        elif self.kind == "number":
            typed = self._numbers(text)
        else:
            typed = self._distinct(text)
        if self.spec.required:
            for row in np.flatnonzero(pc.is_null(text).to_numpy(zero_copy_only=False)):
                typed.reasons.setdefault(int(row), f"{self.label} is empty but required")
        return typed

    def _text(self, columns: list[pa.Array], rows: int) -> pa.Array:
        spec = self.spec
        if spec.constant is not None:
            text = pa.repeat(pa.scalar(spec.constant), rows)
        elif len(columns) == 1:
            text = columns[0]
        else:
            text = pc.binary_join_element_wise(*columns, spec.join, null_handling="skip")
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        if spec.values:
            text = replace_values(text, spec.values)
        return text if spec.default is None else pc.fill_null(text, spec.default)

    def _numbers(self, text: pa.Array) -> Typed:
        spec = self.spec
        plain = text
        for character in spec.remove:
            plain = pc.replace_substring(plain, character, "")
        if spec.decimal_mark == ",":
            plain = pc.replace_substring(pc.replace_substring(plain, ".", ""), ",", ".")
        plain = pc.utf8_trim_whitespace(plain)
        good = pc.fill_null(pc.match_substring_regex(plain, WHOLE_NUMBER if self.is_whole else NUMBER), False)
        none = pa.scalar(None, pa.string())
        plain = pc.if_else(good, plain, none)
        # A leading plus and a bare point are numbers to people and not to the cast.
        castable = pc.replace_substring_regex(plain, r"^\+", "")
        numbers = pc.cast(castable, pa.float64())
        factor = Decimal(spec.multiply_by) if spec.multiply_by else None
        if factor is not None:
            numbers = pc.multiply(numbers, float(factor))
        limit = 10.0**self.whole_digits if self.whole_digits is not None else np.inf
        good = pc.and_(good, pc.fill_null(pc.less(pc.abs(numbers), limit), False))
        reasons = self._unread(text, good, self._number_complaint)
        if not self.is_exact:
            return Typed(pc.if_else(good, numbers, pa.scalar(None, pa.float64())), reasons)
        if factor is not None:
            castable = _per_value(castable, lambda value: f"{Decimal(value) * factor:f}")[0]
        return Typed(pc.if_else(good, castable, none), reasons)

    def _distinct(self, text: pa.Array) -> Typed:
        read: dict[str, tuple[Callable[[str], Any], pa.DataType, str]] = {
            "boolean": (_boolean, pa.bool_(), "is neither true nor false"),
            "date": (self._date, pa.date32(), f"is no date{self._format}"),
            "timestamp": (self._timestamp, pa.timestamp("us", tz="UTC"), f"is no time{self._format}"),
        }
        function, kind, complaint = read[self.kind]
        array, good = _per_value(text, function, kind)
        return Typed(array, self._unread(text, good, complaint))

    @property
    def _number_complaint(self) -> str:
        kind = "is no whole number" if self.is_whole else "is no number"
        return kind if self.whole_digits is None else f"{kind} of at most {self.whole_digits} digits before the point"

    @property
    def _format(self) -> str:
        return f" as {self.spec.date_format}" if self.spec.date_format else ""

    def _date(self, value: str) -> date:
        return self._moment(value).date()

    def _timestamp(self, value: str) -> datetime:
        moment = self._moment(value)
        if moment.tzinfo is None:
            if self.zone.key == "UTC":
                return moment  # Arrow takes naive times as UTC, and most files are
            moment = moment.replace(tzinfo=self.zone)
        return moment.astimezone(UTC)

    def _moment(self, value: str) -> datetime:
        if self.spec.date_format:
            return datetime.strptime(value, self.spec.date_format)
        return datetime.fromisoformat(value)

    def _unread(self, text: pa.Array, good: pa.Array, complaint: str) -> dict[int, str]:
        bad = pc.and_(pc.is_valid(text), pc.invert(good)).to_numpy(zero_copy_only=False)
        return {int(row): f"{self.label}: {_shown(text[int(row)].as_py())} {complaint}" for row in np.flatnonzero(bad)}


def replace_values(text: pa.Array, values: dict[str, str | None]) -> pa.Array:
    """Return the column with the listed values replaced; others stay."""
    found = pc.index_in(text, value_set=pa.array(list(values), pa.string()))
    replaced = pc.take(pa.array(list(values.values()), pa.string()), found)
    return pc.if_else(pc.is_valid(found), replaced, text)


def as_text(array: pa.Array) -> pa.Array:
    """Render a typed column as histories hold values: ISO dates, plain numbers, true and false."""
    return array if pa.types.is_string(array.type) else pc.cast(array, pa.string())


def _per_value(
    text: pa.Array, function: Callable[[str], Any], kind: pa.DataType | None = None
) -> tuple[pa.Array, pa.Array]:
    """Apply a function to each distinct value; returns the results and which rows were readable or null."""
    encoded = pc.dictionary_encode(text)
    results: list[Any] = []
    readable: list[bool] = []
    for value in encoded.dictionary.to_pylist():
        try:
            results.append(function(value))
            readable.append(True)
        except (ValueError, OverflowError, InvalidOperation):
            results.append(None)
            readable.append(False)
    array = pc.take(pa.array(results, kind or pa.string()), encoded.indices)
    return array, pc.fill_null(pc.take(pa.array(readable, pa.bool_()), encoded.indices), True)


def _boolean(value: str) -> bool:
    lowered = value.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError(value)


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…")
