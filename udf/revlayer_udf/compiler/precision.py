"""Which tensors must hold the very float32 that ONNX Runtime has, since a step follows: a comparison, a tree, a floor.

Elsewhere expressions stay double precision, which is cheaper and nearer to the truth. Where a step follows, one
operation after the other is rounded: of two float32, the double nearest to a sum, difference, product or quotient
rounds to the float32 that is nearest to it, so both engines step at the same value.
"""

from collections.abc import Sequence

import onnx

from revlayer_udf.onnx_nodes import attributes

# A small change of what goes in is a small change of what comes out.
_CONTINUOUS = {
    *("Add", "Sub", "Mul", "Div", "Sum", "Mean", "Neg", "Abs", "Reciprocal", "MatMul", "Gemm", "Pow", "Sqrt", "Exp"),
    *("Log", "Sigmoid", "Tanh", "Softplus", "Softsign", "Softmax", "LogSoftmax", "Relu", "LeakyRelu", "Elu", "Clip"),
    *("Max", "Min", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"),
    *("Concat", "Split", "Gather", "Slice", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity"),
    *("Dropout", "Where", "Expand", "Celu", "Selu", "HardSigmoid"),
    *("ArrayFeatureExtractor", "FeatureVectorizer", "LinearRegressor", "Normalizer", "Scaler"),
}
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)


def stepped(nodes: Sequence[onnx.NodeProto]) -> frozenset[str]:
    """Return the names of tensors on whose way to the outputs there is a step.

    Args:
        nodes: of a graph, in order.
    """
    found: set[str] = set()
    for node in reversed(nodes):
        if not _is_continuous(node) or not found.isdisjoint(node.output):
            found.update(node.input)
    return frozenset(found - {""})


def _is_continuous(node: onnx.NodeProto) -> bool:
    if node.op_type == "Cast":
        return attributes(node)["to"] in _FLOATS
    return node.op_type in _CONTINUOUS
