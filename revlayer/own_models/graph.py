"""Reading a graph of someone else's: what it takes, what it returns, and what cannot be taken."""

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, inliner

from revlayer.own_models.description import OwnModelError
from revlayer_udf.errors import ArtefactError
from revlayer_udf.graphs import check_graph

# IsNaN and Where; LabelEncoder, the one operator of ai.onnx.ml whose first version means something else.
OLDEST_OPSET, OLDEST_ML_OPSET = 9, 2
TYPES: dict[int, type] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.INT64: np.int64,
    TensorProto.STRING: object,
}
TYPE_NAMES: dict[int, str] = {TensorProto.FLOAT: "float", TensorProto.DOUBLE: "double", TensorProto.INT64: "int64",
              TensorProto.STRING: "string"}  # fmt: skip


@dataclass(frozen=True)
class GraphInput:
    """An input of the graph: ONNX element type, and number of columns where the graph fixes it."""

    name: str
    type: int
    width: int | None


@dataclass(frozen=True)
class OwnGraph:
    """A graph that can be wrapped.

    Attributes:
        model: with local functions inlined and ZipMap taken off.
        inputs: in the graph's order.
        classes: by output name, the class labels that the graph itself gives its columns.
        tensors: by output name, the tensor behind it.
    """

    model: onnx.ModelProto
    inputs: tuple[GraphInput, ...]
    classes: dict[str, tuple[str | int, ...]]
    tensors: dict[str, str]


def read_graph(content: bytes, name: str) -> OwnGraph:
    """Check a graph and take off what stands in the way.

    Args:
        name: of the file, for messages.

    Raises:
        OwnModelError: it is no ONNX model, or has external data, custom operators, an opset too old or too new,
            or inputs of a type or shape that feature columns cannot fill.
    """
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
        model = inliner.inline_local_functions(model) if model.functions else model
    except Exception as error:  # protobuf's DecodeError, onnx's checker and inliner share no base class
        if "external" in str(error).lower() or _is_external(content):
            raise OwnModelError(
                f"{name} keeps its weights in another file",
                "Save it with the weights inside: onnx.save_model(onnx.load(...), ..., save_as_external_data=False).",
            ) from None
        raise OwnModelError(f"{name} is no valid ONNX model: {_first_line(error)}", "Export it again.") from None
    try:
        check_graph(model.SerializeToString(), name)
    except ArtefactError as error:
        raise OwnModelError(error.message, error.hint) from None
    _raise_opsets(model, name)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_input(value, name) for value in model.graph.input if value.name not in weights)
    classes, tensors = _take_off_zipmaps(model.graph)
    return OwnGraph(model, inputs, classes, tensors)


def session_of(content: bytes, name: str) -> ort.InferenceSession:
    """Load a graph with ONNX Runtime on one thread.

    Raises:
        OwnModelError: it does not load.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise OwnModelError(f"{name} does not load: {_first_line(error)}", "Export it with another opset.") from None


def _is_external(content: bytes) -> bool:
    try:
        model = onnx.load_model_from_string(content)
    except Exception:  # protobuf's DecodeError is not public
        return False
    return any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer)


def _raise_opsets(model: onnx.ModelProto, name: str) -> None:
    """Refuse opsets that our own nodes cannot live beside, and lift ai.onnx.ml 1, which differs in one operator."""
    versions = {opset.domain or "ai.onnx": opset for opset in model.opset_import}
    standard = versions.get("ai.onnx")
    if standard is not None and standard.version < OLDEST_OPSET:
        raise OwnModelError(
            f"{name} has opset {standard.version}; {OLDEST_OPSET} or later is needed",
            "Export it with a newer target opset, or convert it: onnx.version_converter.convert_version(model, 17).",
        )
    if standard is None:
        model.opset_import.append(helper.make_opsetid("", 17))
    learning = versions.get("ai.onnx.ml")
    if learning is None:
        model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    elif learning.version < OLDEST_ML_OPSET:
        if any(node.op_type == "LabelEncoder" for node in model.graph.node):
            raise OwnModelError(
                f"{name} has LabelEncoder of ai.onnx.ml 1", "Export it with target opset 3 of ai.onnx.ml."
            )
        learning.version = 3


def _input(value: onnx.ValueInfoProto, name: str) -> GraphInput:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type" or value.type.tensor_type.elem_type not in TYPES:
        element = value.type.tensor_type.elem_type
        found = TensorProto.DataType.Name(element).lower() if kind == "tensor_type" else str(kind)
        raise OwnModelError(
            f"{name}: the input {value.name} is of type {found}",
            f"Inputs are {', '.join(TYPE_NAMES.values())}: cast inside the graph and export it again.",
        )
    shape = value.type.tensor_type.shape.dim
    if len(shape) != 2 or shape[0].dim_value:
        found = [dim.dim_value or dim.dim_param or "?" for dim in shape]
        raise OwnModelError(
            f"{name}: the input {value.name} has shape {found}, which is not [rows, columns]",
            "Export it with a free first dimension and one row per deal.",
        )
    return GraphInput(value.name, value.type.tensor_type.elem_type, shape[1].dim_value or None)


def _take_off_zipmaps(graph: onnx.GraphProto) -> tuple[dict[str, tuple[str | int, ...]], dict[str, str]]:
    """Replace outputs made by ZipMap, lists of dictionaries, by the matrix it reads; and find class labels."""
    makers = {output: node for node in graph.node for output in node.output}
    classes: dict[str, tuple[str | int, ...]] = {}
    tensors: dict[str, str] = {}
    for output in graph.output:
        tensor = output.name
        found: tuple[str | int, ...] = ()
        while tensor in makers and makers[tensor].op_type in ("ZipMap", "Identity", "Cast", "Normalizer"):
            node = makers[tensor]
            found = found or _labels(node)
            if node.op_type == "ZipMap":
                tensors[output.name] = node.input[0]
            tensor = node.input[0]
        if tensor in makers:
            found = found or _labels(makers[tensor])
        if found:
            classes[output.name] = found
        tensors.setdefault(output.name, output.name)
    return classes, tensors


def _labels(node: onnx.NodeProto) -> tuple[str | int, ...]:
    for attribute in node.attribute:
        if attribute.name in ("classlabels_int64s", "classlabels_ints") and attribute.ints:
            return tuple(attribute.ints)
        if attribute.name in ("classlabels_strings",) and attribute.strings:
            return tuple(text.decode() for text in attribute.strings)
    return ()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
