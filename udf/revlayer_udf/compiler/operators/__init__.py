"""One module per operator, or per family of operators of one shape. Each registers its translators."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeAlias

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.values import Value
from revlayer_udf.errors import UnsupportedOperator

Translator: TypeAlias = Callable[[Context, onnx.NodeProto], Sequence[Value]]

ML = "ai.onnx.ml"
_TRANSLATORS: dict[tuple[str, str], Translator] = {}
_REFUSED: dict[tuple[str, str], str] = {}


def operator(name: str, *, domain: str = "") -> Callable[[Translator], Translator]:
    """Register the translator of an operator: it takes the context and the node and returns the node's outputs."""

    def register(function: Translator) -> Translator:
        _TRANSLATORS[domain, name] = function
        return function

    return register


def refuse(name: str, domain: str, reason: str) -> None:
    """Register why an operator has no translation, and what to do instead."""
    _REFUSED[domain, name] = reason


def translator(node: onnx.NodeProto) -> Translator:
    """Return the translator of a node.

    Raises:
        UnsupportedOperator: there is none.
    """
    key = ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
    if key not in _TRANSLATORS:
        raise UnsupportedOperator(node.op_type, _REFUSED.get(key, "it has no translation to SQL"))
    return _TRANSLATORS[key]


def claimed() -> frozenset[tuple[str, str]]:
    """Return domain and name of every operator that has a translation."""
    return frozenset(_TRANSLATORS)


for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
