"""Pow, as C has it: where PostgreSQL raises an error, infinity, zero or NaN."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell

NAN = "'NaN'::float8"
INFINITY = "'Infinity'::float8"
# exp of more is no double.
LARGEST_EXPONENT = 700.0
# -1 for a negative base and an odd exponent, which alone keep the sign.
_SIGN = (
    "case when {0} < '0'::float8 and {1} <> floor({1} / '2'::float8) * '2'::float8"
    " then '-1'::float8 else '1'::float8 end"
)
_POWER = (
    "case when {1} = '0'::float8 or {0} = '1'::float8 then '1'::float8"
    f" when {{0}} = {NAN} or {{1}} = {NAN} then {NAN}"
    f" when abs({{0}}) = {INFINITY} or abs({{1}}) = {INFINITY} then power({{0}}, {{1}})"
    f" when {{0}} = '0'::float8 then case when {{1}} > '0'::float8 then '0'::float8 else {INFINITY} end"
    f" when {{0}} < '0'::float8 and {{1}} <> floor({{1}}) then {NAN}"
    f" when {{1}} * ln(abs({{0}})) > '{LARGEST_EXPONENT}'::float8 then {_SIGN} * {INFINITY}"
    f" when {{1}} * ln(abs({{0}})) < '{-LARGEST_EXPONENT}'::float8 then '0'::float8"
    " else power({0}, {1}) end"
)


@operator("Pow")
def power(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A to the power of B."""
    base, exponent = (context.input(node, place) for place in (0, 1))
    left, right = context.broadcast(node, base, exponent)
    made = []
    for a, b in zip(left.ravel(), right.ravel(), strict=True):
        a, b = _double(context, a, base.kind), _double(context, b, exponent.kind)
        if b.is_constant and b.text == "'2.0'::float8":
            found = cell("{0} * {0}", a, exact=False, factors=2)
        else:
            found = cell(_POWER, a, b, exact=False)
        made.append(found if base.kind.is_floating else cell("trunc({0})::bigint", found))
    return [Value.shaped(base.kind, made, left.shape)]


def _double(context: Context, found: Cell, kind: Kind) -> Cell:
    if kind.is_floating:
        return context.exact(found, kind)
    return context.bind(cell("{0}::float8", found))
