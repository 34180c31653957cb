"""Comparisons and what decides by them. PostgreSQL takes NaN for equal to NaN and above all numbers; ONNX does not."""

from collections.abc import Sequence

import numpy as np
import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import Translator, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes

NAN = "'NaN'::float8"

# The operand that, when NaN, would make PostgreSQL say yes.
_COMPARISONS = {
    "Equal": ("{0} = {1}", 0),
    "Less": ("{0} < {1}", 1),
    "LessOrEqual": ("{0} <= {1}", 1),
    "Greater": ("{0} > {1}", 0),
    "GreaterOrEqual": ("{0} >= {1}", 0),
}
_LOGIC = {"And": "{0} and {1}", "Or": "{0} or {1}", "Xor": "{0} <> {1}"}


def _comparison(name: str, template: str, guarded: int) -> Translator:
    def translate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
        first, second = (_exact(context, context.input(node, place)) for place in (0, 1))
        left, right = context.broadcast(node, first, second)
        made = []
        for pair in zip(left.ravel(), right.ravel(), strict=True):
            wary = first.kind.is_floating and not (pair[guarded].is_constant and pair[guarded].text != NAN)
            made.append(cell(f"{template} and {{{guarded}}} <> {NAN}" if wary else template, *pair))
        return [Value.shaped(Kind.BOOL, made, left.shape)]

    translate.__doc__ = f"{name}, false where an operand is NaN."
    return translate


def _logic(name: str, template: str) -> Translator:
    def translate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
        left, right = context.broadcast(node, context.input(node), context.input(node, 1))
        made = [cell(template, a, b) for a, b in zip(left.ravel(), right.ravel(), strict=True)]
        return [Value.shaped(Kind.BOOL, made, left.shape)]

    translate.__doc__ = f"{name} of booleans."
    return translate


for _name, (_template, _guarded) in _COMPARISONS.items():
    operator(_name)(_comparison(_name, _template, _guarded))
for _name, _template in _LOGIC.items():
    operator(_name)(_logic(_name, _template))


@operator("Not")
def negate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Not X."""
    return [context.batch(node).map(lambda found: cell("not {0}", found))]


@operator("Where")
def where(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """The second operand where the first is true, the third elsewhere."""
    values = [context.input(node, place) for place in range(3)]
    parts = context.broadcast(node, *values)
    made = []
    for condition, yes, no in zip(*(part.ravel() for part in parts), strict=True):
        exact = yes.is_exact and no.is_exact
        made.append(cell("case when {0} then {1} else {2} end", condition, yes, no, exact=exact))
    return [Value.shaped(values[1].kind, made, parts[0].shape)]


@operator("Max")
def maximum(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """The largest operand; NaN if one is NaN, which greatest() takes for the largest as well."""
    return [_extreme(context, node, largest=True)]


@operator("Min")
def minimum(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """The smallest operand; NaN if one is NaN."""
    return [_extreme(context, node, largest=False)]


def _extreme(context: Context, node: onnx.NodeProto, *, largest: bool) -> Value:
    values = [context.input(node, place) for place in range(len(node.input))]
    parts = context.broadcast(node, *values)
    made = [
        extreme(context, values[0].kind, cells, largest=largest)
        for cells in zip(*(part.ravel() for part in parts), strict=True)
    ]
    return Value.shaped(values[0].kind, made, parts[0].shape)


def extreme(context: Context, kind: Kind, cells: Sequence[Cell], *, largest: bool) -> Cell:
    """Return the largest or smallest of some cells, NaN if one is NaN."""
    exact = all(found.is_exact for found in cells)
    if len(cells) == 1:
        return cells[0]
    places = ", ".join(f"{{{place}}}" for place in range(len(cells)))
    if largest:
        return cell(f"greatest({places})", *cells, exact=exact)
    wary = [found for found in cells if not (found.is_constant and found.text != NAN)] if kind.is_floating else []
    if not wary:
        return cell(f"least({places})", *cells, exact=exact)
    bound = [context.bind(found) for found in cells]
    tests = " or ".join(
        f"{{{place}}} = {NAN}" for place, found in enumerate(bound) if not (found.is_constant and found.text != NAN)
    )
    return cell(f"case when {tests} then {NAN} else least({places}) end", *bound, exact=exact)


@operator("Clip")
def clip(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X, at least min and at most max; NaN stays. A bound left out is the largest finite number, as ONNX has it."""
    value, found = context.batch(node), attributes(node)
    if not value.kind.is_floating:
        raise UnsupportedOperator("Clip", f"of {value.kind} it has no translation")
    largest = np.finfo(np.float32 if value.kind is Kind.FLOAT else np.float64).max
    low, high = (
        _bound(context, node, place, found.get(name, default), value.kind)
        for place, name, default in ((1, "min", -largest), (2, "max", largest))
    )

    def clipped(item: Cell) -> Cell:
        # least() would take the bound for NaN.
        raised = context.bind(cell("greatest({0}, {1})", item, low, exact=item.is_exact))
        template = f"case when {{0}} = {NAN} then {{0}} else least({{0}}, {{1}}) end"
        return cell(template, raised, high, exact=item.is_exact)

    return [value.map(clipped)]


def _bound(context: Context, node: onnx.NodeProto, place: int, default: float, kind: Kind) -> Cell:
    given = context.constant(node, place)
    return literal(kind, default if given is None or not given.size else given.ravel()[0])


def _exact(context: Context, value: Value) -> Value:
    return value if value.is_constant or not value.kind.is_floating else context.exact_value(value)
