"""Cast between numbers and booleans. Numbers as text, and back, are written differently everywhere: refused."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context, rounded
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, kind_of_type, literal, number
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@operator("Cast")
def cast(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X as another type."""
    value = context.batch(node)
    to = kind_of_type(int(attributes(node)["to"]), "Cast")
    if to is value.kind:
        return [value]
    if Kind.STRING in (to, value.kind):
        raise UnsupportedOperator("Cast", f"from {value.kind} to {to}")
    return [value.map(lambda found: _cast(context, found, value.kind, to), to)]


def _cast(context: Context, found: Cell, kind: Kind, to: Kind) -> Cell:
    if kind is Kind.BOOL:
        one, zero = ("'1'::float8", "'0'::float8") if to.is_floating else ("'1'::bigint", "'0'::bigint")
        return cell(f"case when {{0}} then {one} else {zero} end", found)
    if to is Kind.BOOL:
        zero = "'0'::float8" if kind.is_floating else "'0'::bigint"
        return cell(f"{{0}} <> {zero}", context.exact(found, kind))
    if kind.is_integer and to.is_integer:
        return found
    if to.is_integer:
        return cut_off(context.exact(found, kind), to)
    if kind.is_integer:
        return cell("{0}::float8", found, exact=to is Kind.DOUBLE)
    if to is Kind.FLOAT:
        return rounded(context.bind(found))
    # A float32 becomes a double as it is.
    return context.exact(found, kind)


def cut_off(atom: Cell, to: Kind) -> Cell:
    """Return a float cut off to an integer; of NaN and beyond the type its smallest number, as x86 has it."""
    bits = 63 if to is Kind.INT64 else 31
    return cell(
        f"case when {{0}} < {number(2.0**bits)} and {{0}} > {number(-(2.0**bits) - (bits == 31))}"
        f" then trunc({{0}})::bigint else {literal(to, -(2**bits))} end",
        atom,
    )
