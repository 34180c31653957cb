"""Tensors as SQL: one expression per cell of a row.

A tensor whose first dimension is the row batch is an array of cells with a first dimension of 1, so that what moves
cells about (Gather, Concat, Reshape …) is numpy. Null never occurs: a missing number is NaN, a missing text ''.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from psycopg import sql

from revlayer_udf.errors import UnsupportedOperator


class Kind(StrEnum):
    """Element types. Floats of both widths are double precision in SQL, integers bigint."""

    FLOAT = "float"
    DOUBLE = "double"
    INT64 = "int64"
    INT32 = "int32"
    BOOL = "bool"
    STRING = "string"

    @property
    def is_floating(self) -> bool:
        """Whether the kind is FLOAT or DOUBLE."""
        return self in (Kind.FLOAT, Kind.DOUBLE)

    @property
    def is_integer(self) -> bool:
        """Whether the kind is INT64 or INT32."""
        return self in (Kind.INT64, Kind.INT32)

    @property
    def exponent(self) -> float:
        """Beyond it exp is infinite in this type, and of less than minus that zero; a double holds both."""
        return 700.0 if self is Kind.DOUBLE else 110.0

    @property
    def sql_type(self) -> str:
        """Name of PostgreSQL's type."""
        return {"bool": "boolean", "string": "text", "int64": "bigint", "int32": "bigint"}.get(
            self.value, "double precision"
        )


# Factors of a double that may be of any size.
UNBOUNDED = 100

_KINDS: dict[int, Kind] = {
    onnx.TensorProto.FLOAT: Kind.FLOAT,
    onnx.TensorProto.DOUBLE: Kind.DOUBLE,
    onnx.TensorProto.INT64: Kind.INT64,
    onnx.TensorProto.INT32: Kind.INT32,
    onnx.TensorProto.BOOL: Kind.BOOL,
    onnx.TensorProto.STRING: Kind.STRING,
}
_DTYPES = {"f4": Kind.FLOAT, "f8": Kind.DOUBLE, "i8": Kind.INT64, "i4": Kind.INT32, "b1": Kind.BOOL}


def kind_of_type(element_type: int, where: str) -> Kind:
    """Return the kind of an ONNX element type.

    Raises:
        UnsupportedOperator: SQL has no such type.
    """
    if element_type not in _KINDS:
        name = onnx.TensorProto.DataType.Name(element_type)
        raise UnsupportedOperator(where, f"the element type {name.lower()} has no counterpart in SQL")
    return _KINDS[element_type]


def kind_of_array(array: NDArray[Any], where: str) -> Kind:
    """Return the kind of a constant's elements."""
    found = _DTYPES.get(array.dtype.str[1:], Kind.STRING if array.dtype.kind in "OSU" else None)
    if found is None:
        raise UnsupportedOperator(where, f"the element type {array.dtype} has no counterpart in SQL")
    return found


@dataclass(frozen=True)
class Cell:
    """One expression.

    Attributes:
        text: SQL; a name or a constant when ``is_atom``.
        names: the columns it refers to.
        is_exact: a float whose value is a float32 already; true for other kinds.
        factors: how many float32 are multiplied in it, which bounds its magnitude.
    """

    text: str
    names: frozenset[str] = frozenset()
    is_atom: bool = False
    is_exact: bool = True
    factors: int = 1
    is_constant: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Value:
    """A tensor: ``cells`` [1, …] for a row batch, or ``array`` for a constant of any shape."""

    kind: Kind
    cells: NDArray[np.object_] | None = None
    array: NDArray[Any] | None = None

    @classmethod
    def of(cls, kind: Kind, cells: Sequence[Cell], *shape: int) -> "Value":
        """Make a row batch [N, shape…] of cells in order; the shape defaults to their number."""
        return cls.shaped(kind, cells, (1, *(shape or (len(cells),))))

    @classmethod
    def shaped(cls, kind: Kind, cells: Sequence[Cell], shape: tuple[int, ...]) -> "Value":
        """Make a row batch of cells in order; the shape's first dimension is 1, for the row."""
        made = np.empty(len(cells), dtype=object)
        made[:] = list(cells)
        return cls(kind, made.reshape(shape))

    @property
    def is_constant(self) -> bool:
        """Whether it is the same for every row."""
        return self.array is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape with 1 in place of the number of rows; of a constant its own."""
        return self.as_cells().shape

    @property
    def rank(self) -> int:
        """Number of dimensions, rows included."""
        return len(self.shape)

    def flat(self) -> list[Cell]:
        """Return the cells in order."""
        return list(self.as_cells().ravel())

    def as_cells(self) -> NDArray[np.object_]:
        """Return the cells; of a constant, literals."""
        if self.cells is not None:
            return self.cells
        assert self.array is not None
        made = np.empty(self.array.shape, dtype=object)
        for place, element in np.ndenumerate(self.array):
            made[place] = literal(self.kind, element)
        return made

    def map(self, function: Callable[[Cell], Cell], kind: Kind | None = None) -> "Value":
        """Return the row batch of a function of each cell."""
        cells = self.as_cells()
        made = np.empty(cells.shape, dtype=object)
        for place, cell in np.ndenumerate(cells):
            made[place] = function(cell)
        return Value(kind or self.kind, made)


def literal(kind: Kind, element: Any) -> Cell:
    """Return a constant as SQL; numbers quoted, since a bare 1.5 is numeric."""
    if kind.is_floating:
        text = number(float(element))
    elif kind.is_integer:
        text = f"'{int(element)}'::bigint"
    elif kind is Kind.BOOL:
        text = "true" if element else "false"
    else:
        text = string(element.decode() if isinstance(element, bytes) else str(element))
    factors = UNBOUNDED if kind is Kind.DOUBLE and not _like_float32(float(element)) else 1
    return Cell(text, is_atom=True, factors=factors, is_constant=True)


def _like_float32(value: float) -> bool:
    return not 0.0 < abs(value) < math.inf or 1e-45 <= abs(value) <= 3.5e38


def number(value: float) -> str:
    """Return a double precision constant."""
    names = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    text = repr(value)
    return f"'{names.get(text, text)}'::float8"


def string(value: str) -> str:
    """Return a text constant.

    Raises:
        UnsupportedOperator: the text holds a NUL character, which PostgreSQL's text cannot.
    """
    if "\0" in value:
        raise UnsupportedOperator("a text constant", "it holds a NUL character, which PostgreSQL's text cannot")
    return sql.Literal(value).as_string(None).strip() + "::text"


def cell(template: str, *operands: Cell, exact: bool = True, factors: int | None = None) -> Cell:
    """Make an expression of others.

    Args:
        template: with ``{0}``, ``{1}`` … for the operands.
        exact: whether its float value is a float32 for sure.
        factors: by default the largest of the operands'.
    """
    texts = [operand.text if operand.is_atom else f"({operand.text})" for operand in operands]
    names = frozenset[str]().union(*(operand.names for operand in operands))
    most = max((operand.factors for operand in operands), default=1)
    return Cell(template.format(*texts), names, False, exact, factors or most)
