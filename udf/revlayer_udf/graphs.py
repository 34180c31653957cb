"""What an ONNX graph may contain: standard operators and its own weights, nothing from outside the file."""

from collections.abc import Iterator

import onnx

from revlayer_udf.errors import ArtefactError

ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_STANDARD = {"": "ai.onnx", "ai.onnx": "ai.onnx", "ai.onnx.ml": "ai.onnx.ml"}


def check_graph(artefact: bytes, name: str) -> None:
    """Refuse bytes that are no ONNX model, custom operators, unknown opsets and weights in other files.

    Args:
        name: model version, for the message.

    Raises:
        ArtefactError: with what to do.
    """
    try:
        model = onnx.load_model_from_string(artefact)
    except Exception:  # protobuf's DecodeError, or onnx's own
        raise ArtefactError(f"the artefact of {name} is not an ONNX model", "Export it again.") from None
    newest = {
        "ai.onnx": onnx.defs.onnx_opset_version(),
        "ai.onnx.ml": max(schema.since_version for schema in onnx.defs.get_all_schemas_with_history()
                          if schema.domain == "ai.onnx.ml"),
    }  # fmt: skip
    for opset in model.opset_import:
        if opset.domain not in ALLOWED_DOMAINS:
            continue  # an unused import is harmless; its operators are refused below
        if opset.version > newest[_STANDARD[opset.domain]]:
            raise ArtefactError(
                f"{name} needs opset {opset.version} of {_STANDARD[opset.domain]}; this server has "
                f"{newest[_STANDARD[opset.domain]]}",
                "Export it with an older target opset, or upgrade onnx and onnxruntime.",
            )
    for graph in _graphs(model):
        _check_nodes(graph, name)


def _check_nodes(graph: onnx.GraphProto | onnx.FunctionProto, name: str) -> None:
    for node in graph.node:
        if node.domain not in ALLOWED_DOMAINS:
            raise ArtefactError(
                f"{name} uses the custom operator {node.domain}.{node.op_type}",
                "Export it with standard operators (ai.onnx, ai.onnx.ml) only.",
            )
    for tensor in _tensors(graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ArtefactError(
                f"{name} keeps the weights {tensor.name!r} in another file",
                "Export it with the weights inside: onnx.save_model(..., save_as_external_data=False).",
            )


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting.extend([attribute.g] if attribute.HasField("g") else [])
                waiting.extend(attribute.graphs)


def _tensors(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.TensorProto]:
    if isinstance(graph, onnx.GraphProto):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            sparse_tensors = [*([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
                              *attribute.sparse_tensors]  # fmt: skip
            for sparse in sparse_tensors:
                yield from (sparse.values, sparse.indices)
