"""Pow, as C has it: where PostgreSQL raises an error, infinity, zero or NaN."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.operators.arithmetic import operation
from revlayer_udf.compiler.operators.cast import cut_off
from revlayer_udf.compiler.values import UNBOUNDED, Cell, Kind, Value, cell, number

NAN, INFINITY = "'NaN'::float8", "'Infinity'::float8"
_WHOLE = "{1} = floor({1})"
# Of a negative base, or -0, an odd exponent keeps the sign.
_ODD = f"{_WHOLE} and {{1}} <> floor({{1}} / '2'::float8) * '2'::float8"
_SIGNED = f"case when left({{0}}::text, 1) = '-' and {_ODD} then - {INFINITY} else {INFINITY} end"
# e to the power of it; NaN where 1 is raised to infinity. Beyond 1e300 an exponent is as good as infinite.
_LOGARITHM = "least(greatest({1}, '-1e300'::float8), '1e300'::float8) * ln(abs({0}))"
_POWER = (
    "case when {1} = '0'::float8 or {0} = '1'::float8 then '1'::float8"
    f" when {{0}} = {NAN} or {{1}} = {NAN} then {NAN}"
    f" when {{0}} = '0'::float8 then case when {{1}} > '0'::float8 then '0'::float8 else {_SIGNED} end"
    f" when {{0}} < '0'::float8 and {{0}} > - {INFINITY} and not {_WHOLE} then {NAN}"
    f" when abs({{0}}) = '1'::float8 and abs({{1}}) = {INFINITY} then '1'::float8"
    f" when abs({{0}}) < {INFINITY} and abs({{1}}) < '1e-100'::float8 then '1'::float8"
    f" when {_LOGARITHM} > LIMIT then {_SIGNED}"
    f" when {_LOGARITHM} < - LIMIT then '0'::float8"
    " else power({0}, {1}) end"
)


@operator("Pow")
def power(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A to the power of B."""
    base, exponent = (context.input(node, place) for place in (0, 1))
    left, right = context.broadcast(node, base, exponent)
    made = []
    for a, b in zip(left.ravel(), right.ravel(), strict=True):
        found = _power(context, base.kind, _double(context, a, base.kind), _double(context, b, exponent.kind))
        made.append(found if base.kind.is_floating else cut_off(context.bind(found), base.kind))
    return [Value.shaped(base.kind, made, left.shape)]


def _power(context: Context, kind: Kind, a: Cell, b: Cell) -> Cell:
    if b.is_constant and b.text == "'2.0'::float8":
        return operation(context, kind if kind.is_floating else Kind.DOUBLE, "{0} * {1}", a, a)
    limit = Kind.DOUBLE.exponent if not kind.is_floating else kind.exponent
    template = _POWER.replace("- LIMIT", number(-limit)).replace("LIMIT", number(limit))
    return cell(template, a, b, exact=False, factors=2 if kind is Kind.FLOAT else UNBOUNDED)


def _double(context: Context, found: Cell, kind: Kind) -> Cell:
    if kind.is_floating:
        return context.exact(found, kind)
    return context.bind(cell("{0}::float8", found))
