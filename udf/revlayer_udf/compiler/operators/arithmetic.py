"""Add, Sub, Mul, Div and their kin of one operand. Infinity and NaN come out as ONNX has them, never as an error."""

from collections.abc import Sequence
from functools import reduce

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.ranges import GUARDED_QUOTIENT, SAFE_FACTORS, guarded
from revlayer_udf.compiler.values import UNBOUNDED, Cell, Kind, Value, cell, literal


def combined(context: Context, node: onnx.NodeProto, kind: Kind, template: str) -> Value:
    """Return two operands put together cell by cell."""
    first, second = (context.input(node, place) for place in (0, 1))
    left, right = context.broadcast(node, first, second)
    made = [operation(context, kind, template, a, b) for a, b in zip(left.ravel(), right.ravel(), strict=True)]
    return Value.shaped(kind, made, left.shape)


def operation(context: Context, kind: Kind, template: str, a: Cell, b: Cell) -> Cell:
    """Return one operation; floats are rounded to float32 before their product could leave a double's range."""
    if not kind.is_floating:
        return cell(template, a, b)
    if template in ("{0} + {1}", "{0} - {1}"):
        is_safe = max(a.factors, b.factors) <= SAFE_FACTORS
        return cell(template, a, b, exact=False) if is_safe else guarded(context, template, a, b)
    a, b = context.bounded(a, kind), context.bounded(b, kind)
    factors = a.factors + b.factors
    if factors > SAFE_FACTORS:
        return guarded(context, template, a, b)
    return cell(template, a, b, exact=False, factors=factors)


def total_of(context: Context, kind: Kind, cells: Sequence[Cell]) -> Cell:
    """Return the sum of cells."""
    if kind.is_floating and max(found.factors for found in cells) > SAFE_FACTORS:
        return reduce(lambda a, b: operation(context, kind, "{0} + {1}", a, b), cells)
    return cell(" + ".join(f"{{{place}}}" for place in range(len(cells))), *cells, exact=not kind.is_floating)


@operator("Add")
def add(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A + B."""
    return [combined(context, node, context.input(node).kind, "{0} + {1}")]


@operator("Sub")
def subtract(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A - B."""
    return [combined(context, node, context.input(node).kind, "{0} - {1}")]


@operator("Mul")
def multiply(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A * B."""
    return [combined(context, node, context.input(node).kind, "{0} * {1}")]


@operator("Div")
def divide(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A / B. Where ONNX returns infinity or NaN, PostgreSQL raises an error; an integer by zero is one in both."""
    kind = context.input(node).kind
    if not kind.is_floating:
        return [combined(context, node, kind, "{0} / {1}")]
    left, right = context.broadcast(node, context.input(node), context.input(node, 1))
    made = [quotient(context, kind, a, b) for a, b in zip(left.ravel(), right.ravel(), strict=True)]
    return [Value.shaped(kind, made, left.shape)]


@operator("Reciprocal")
def reciprocal(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """1 / X."""
    value = context.batch(node)
    one = Cell("'1'::float8", is_atom=True, is_constant=True)
    return [value.map(lambda found: quotient(context, value.kind, one, found))]


def quotient(context: Context, kind: Kind, a: Cell, b: Cell) -> Cell:
    """Return a / b; a divisor that is a constant other than zero needs no test."""
    if b.is_constant and b.text not in ("'0.0'::float8", "'-0.0'::float8"):
        return operation(context, kind, "{0} / {1}", a, b)
    a, b = (context.bind(context.bounded(found, kind)) for found in (a, b))
    factors = a.factors + b.factors
    divided = "{0} / {1}" if factors <= SAFE_FACTORS else GUARDED_QUOTIENT
    return cell(
        f"case when {{1}} <> '0'::float8 then {divided}"
        " when {0} = '0'::float8 or {0} = 'NaN'::float8 then 'NaN'::float8"
        " when ({0} > '0'::float8) = ({1}::text <> '-0') then 'Infinity'::float8 else '-Infinity'::float8 end",
        a, b, exact=False, factors=factors if factors <= SAFE_FACTORS else UNBOUNDED,
    )  # fmt: skip


@operator("Neg")
def negate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """-X."""
    return [context.batch(node).map(lambda found: cell("- {0}", found, exact=found.is_exact))]


@operator("Abs")
def absolute(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """|X|."""
    return [context.batch(node).map(lambda found: cell("abs({0})", found, exact=found.is_exact))]


@operator("Sum")
def total(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """The sum of any number of operands."""
    return [_summed(context, node, 1)]


@operator("Mean")
def mean(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """The mean of any number of operands."""
    return [_summed(context, node, len(node.input))]


def _summed(context: Context, node: onnx.NodeProto, divisor: int) -> Value:
    values = [context.input(node, place) for place in range(len(node.input))]
    parts, kind = context.broadcast(node, *values), values[0].kind
    count = literal(kind, divisor)
    made = []
    for cells in zip(*(part.ravel() for part in parts), strict=True):
        # One after the other, like ONNX Runtime: half-way a sum may be infinite.
        found = reduce(lambda a, b: context.exact(operation(context, kind, "{0} + {1}", a, b), kind), cells)
        made.append(found if divisor == 1 else operation(context, kind, "{0} / {1}", found, count))
    return Value.shaped(kind, made, parts[0].shape)
