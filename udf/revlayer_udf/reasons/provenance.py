"""From which features each column of each tensor comes.

Columns are counted without the batch axis, so a tensor [N, C, K] has C × K of them, in memory order.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from revlayer_udf.manifest import Manifest
from revlayer_udf.onnx_nodes import attributes

Column = frozenset[int]
Columns = tuple[Column, ...]

# Column by column; every other input is a constant or has the same columns, or one for all.
# fmt: off
ELEMENTWISE = frozenset({
    "Abs", "Add", "And", "Binarizer", "Cast", "Ceil", "Clip", "Div", "Equal", "Erf", "Exp", "Floor", "Greater",
    "GreaterOrEqual", "Identity", "Imputer", "IsInf", "IsNaN", "LabelEncoder", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "Relu",
    "Round", "Scaler", "Sigmoid", "Sign", "Softplus", "Sqrt", "StringNormalizer", "Sub", "Sum", "Tanh", "Where", "Xor",
})
# fmt: on
RESHAPING = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})


class Provenance:
    """Walks a graph once and remembers the columns of each tensor."""

    def __init__(self, graph: onnx.GraphProto, manifest: Manifest) -> None:
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.producers: dict[str, onnx.NodeProto] = {}
        place = {feature.name: index for index, feature in enumerate(manifest.features)}
        self._columns: dict[str, Columns | None] = {
            "numeric": tuple(frozenset({place[name]}) for name in manifest.numbers),
            "categorical": tuple(frozenset({place[name]}) for name in manifest.texts),
        }
        for node in graph.node:
            self.producers |= dict.fromkeys(node.output, node)
            if node.op_type == "Constant" and node.domain in {"", "ai.onnx"}:
                self.constants[node.output[0]] = np.asarray(next(iter(attributes(node).values())))
                continue
            columns = self._of_node(node)
            self._columns |= dict.fromkeys(node.output, columns)

    def columns(self, name: str) -> Columns | None:
        """Return the features behind each column; None where the graph does what is not known here."""
        return self._columns.get(name)

    def single(self, name: str) -> list[int | None] | None:
        """Return the one feature behind each column, None for a column of none; None when one has several."""
        columns = self.columns(name)
        if columns is None or any(len(column) > 1 for column in columns):
            return None
        return [next(iter(column), None) for column in columns]

    def _of_node(self, node: onnx.NodeProto) -> Columns | None:
        inputs = [name for name in node.input if name and name not in self.constants]
        found = [self.columns(name) for name in inputs]
        known = [columns for columns in found if columns is not None]
        if len(known) < len(found) or not known:
            return None
        if node.op_type in ELEMENTWISE:
            return self._broadcast(node, known)
        if node.op_type in RESHAPING:
            return known[0]
        if node.op_type in {"Concat", "FeatureVectorizer"}:
            whole = len(known) == len(node.input)
            return tuple(column for columns in known for column in columns) if whole else None
        if node.op_type == "OneHotEncoder":
            given = attributes(node)
            width = len(given.get("cats_strings") or given.get("cats_int64s") or ())
            return tuple(column for column in known[0] for _ in range(width))
        if node.op_type in {"Gather", "ArrayFeatureExtractor"}:
            return self._gathered(node, known[0])
        return None

    def _broadcast(self, node: onnx.NodeProto, known: Sequence[Columns]) -> Columns | None:
        widths = {len(columns) for columns in known}
        widths |= {constant_width(self.constants[name]) for name in node.input if name in self.constants}
        if node.op_type in {"Clip", "Scaler", "Imputer", "LabelEncoder", "Binarizer"}:
            widths = {len(known[0])}
        width = max(widths)
        if not widths <= {1, width}:
            return None
        wide = [columns * width if len(columns) == 1 else columns for columns in known]
        return tuple(frozenset().union(*parts) for parts in zip(*wide, strict=True))

    def _gathered(self, node: onnx.NodeProto, columns: Columns) -> Columns | None:
        chosen = gathered_columns(node, self.constants, len(columns))
        return None if chosen is None else tuple(columns[index] for index in chosen)


def constant_width(values: np.ndarray) -> int:
    """Return the columns of a constant next to a batch: its last axis, 1 for a number."""
    return int(values.shape[-1]) if values.ndim else 1


def gathered_columns(node: onnx.NodeProto, constants: dict[str, Any], width: int) -> list[int] | None:
    """Return which columns a Gather along the columns takes; None for another axis or computed indices."""
    indices = constants.get(node.input[1])
    if indices is None or (node.op_type == "Gather" and attributes(node).get("axis", 0) not in {1, -1}):
        return None
    return [int(index) % width for index in np.asarray(indices).ravel()]
