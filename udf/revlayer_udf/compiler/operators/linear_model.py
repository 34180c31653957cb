"""LinearRegressor and LinearClassifier."""

from collections.abc import Sequence

import numpy as np
import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.forests.transforms import logistic, transformed
from revlayer_udf.compiler.operators import ML, operator
from revlayer_udf.compiler.operators.linear import products
from revlayer_udf.compiler.operators.scaler import as_float
from revlayer_udf.compiler.operators.tree_ensemble import first_largest
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@operator("LinearRegressor", domain=ML)
def linear_regressor(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Rows times coefficients plus intercepts; ONNX Runtime transforms several targets, but not one."""
    found = attributes(node)
    scores = _scores(context, node, int(found.get("targets", 1)))
    transform = found.get("post_transform", "NONE")
    if len(scores) == 1 and transform in {"LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"}:
        transform = "NONE"
    return [Value.of(Kind.FLOAT, transformed(context, node.op_type, transform, scores))]


@operator("LinearClassifier", domain=ML)
def linear_classifier(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Label and scores of classes; one row of coefficients with two labels tells two classes apart."""
    found = attributes(node)
    count = len(found["intercepts"])
    labels = found.get("classlabels_strings") or found.get("classlabels_ints") or []
    transform = found.get("post_transform", "NONE")
    if len(labels) != max(count, 2):
        raise UnsupportedOperator(node.op_type, f"it has {len(labels)} labels for {count} rows of coefficients")
    kind = Kind.STRING if isinstance(labels[0], str) else Kind.INT64
    names = [literal(kind, label) for label in labels]
    scores = [context.exact(score, Kind.FLOAT) for score in _scores(context, node, count)]
    if count > 1:
        label = first_largest(scores, names)
        outputs = transformed(context, node.op_type, transform, scores)
    else:
        # NaN is above nothing here, though PostgreSQL sorts it above all.
        template = "case when {0} > '0'::float8 and {0} <> 'NaN'::float8 then {1} else {2} end"
        label = cell(template, scores[0], names[1], names[0])
        outputs = _two_classes(context, node, transform, scores[0])
    return [Value.shaped(kind, [label], (1,)), Value.of(Kind.FLOAT, outputs)]


def _two_classes(context: Context, node: onnx.NodeProto, transform: str, score: Cell) -> list[Cell]:
    if transform in {"NONE", "SOFTMAX"}:
        second = score
    elif transform == "LOGISTIC":
        second = context.bind(logistic(context, score))
    else:
        transformed(context, node.op_type, transform, [score])
        raise AssertionError("other transforms are refused")
    return [cell("'1'::float8 - {0}", second, exact=False), second]


def _scores(context: Context, node: onnx.NodeProto, count: int) -> list[Cell]:
    found, x = attributes(node), as_float(context, node)
    matrix = np.asarray(found["coefficients"], np.float64).reshape(count, -1)
    if x.rank != 2 or matrix.shape[1] != x.shape[1]:
        raise UnsupportedOperator(node.op_type, f"of {x.shape} and coefficients of {matrix.shape}")
    given = found.get("intercepts")
    offset = None if given is None or not len(given) else np.asarray(given, np.float64)
    return products(context, x, matrix.T, offset).flat()
