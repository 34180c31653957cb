"""Add, Sub, Mul, Div and their kin of one operand. Infinity and NaN come out as ONNX has them, never as an error."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell


def combined(context: Context, node: onnx.NodeProto, kind: Kind, template: str) -> Value:
    """Return two operands put together cell by cell."""
    first, second = (context.input(node, place) for place in (0, 1))
    left, right = context.broadcast(node, first, second)
    made = [operation(context, kind, template, a, b) for a, b in zip(left.ravel(), right.ravel(), strict=True)]
    return Value.shaped(kind, made, left.shape)


def operation(context: Context, kind: Kind, template: str, a: Cell, b: Cell) -> Cell:
    """Return one operation; floats are rounded to float32 before their product could leave a double's range."""
    is_product = template != "{0} + {1}" and template != "{0} - {1}"
    if not is_product:
        return cell(template, a, b, exact=not kind.is_floating)
    a, b = context.bounded(a, kind), context.bounded(b, kind)
    return cell(template, a, b, exact=not kind.is_floating, factors=a.factors + b.factors)


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
    a, b = context.bounded(a, kind), context.bounded(b, kind)
    factors = a.factors + b.factors
    if b.is_constant and b.text != "'0.0'::float8" and b.text != "'-0.0'::float8":
        return cell("{0} / {1}", a, b, exact=False, factors=factors)
    a, b = context.bind(a), context.bind(b)
    return cell(
        "case when {1} <> '0'::float8 then {0} / {1} when {0} = '0'::float8 or {0} = 'NaN'::float8 then 'NaN'::float8"
        " when ({0} > '0'::float8) = ({1}::text <> '-0') then 'Infinity'::float8 else '-Infinity'::float8 end",
        a, b, exact=False, factors=factors,
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
    parts = context.broadcast(node, *values)
    template = " + ".join(f"{{{place}}}" for place in range(len(parts)))
    template = template if divisor == 1 else f"({template}) / '{divisor}'::float8"
    made = [cell(template, *cells, exact=False) for cells in zip(*(part.ravel() for part in parts), strict=True)]
    return Value.shaped(values[0].kind, made, parts[0].shape)
