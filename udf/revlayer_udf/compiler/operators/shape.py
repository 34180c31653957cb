"""Operators that move cells about and compute nothing. None may mix rows: the first dimension stays the batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.values import Value, cell
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@operator("Identity")
def identity(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X."""
    return [context.input(node)]


@operator("Dropout")
def dropout(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X: nothing is dropped outside training."""
    training = context.constant(node, 2)
    if len([name for name in node.output if name]) > 1 or (training is not None and training.any()):
        raise UnsupportedOperator("Dropout", "its mask is asked for, or it is in training mode")
    return [context.batch(node)]


@operator("Concat")
def concat(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Operands side by side."""
    values = [context.batch(node, place) for place in range(len(node.input))]
    axis = _row_axis(node, int(attributes(node)["axis"]), values[0].rank)
    return [Value(values[0].kind, np.concatenate([value.as_cells() for value in values], axis=axis))]


@operator("Gather")
def gather(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Columns by constant position, or entries of a constant by a row's position."""
    if context.input(node).is_constant:
        return [_entries(context, node)]
    value, indices = context.batch(node), context.constant(node, 1)
    axis = _row_axis(node, int(attributes(node).get("axis", 0)), value.rank)
    return [Value(value.kind, np.take(value.as_cells(), np.asarray(indices, np.int64), axis=axis))]


@operator("Slice")
def cut(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A range of columns."""
    value, found = context.batch(node), attributes(node)
    given = [context.constant(node, place) for place in (1, 2, 3, 4)]
    starts = _list(given[0], found.get("starts"))
    ends = _list(given[1], found.get("ends"))
    axes = _list(given[2], found.get("axes", range(len(starts))))
    steps = _list(given[3], [1] * len(starts))
    cells = value.as_cells()
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = axis % value.rank
        if axis == 0:
            raise UnsupportedOperator("Slice", "it would take some of the rows")
        place = [slice(None)] * value.rank
        # As ONNX counts, an end before the first element of a backward slice means all of them.
        stop = None if step < 0 and end < -cells.shape[axis] else end
        place[axis] = slice(start, stop, step)
        cells = cells[tuple(place)]
    return [Value(value.kind, cells)]


@operator("Split")
def split(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Columns in consecutive parts."""
    value, found = context.batch(node), attributes(node)
    axis = _row_axis(node, int(found.get("axis", 0)), value.rank)
    width, count = value.shape[axis], len(node.output)
    even = -(-width // count)
    sizes = _list(context.constant(node, 1), found.get("split"))
    sizes = sizes or [min(even, width - even * part) for part in range(count)]
    parts = np.split(value.as_cells(), np.cumsum(sizes)[:-1], axis=axis)
    return [Value(value.kind, part) for part in parts]


@operator("Reshape")
def reshape(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Other dimensions after the first, which must stay as it is: written 0 or -1."""
    value = context.batch(node)
    wanted = _list(context.constant(node, 1), attributes(node).get("shape"))
    keeps = not attributes(node).get("allowzero", 0)
    if not wanted or wanted[0] > 0 or (wanted[0] == 0 and not keeps):
        raise UnsupportedOperator("Reshape", "its shape does not leave the number of rows open")
    shape = [value.shape[place] if size == 0 else size for place, size in enumerate(wanted)]
    if wanted[0] == -1:
        shape[0] = 1
        if int(np.prod(shape[1:])) != value.as_cells().size:
            raise UnsupportedOperator("Reshape", "it would cut rows apart or join them")
    return [Value(value.kind, value.as_cells().reshape(shape))]


@operator("Flatten")
def flatten(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Everything after the first dimension as one."""
    value = context.batch(node)
    if int(attributes(node).get("axis", 1)) % (value.rank + 1) != 1:
        raise UnsupportedOperator("Flatten", "it would join rows")
    return [Value(value.kind, value.as_cells().reshape(1, -1))]


@operator("Squeeze")
def squeeze(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Without dimensions of 1."""
    value = context.batch(node)
    axes = _list(context.constant(node, 1), attributes(node).get("axes"))
    if not axes:
        raise UnsupportedOperator("Squeeze", "it names no axes, so a batch of one row would lose its dimension")
    places = tuple(_row_axis(node, axis, value.rank) for axis in axes)
    return [Value(value.kind, np.squeeze(value.as_cells(), places))]


@operator("Unsqueeze")
def unsqueeze(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """With further dimensions of 1."""
    value = context.batch(node)
    axes = _list(context.constant(node, 1), attributes(node).get("axes"))
    places = tuple(_row_axis(node, axis, value.rank + len(axes)) for axis in axes)
    return [Value(value.kind, np.expand_dims(value.as_cells(), places))]


@operator("Expand")
def expand(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Columns repeated to a constant shape, which leaves the rows as they are."""
    value, shape = context.batch(node), _list(context.constant(node, 1), None)
    if len(shape) > value.rank or (len(shape) == value.rank and shape[0] != 1):
        raise UnsupportedOperator("Expand", "its shape would repeat rows")
    target = np.broadcast_shapes(value.shape, tuple(shape))
    return [Value(value.kind, np.broadcast_to(value.map(context.bind).as_cells(), target))]


@operator("Transpose")
def transpose(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Other order of the dimensions after the first."""
    value = context.batch(node)
    order = attributes(node).get("perm", list(range(value.rank))[::-1])
    if order[0] != 0:
        raise UnsupportedOperator("Transpose", "rows would become columns")
    return [Value(value.kind, value.as_cells().transpose(order))]


def _entries(context: Context, node: onnx.NodeProto) -> Value:
    table, indices = context.input(node), context.batch(node, 1)
    if table.array is None or int(attributes(node).get("axis", 0)) != 0 or not table.array.ndim:
        raise UnsupportedOperator("Gather", "it takes entries of a constant along another axis than the first")
    count = len(table.array)
    columns = table.as_cells().reshape(count, -1).T
    made = []
    for place in indices.flat():
        place = context.bind(place)
        # Counted from the end where negative, like ONNX; PostgreSQL counts from 1.
        position = f"case when {{0}} < 0 then {{0}} + {count} else {{0}} end + 1"
        for column in columns:
            listed = ", ".join(found.text for found in column)
            made.append(cell(f"(array[{listed}])[{position}]", place))
    shape = (*indices.shape, *table.array.shape[1:])
    return Value.shaped(table.kind, made, shape)


def _row_axis(node: onnx.NodeProto, axis: int, rank: int) -> int:
    axis = axis % rank
    if axis == 0:
        raise UnsupportedOperator(node.op_type, "it works along the rows")
    return axis


def _list(array: NDArray[Any] | None, other: Any) -> list[int]:
    return [int(number) for number in (other if array is None else array.ravel())] if (
        array is not None or other is not None
    ) else []  # fmt: skip
