"""Scaler, Imputer, Binarizer and Normalizer: numbers in, numbers out, column by column or row by row."""

from collections.abc import Sequence
from math import isnan

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import ML, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal, number
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes

_LOWEST = number(-3.4028234663852886e38)


@operator("Scaler", domain=ML)
def scaler(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """(X - offset) × scale."""
    found, x = attributes(node), as_float(context, node)
    offsets = _per_column(node, x, found["offset"])
    scales = _per_column(node, x, found["scale"])
    made = []
    for item, offset, scale in zip(x.flat(), offsets, scales, strict=True):
        moved = cell("{0} - {1}", context.bounded(item, Kind.FLOAT), _float(offset), exact=False)
        if node.output[0] in context.stepped:  # ONNX Runtime rounds twice
            moved = context.exact(moved, Kind.FLOAT)
        made.append(cell("{0} * {1}", moved, _float(scale), exact=False, factors=moved.factors + 1))
    return [Value.shaped(Kind.FLOAT, made, x.shape)]


@operator("Imputer", domain=ML)
def imputer(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A constant in place of one value, which may be NaN."""
    found, x = attributes(node), context.batch(node)
    if x.kind is Kind.FLOAT:
        replaced, values = found.get("replaced_value_float", 0.0), found["imputed_value_floats"]
    elif x.kind is Kind.INT64:
        replaced, values = found.get("replaced_value_int64", 0), found["imputed_value_int64s"]
    else:
        raise UnsupportedOperator(node.op_type, f"of {x.kind} it has no translation")
    template = "case when {0} = {1} then {2} else {0} end"
    made = [
        cell(template, context.exact(item, x.kind), literal(x.kind, replaced), literal(x.kind, value))
        for item, value in zip(x.flat(), _per_column(node, x, values), strict=True)
    ]
    return [Value.shaped(x.kind, made, x.shape)]


@operator("Binarizer", domain=ML)
def binarizer(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """1 above the threshold, else 0. NaN stays NaN, where ONNX Runtime stops."""
    x = as_float(context, node)
    threshold = float(attributes(node).get("threshold", 0.0))
    assert not isnan(threshold)
    template = "case when {0} = 'NaN'::float8 then {0} when {0} > {1} then '1'::float8 else '0'::float8 end"
    return [x.map(lambda item: cell(template, context.exact(item, Kind.FLOAT), _float(threshold)))]


@operator("Normalizer", domain=ML)
def normalizer(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Rows divided by their largest value, their sum of absolutes, or their length; not where that is zero."""
    norm, x = attributes(node).get("norm", "MAX"), as_float(context, node)
    if x.rank != 2:
        raise UnsupportedOperator(node.op_type, f"of {x.shape} it has no translation")
    atoms = [context.exact(item, Kind.FLOAT) for item in x.flat()]
    places = [f"{{{at}}}" for at in range(len(atoms))]
    if norm == "L2":
        return [Value.of(Kind.FLOAT, _by_length(context, atoms, places))]
    if norm == "MAX":  # NaN is never the largest, in ONNX Runtime
        largest = ", ".join(f"nullif({place}, 'NaN'::float8)" for place in places)
        divisor = context.bind(cell(f"greatest({_LOWEST}, {largest})", *atoms))
    else:
        divisor = context.exact(cell(" + ".join(f"abs({place})" for place in places), *atoms, exact=False), Kind.FLOAT)
    template = "case when {1} <> '0'::float8 then {0} / {1} else {0} end"
    return [Value.of(Kind.FLOAT, [cell(template, atom, divisor, exact=False, factors=2) for atom in atoms])]


def _by_length(context: Context, atoms: list[Cell], places: list[str]) -> list[Cell]:
    """Squares are float32 here, as in ONNX Runtime: beyond 1.8e19 they are infinite."""
    squares = [context.exact(cell("{0} * {0}", atom, exact=False, factors=2), Kind.FLOAT) for atom in atoms]
    total = context.exact(cell(" + ".join(places), *squares, exact=False), Kind.FLOAT)
    template = (
        "case when {2} = '0'::float8 then {0} when {0} < '0'::float8 then - sqrt({1} / {2}) else sqrt({1} / {2}) end"
    )
    return [cell(template, atom, square, total, exact=False) for atom, square in zip(atoms, squares, strict=True)]


def as_float(context: Context, node: onnx.NodeProto, place: int = 0) -> Value:
    """Return an input as float32, which is what these operators compute with."""
    x = context.batch(node, place)
    if x.kind is Kind.FLOAT:
        return x
    if x.kind.is_integer:
        return x.map(lambda item: cell("{0}::float4::float8", item), Kind.FLOAT)
    raise UnsupportedOperator(node.op_type, f"of {x.kind} it has no translation; cast it to float before")


def _per_column(node: onnx.NodeProto, x: Value, values: Sequence[float]) -> list[float]:
    width = len(x.flat())
    if len(values) not in (1, width):
        raise UnsupportedOperator(node.op_type, f"it has {len(values)} values for {width} columns")
    return [float(value) if x.kind is Kind.FLOAT else value for value in (list(values) * width)[:width]]


def _float(value: float) -> Cell:
    return literal(Kind.FLOAT, value)
