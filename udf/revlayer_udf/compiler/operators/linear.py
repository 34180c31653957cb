"""Products with constant matrices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.operators.arithmetic import operation, total_of
from revlayer_udf.compiler.values import Cell, Kind, Value, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@operator("MatMul")
def matmul(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Rows times a constant matrix."""
    matrix = context.constant(node, 1)
    assert matrix is not None, "MatMul has two inputs"
    value = context.batch(node)
    _check(node, value, matrix)
    made = products(context, value, matrix.reshape(matrix.shape[0], -1), None)
    return [made if matrix.ndim == 2 else Value(made.kind, made.as_cells().reshape(1))]


@operator("Gemm")
def gemm(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """alpha rows times a constant matrix, plus beta times a constant or a row batch."""
    found, value = attributes(node), context.batch(node)
    matrix, added = context.constant(node, 1), context.inputs(node)[2] if len(node.input) > 2 else None
    if matrix is None or found.get("transA", 0):
        raise UnsupportedOperator("Gemm", "it transposes the rows, or its matrix is missing")
    matrix = matrix.T if found.get("transB", 0) else matrix
    _check(node, value, matrix)
    matrix = matrix.astype(np.float64) * float(found.get("alpha", 1.0))
    beta = float(found.get("beta", 1.0))
    if added is not None and added.array is None:
        return [_plus(context, node, products(context, value, matrix, None), added, beta)]
    offset = None if added is None else added.array
    if offset is not None:
        if offset.ndim > 1 and offset.shape[0] != 1:
            raise UnsupportedOperator("Gemm", "it adds another constant to each row")
        offset = np.broadcast_to(offset.ravel() * beta, (matrix.shape[1],))
    return [products(context, value, matrix, offset)]


def _plus(context: Context, node: onnx.NodeProto, value: Value, added: Value, beta: float) -> Value:
    factor = literal(value.kind, beta)
    scaled = added.map(lambda found: operation(context, value.kind, "{0} * {1}", found, factor))
    left, right = context.broadcast(node, value, scaled)
    pairs = zip(left.ravel(), right.ravel(), strict=True)
    return Value.shaped(value.kind, [operation(context, value.kind, "{0} + {1}", a, b) for a, b in pairs], left.shape)


def products(
    context: Context, value: Value, matrix: NDArray[Any], offset: NDArray[Any] | None, kind: Kind | None = None
) -> Value:
    """Return rows [N, K] times a matrix [K, M] plus an offset [M]; what is used several times is bound first."""
    kind = kind or value.kind
    cells = value.flat()
    if matrix.shape[1] > 1:
        cells = [context.bind(found) for found in cells]
    cells = [context.bounded(found, kind) for found in cells]
    made = []
    for column in range(matrix.shape[1]):
        start = None if offset is None else offset[column]
        made.append(weighted_sum(context, cells, matrix[:, column], start, kind))
    return Value.of(kind, made)


def weighted_sum(context: Context, cells: Sequence[Cell], weights: NDArray[Any], start: Any, kind: Kind) -> Cell:
    """Return start + Σ weight × cell. Zero weights stay: zero times infinity is NaN."""
    terms: list[Cell] = [] if start is None else [literal(kind, start)]
    pairs = zip(cells, weights, strict=True)
    terms += [operation(context, kind, "{0} * {1}", found, literal(kind, weight)) for found, weight in pairs]
    return total_of(context, kind, terms)


def _check(node: onnx.NodeProto, value: Value, matrix: NDArray[Any]) -> None:
    if value.rank != 2 or matrix.ndim not in (1, 2) or value.shape[1] != matrix.shape[0]:
        raise UnsupportedOperator(node.op_type, f"of {value.shape} and {matrix.shape}")
