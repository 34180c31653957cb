"""A small builder of ONNX graphs with the signature every artefact has.

Inputs: ``numeric`` float32 [N, K] (null = NaN) when there are number features, ``categorical`` string [N, C]
(null = '') when there are text features; columns stand in the order of the manifest. Outputs are float32.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ML_DOMAIN = "ai.onnx.ml"
OPSET = 17
ML_OPSET = 3
IR_VERSION = 8


class Graph:
    """Nodes in the order they are added; names are counted, so equal models give equal bytes."""

    def __init__(self, numbers: Sequence[str], texts: Sequence[str]) -> None:
        self.numbers = list(numbers)
        self.texts = list(texts)
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._columns: dict[tuple[str, int], str] = {}

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def add_node(self, node: onnx.NodeProto, source: str) -> str:
        """Add a copy of a node made elsewhere, fed from ``source``, with one output."""
        name = f"{node.op_type.lower()}_{len(self._nodes)}"
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = name
        del copy.input[:], copy.output[:]
        copy.input.append(source)
        copy.output.append(name)
        self._nodes.append(copy)
        return name

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """Add an initializer and return its name."""
        name = f"constant_{len(self._initializers)}"
        self._initializers.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def number(self, name: str) -> str:
        """Return a number feature as float32 [N, 1]."""
        return self._column("numeric", self.numbers.index(name))

    def text(self, name: str) -> str:
        """Return a text feature as string [N, 1]."""
        return self._column("categorical", self.texts.index(name))

    def _column(self, source: str, position: int) -> str:
        if (source, position) not in self._columns:
            index = self.constant([position], np.int64)
            self._columns[source, position] = self.add("Gather", source, index, axis=1)
        return self._columns[source, position]

    def serialize(self, outputs: Mapping[str, tuple[str, int]], integers: Collection[str] = ()) -> bytes:
        """Return the model's bytes.

        Args:
            outputs: by output name, the tensor it shows and its width; each becomes float32 [N, width].
            integers: those of them that are int64.
        """
        for name, (tensor, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [tensor], [name], name=f"output_{name}"))
        inputs = []
        if self.numbers:
            shape = [None, len(self.numbers)]
            inputs.append(helper.make_tensor_value_info("numeric", TensorProto.FLOAT, shape))
        if self.texts:
            shape = [None, len(self.texts)]
            inputs.append(helper.make_tensor_value_info("categorical", TensorProto.STRING, shape))
        shown = [
            helper.make_tensor_value_info(name, _type(name in integers), [None, width])
            for name, (_, width) in outputs.items()
        ]
        graph = helper.make_graph(self._nodes, "revlayer", inputs, shown, self._initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="revlayer")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)


def _type(is_integer: bool) -> int:
    return int(TensorProto.INT64 if is_integer else TensorProto.FLOAT)
