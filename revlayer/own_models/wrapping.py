"""Nodes around a graph of someone else's, so that it takes and returns what every artefact does.

In: ``numeric`` and ``categorical`` are cut into the graph's own inputs, nulls replaced, types cast. Out: columns are
picked, put side by side and cast to float32. No engine, and no job, then sees anything special.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from revlayer.own_models.description import Description, OwnModelError
from revlayer.own_models.graph import TYPE_NAMES, TYPES, GraphInput, OwnGraph
from revlayer.own_models.reference import Pick

PREFIX = "own_"
ML_DOMAIN = "ai.onnx.ml"
OLDEST_IR_VERSION = 8


def check_inputs(graph: OwnGraph, description: Description, texts: Sequence[str], name: str) -> None:
    """Check that the columns of a manifest fill the graph's inputs.

    Args:
        texts: those of the columns that are text; the others are numbers.

    Raises:
        OwnModelError: an input is missing or unknown, has another number of columns, or columns of another type;
            a null default of the wrong type; a whole number without one.
    """
    known = {found.name: found for found in graph.inputs}
    for what, names in (
        ("has no input", sorted(set(description.inputs) - set(known))),
        ("has inputs without columns:", sorted(set(known) - set(description.inputs))),
    ):
        if names:
            listed = ", ".join(f"{found.name} ({TYPE_NAMES[found.type]})" for found in graph.inputs)
            raise OwnModelError(f"{name} {what} {', '.join(names)}", f"Its inputs are {listed}.")
    for own_name, given in description.inputs.items():
        _check_input(known[own_name], given.columns, description, texts)


def _check_input(found: GraphInput, columns: Sequence[str], description: Description, texts: Sequence[str]) -> None:
    if found.width not in (None, len(columns)):
        raise OwnModelError(
            f"the input {found.name} has {found.width} columns, the manifest gives it {len(columns)}",
            "List its columns in the order it was trained with.",
        )
    wants_text = found.type == TensorProto.STRING
    for column in columns:
        if wants_text != (column in texts):
            is_a = "a text" if column in texts else "a number"
            raise OwnModelError(
                f"the input {found.name} takes {TYPE_NAMES[found.type]}, and {column} is {is_a}",
                "Give it a column of that type, or cast inside the graph and export it again.",
            )
        default = description.null_defaults.get(column)
        if default is not None and isinstance(default, str) != wants_text:
            raise OwnModelError(f"the null default of {column} is {default!r}, which is not of its type", None)
        if default is None and found.type == TensorProto.INT64:
            raise OwnModelError(
                f"{column} fills {found.name}, whole numbers, which cannot say null",
                f"Say what stands for null: null_defaults: {{{column}: 0}}",
            )


def wrap(
    graph: OwnGraph,
    description: Description,
    numbers: Sequence[str],
    texts: Sequence[str],
    picks: dict[str, list[Pick]],
) -> bytes:
    """Return the bytes of the graph with the signature that artefacts have.

    Args:
        numbers, texts: columns of the inputs ``numeric`` and ``categorical``.
        picks: by name of our output, its parts.
    """
    model = compose.add_prefix(graph.model, PREFIX)
    before = _Nodes("in_")
    for found in graph.inputs:
        _fill(before, found, description, list(texts if found.type == TensorProto.STRING else numbers))
    after = _Nodes("out_")
    for name, parts in picks.items():
        _show(after, name, parts, graph)
    nodes = _needed([*before.nodes, *model.graph.node, *after.nodes], set(picks))
    read = {name for node in nodes for name in _reads(node)}
    weights = [*before.constants, *model.graph.initializer, *after.constants]
    inputs = [
        helper.make_tensor_value_info(name, kind, [None, len(columns)])
        for name, kind, columns in (
            ("numeric", TensorProto.FLOAT, numbers),
            ("categorical", TensorProto.STRING, texts),
        )
        if columns
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, sum(part.width for part in parts)])
        for name, parts in picks.items()
    ]
    made = helper.make_graph(nodes, "own", inputs, outputs, [weight for weight in weights if weight.name in read])
    made.sparse_initializer.extend(w for w in model.graph.sparse_initializer if w.values.name in read)
    opsets = list(model.opset_import)
    wrapped = helper.make_model(made, opset_imports=opsets, producer_name="revlayer")
    wrapped.ir_version = max(model.ir_version, OLDEST_IR_VERSION)
    # The same file with other columns, labels or dates is another model: the hash, and so the version, must differ.
    meaning = {"numbers": list(numbers), "texts": list(texts), "description": description.model_dump(mode="json")}
    helper.set_model_props(wrapped, {"manifest": json.dumps(meaning, sort_keys=True)})
    onnx.checker.check_model(wrapped)
    return bytes(wrapped.SerializeToString(deterministic=True))


class _Nodes:
    """Nodes and constants in the order they are added."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix = prefix

    def add(self, operator: str, *inputs: str, output: str | None = None, domain: str = "", **attributes: Any) -> str:
        name = output or f"{self._prefix}{operator.lower()}_{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [name], name=f"{self._prefix}{len(self.nodes)}", domain=domain)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def constant(self, values: Any, dtype: Any) -> str:
        name = f"{self._prefix}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name


def _fill(nodes: _Nodes, found: GraphInput, description: Description, source: list[str]) -> None:
    columns = description.inputs[found.name].columns
    is_text = found.type == TensorProto.STRING
    value = "categorical" if is_text else "numeric"
    if list(columns) != source:
        places = nodes.constant([source.index(column) for column in columns], np.int64)
        value = nodes.add("Gather", value, places, axis=1)
    if found.type == TensorProto.DOUBLE:  # before the defaults, which float32 may not hold
        value = nodes.add("Cast", value, to=TensorProto.DOUBLE)
    if any(column in description.null_defaults for column in columns):
        value = _replace_nulls(nodes, value, found, columns, description)
    if found.type == TensorProto.INT64:
        value = nodes.add("Cast", value, to=TensorProto.INT64)
    nodes.add("Identity", value, output=PREFIX + found.name)


def _replace_nulls(
    nodes: _Nodes, value: str, found: GraphInput, columns: Sequence[str], description: Description
) -> str:
    if found.type == TensorProto.STRING:
        # Equal takes texts only from opset 19 on.
        is_null = nodes.add(
            "LabelEncoder", value, domain=ML_DOMAIN, keys_strings=[""], values_int64s=[1], default_int64=0
        )
        is_null = nodes.add("Cast", is_null, to=TensorProto.BOOL)
        row = nodes.constant([[description.null_defaults.get(column, "") for column in columns]], object)
    else:
        is_null = nodes.add("IsNaN", value)
        kind = TYPES[found.type] if found.type == TensorProto.DOUBLE else np.float32
        row = nodes.constant([[description.null_defaults.get(column, np.nan) for column in columns]], kind)
    return nodes.add("Where", is_null, row, value)


def _show(nodes: _Nodes, name: str, parts: Sequence[Pick], graph: OwnGraph) -> None:
    shown = []
    for part in parts:
        value = PREFIX + graph.tensors[part.output]
        if part.rank == 1:
            value = nodes.add("Reshape", value, nodes.constant([-1, 1], np.int64))
        if part.column is not None:
            value = nodes.add("Gather", value, nodes.constant([part.column], np.int64), axis=1)
        shown.append(nodes.add("Cast", value, to=TensorProto.FLOAT))
    joined = shown[0] if len(shown) == 1 else nodes.add("Concat", *shown, axis=1)
    nodes.add("Identity", joined, output=name)


def _needed(nodes: Sequence[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """Drop nodes that no output needs, such as those that make class labels."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(_reads(node))
            kept.append(node)
    return kept[::-1]


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            yield from (output.name for output in graph.output)
            for inner in graph.node:
                yield from _reads(inner)
