"""StringNormalizer: texts in small or capital letters, those of ASCII, which every locale agrees on."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import operator
from revlayer_udf.compiler.values import Kind, Value, cell
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes

_CASES = {"LOWER": 'lower({0} collate "C")', "UPPER": 'upper({0} collate "C")'}
_LOCALES = {"C", "POSIX"}


@operator("StringNormalizer")
def string_normalizer(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Another case; what leaves texts out would leave rows out."""
    found, value = attributes(node), context.batch(node)
    action = found.get("case_change_action", "NONE")
    if found.get("stopwords"):
        raise UnsupportedOperator(node.op_type, "its stopwords would leave rows out")
    if value.rank != 1:
        raise UnsupportedOperator(node.op_type, "it takes one text a row; Reshape the column to [-1] before it")
    if action not in _CASES:
        return [value]
    if found.get("locale", "en_US") not in _LOCALES:
        raise UnsupportedOperator(node.op_type, "letters beyond ASCII depend on the server; set its locale to 'C'")
    return [value.map(lambda text: cell(_CASES[action], context.bind(text)), Kind.STRING)]
