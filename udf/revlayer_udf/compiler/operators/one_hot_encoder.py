"""OneHotEncoder: one column per category."""

from collections.abc import Sequence

import numpy as np
import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import ML, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes

_TEMPLATE = "case when {0} = {1} then '1'::float8 else '0'::float8 end"


@operator("OneHotEncoder", domain=ML)
def one_hot_encoder(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """[N, W] to [N, W, categories]. Floats are cut to integers first; of equal categories the last one counts."""
    found, x = attributes(node), context.batch(node)
    if not found.get("zeros", 1):
        why = "it stops at an unknown category (zeros = 0); export it with zeros = 1, in scikit-learn handle_unknown"
        raise UnsupportedOperator(node.op_type, f"{why} = 'ignore'")
    categories = found.get("cats_strings") or found.get("cats_int64s") or []
    if (x.kind is Kind.STRING) != isinstance(categories[0], str):
        raise UnsupportedOperator(node.op_type, f"its categories are not of its input's type, {x.kind}")
    last = {category: at for at, category in enumerate(categories)}
    made = np.empty((*x.shape, len(categories)), dtype=object)
    for place, item in np.ndenumerate(x.as_cells()):
        atom = _whole(context, x.kind, item)
        for at, category in enumerate(categories):
            hot = cell(_TEMPLATE, atom, literal(x.kind, category))
            made[(*place, at)] = hot if last[category] == at else literal(Kind.FLOAT, 0.0)
    return [Value(Kind.FLOAT, made)]


def _whole(context: Context, kind: Kind, item: Cell) -> Cell:
    atom = context.exact(item, kind)
    return context.bind(cell("trunc({0})", atom)) if kind.is_floating else atom
