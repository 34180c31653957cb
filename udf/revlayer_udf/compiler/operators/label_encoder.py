"""LabelEncoder and CategoryMapper: a fixed mapping between texts, integers and numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.lookup import lookup
from revlayer_udf.compiler.operators import ML, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, kind_of_array, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes

_LISTS = {"strings": Kind.STRING, "int64s": Kind.INT64, "floats": Kind.FLOAT}
# What ONNX Runtime gives to an unknown key where the node names nothing.
_DEFAULTS: dict[Kind, tuple[str, Any]] = {
    Kind.STRING: ("default_string", "_Unused"), Kind.INT64: ("default_int64", -1), Kind.FLOAT: ("default_float", -0.0),
    Kind.DOUBLE: ("default_double", -0.0), Kind.INT32: ("default_int32", -1),
}  # fmt: skip


@operator("LabelEncoder", domain=ML)
def label_encoder(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """What each key maps to. NaN is a key like another from version 4 on, and before it is never found."""
    found, x = attributes(node), context.batch(node)
    if "classes_strings" in found:
        return [_mapped(context, node, x, *_by_position(found["classes_strings"], found, x.kind))]
    keys, key_kind = _listed(node, found, "keys")
    values, kind = _listed(node, found, "values")
    if key_kind is not x.kind:
        raise UnsupportedOperator(node.op_type, f"its keys are {key_kind}, its input {x.kind}")
    default = found.get("default_tensor")
    name, unused = _DEFAULTS[kind]
    unknown = found.get(name, unused) if default is None else np.ravel(default)[0]
    mapping: dict[Any, Any] = {}
    for key, value in zip(keys, values, strict=True):
        is_nan = isinstance(key, float) and math.isnan(key)
        if not is_nan or context.opsets[ML] >= 4:
            mapping.setdefault(math.nan if is_nan else key, value)  # of keys that stand twice the first counts
    return [_mapped(context, node, x, mapping, unknown, kind)]


@operator("CategoryMapper", domain=ML)
def category_mapper(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Texts to integers, or integers to texts."""
    found, x = attributes(node), context.batch(node)
    texts, numbers = found["cats_strings"], found["cats_int64s"]
    if x.kind is Kind.STRING:
        mapping, unknown = dict(zip(texts, numbers, strict=True)), found.get("default_int64", -1)
        return [_mapped(context, node, x, mapping, unknown, Kind.INT64)]
    mapping, unknown = dict(zip(numbers, texts, strict=True)), found.get("default_string", "_Unused")
    return [_mapped(context, node, x, mapping, unknown, Kind.STRING)]


def _by_position(classes: list[str], found: Mapping[str, Any], kind: Kind) -> tuple[dict[Any, Any], Any, Kind]:
    """Version 1: texts to their positions, or positions to texts; of equal texts the last one counts."""
    if kind is Kind.STRING:
        return {text: at for at, text in enumerate(classes)}, found.get("default_int64", -1), Kind.INT64
    return dict(enumerate(classes)), found.get("default_string", "_Unused"), Kind.STRING


def _listed(node: onnx.NodeProto, found: Mapping[str, Any], name: str) -> tuple[list[Any], Kind]:
    for suffix, kind in _LISTS.items():
        if f"{name}_{suffix}" in found:
            return found[f"{name}_{suffix}"], kind
    if f"{name}_tensor" not in found:
        raise UnsupportedOperator(node.op_type, f"it has no {name}")
    array = np.ravel(found[f"{name}_tensor"])
    return array.tolist(), kind_of_array(array, node.op_type)


def _mapped(
    context: Context, node: onnx.NodeProto, x: Value, mapping: Mapping[Any, Any], unknown: Any, kind: Kind
) -> Value:
    if x.kind is Kind.BOOL:
        raise UnsupportedOperator(node.op_type, "of booleans it has no translation")
    texts = {_text(key): literal(kind, value).text for key, value in mapping.items()}
    missing = next((text for key, text in texts.items() if isinstance(key, float) and math.isnan(key)), None)
    known = {key: text for key, text in texts.items() if not (isinstance(key, float) and math.isnan(key))}

    def one(found: Cell) -> Cell:
        atom = context.exact(found, x.kind)
        text = lookup(
            atom.text, known, literal(kind, unknown).text,
            lambda key: literal(x.kind, key).text, is_text=x.kind is Kind.STRING,
        )  # fmt: skip
        if missing is not None:
            text = f"case when {atom.text} = 'NaN'::float8 then {missing} else {text} end"
        return Cell(text, atom.names)

    return x.map(one, kind)


def _text(key: Any) -> Any:
    return key.decode() if isinstance(key, bytes) else key
