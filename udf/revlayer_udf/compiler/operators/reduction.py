"""Reductions along the columns of a row, and softmax."""

from collections.abc import Sequence

import numpy as np
import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import Translator, operator
from revlayer_udf.compiler.operators.arithmetic import operation, total_of
from revlayer_udf.compiler.operators.comparison import extreme
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal, number
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


def _reduction(name: str) -> Translator:
    def translate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
        value, found = context.batch(node), attributes(node)
        given = context.constant(node, 1)
        axes = found.get("axes") if given is None else [int(axis) for axis in given]
        if axes is None or not len(axes):
            raise UnsupportedOperator(node.op_type, "it names no axes, so it would go over the rows")
        places = sorted(axis % value.rank for axis in axes)
        if places[0] == 0:
            raise UnsupportedOperator(node.op_type, "it works along the rows")
        moved = np.moveaxis(value.as_cells(), places, range(value.rank - len(places), value.rank))
        kept = moved.shape[: value.rank - len(places)]
        groups = moved.reshape(-1, int(np.prod(moved.shape[len(kept) :])))
        made = [_reduced(context, name, value.kind, list(group)) for group in groups]
        shape = tuple(1 if place in places else size for place, size in enumerate(value.shape))
        return [Value.shaped(value.kind, made, shape if found.get("keepdims", 1) else kept)]

    translate.__doc__ = f"{name} along columns."
    return translate


def _reduced(context: Context, name: str, kind: Kind, cells: list[Cell]) -> Cell:
    if name in ("ReduceMax", "ReduceMin"):
        return extreme(context, kind, cells, largest=name == "ReduceMax")
    total = total_of(context, kind, cells)
    if name == "ReduceSum":
        return total
    if not kind.is_floating:
        raise UnsupportedOperator(name, f"of {kind}")
    return operation(context, kind, "{0} / {1}", context.exact(total, kind), literal(kind, len(cells)))


for _name in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
    operator(_name)(_reduction(_name))


@operator("ArgMax")
def argmax(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Position of the largest column."""
    return [_position(context, node, ">=")]


@operator("ArgMin")
def argmin(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Position of the smallest column."""
    return [_position(context, node, "<=")]


def _position(context: Context, node: onnx.NodeProto, comparison: str) -> Value:
    value, found = context.batch(node), attributes(node)
    if int(found.get("axis", 0)) % value.rank != value.rank - 1 or value.rank != 2:
        raise UnsupportedOperator(node.op_type, "it works along the rows")
    cells = [context.exact(item, value.kind) for item in value.flat()]
    places = list(range(len(cells)))
    if found.get("select_last_index", 0):
        places.reverse()
    best = "greatest" if comparison == ">=" else "least"
    branches = []
    for turn, place in enumerate(places[:-1]):
        others = ", ".join(f"{{{other}}}" for other in places[turn + 1 :])
        branches.append(f"when {{{place}}} {comparison} {best}({others}) then '{place}'::bigint")
    template = f"case {' '.join(branches)} else '{places[-1]}'::bigint end" if branches else "'0'::bigint"
    made = Value.of(Kind.INT64, [cell(template, *cells)])
    return made if found.get("keepdims", 1) else Value(Kind.INT64, made.as_cells().reshape(1))


@operator("Softmax")
def softmax(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """exp(x) over the sum of exp along the columns, moved by the largest so that nothing overflows."""
    value = _last_axis(context, node)
    return [Value.shaped(value.kind, normalised(context, value.flat(), value.kind), value.shape)]


@operator("LogSoftmax")
def log_softmax(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """The logarithm of softmax."""
    value = _last_axis(context, node)
    moved, powers = _powers(context, value.flat(), value.kind)
    total = context.bind(total_of(context, Kind.FLOAT, powers))
    made = [cell("{0} - ln({1})", found, total, exact=False) for found in moved]
    return [Value.shaped(value.kind, made, value.shape)]


def normalised(context: Context, cells: Sequence[Cell], kind: Kind) -> list[Cell]:
    """Return the softmax of cells."""
    _, powers = _powers(context, cells, kind)
    powers = [context.bind(found) for found in powers]
    total = context.bind(total_of(context, Kind.FLOAT, powers))
    return [cell("{0} / {1}", found, total, exact=False, factors=1) for found in powers]


def _powers(context: Context, cells: Sequence[Cell], kind: Kind) -> tuple[list[Cell], list[Cell]]:
    bound = [context.bind(found) for found in cells]
    largest = context.bind(extreme(context, kind, bound, largest=True))
    moved = [context.bind(cell("{0} - {1}", found, largest, exact=False)) for found in bound]
    template = f"exp(greatest({{0}}, {number(-kind.exponent)}))"
    return moved, [cell(template, found, exact=False) for found in moved]


def _last_axis(context: Context, node: onnx.NodeProto) -> Value:
    value = context.batch(node)
    default = -1 if context.opsets.get("", 13) >= 13 else 1
    axis = int(attributes(node).get("axis", default)) % value.rank
    if value.rank != 2 or axis != 1:
        raise UnsupportedOperator(node.op_type, "it works along the rows, or on more than two dimensions")
    return value
