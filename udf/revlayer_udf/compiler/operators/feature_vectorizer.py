"""FeatureVectorizer and ArrayFeatureExtractor: columns put together and picked out."""

from collections.abc import Sequence

import numpy as np
import onnx

from revlayer_udf.compiler.context import Context, rounded
from revlayer_udf.compiler.operators import ML, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@operator("FeatureVectorizer", domain=ML)
def feature_vectorizer(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Inputs side by side as float32, each cut or filled with zeros to its width."""
    made: list[Cell] = []
    for place, width in enumerate(attributes(node)["inputdimensions"]):
        x = context.batch(node, place)
        if x.rank != 2 or x.kind in (Kind.STRING, Kind.BOOL):
            raise UnsupportedOperator(node.op_type, f"of {x.kind} and {x.shape} it has no translation")
        cells = [_as_float(context, x.kind, item) for item in x.flat()[:width]]
        made += cells + [literal(Kind.FLOAT, 0.0)] * (width - len(cells))
    return [Value.of(Kind.FLOAT, made)]


@operator("ArrayFeatureExtractor", domain=ML)
def array_feature_extractor(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Columns by constant position."""
    x, indices = context.batch(node), context.constant(node, 1)
    if x.rank != 2 or indices is None:
        raise UnsupportedOperator(node.op_type, f"of {x.shape} it has no translation")
    return [Value(x.kind, np.take(x.as_cells(), np.ravel(indices).astype(np.int64), axis=1))]


def _as_float(context: Context, kind: Kind, item: Cell) -> Cell:
    if kind is Kind.DOUBLE:
        return rounded(context.bind(item))
    return cell("{0}::float4::float8", item) if kind.is_integer else item
