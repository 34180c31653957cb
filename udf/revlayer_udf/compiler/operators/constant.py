"""What is the same for every row: computed once, with ONNX Runtime."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context, fold
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.values import Value
from revlayer_udf.errors import UnsupportedOperator


@operator("Constant")
def constant(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A value kept in the node."""
    return fold(node, [], context)


@operator("ConstantOfShape")
def constant_of_shape(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """A tensor filled with one value; of a constant shape it was computed before it came here."""
    raise UnsupportedOperator(node.op_type, "its shape is not a constant")
