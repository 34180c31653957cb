"""Operators of one operand, cell by cell. Domain errors of PostgreSQL become what ONNX returns: NaN or infinity."""

from collections.abc import Callable, Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import Translator, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, number
from revlayer_udf.ensemble import attributes
from revlayer_udf.errors import UnsupportedOperator

# exp of more is no double, of less is none but zero.
LARGEST_EXPONENT = 700.0
NAN = "'NaN'::float8"

# Each uses its operand more than once, so the operand is bound to a name first. NaN sorts above all numbers.
_TEMPLATES = {
    "Exp": (
        f"case when {{0}} > '{LARGEST_EXPONENT}'::float8"
        f" then case when {{0}} = {NAN} then {{0}} else 'Infinity'::float8 end"
        f" when {{0}} < '{-LARGEST_EXPONENT}'::float8 then '0'::float8 else exp({{0}}) end"
    ),
    "Log": (
        f"case when {{0}} > '0'::float8 then ln({{0}}) when {{0}} = '0'::float8 then '-Infinity'::float8 else {NAN} end"
    ),
    "Sqrt": f"case when {{0}} >= '0'::float8 then sqrt({{0}}) else {NAN} end",
    "Relu": "greatest({0}, '0'::float8)",
    "Sigmoid": (
        f"case when {{0}} >= '0'::float8 then '1'::float8 / ('1'::float8 + exp(greatest(- {{0}},"
        f" '{-LARGEST_EXPONENT}'::float8))) else exp(greatest({{0}}, '{-LARGEST_EXPONENT}'::float8))"
        f" / ('1'::float8 + exp(greatest({{0}}, '{-LARGEST_EXPONENT}'::float8))) end"
    ),
    "Tanh": "tanh({0})",
    "Softplus": (
        f"greatest({{0}}, '0'::float8) + ln('1'::float8 + exp(greatest(- abs({{0}}), '{-LARGEST_EXPONENT}'::float8)))"
    ),
    "Softsign": (f"case when abs({{0}}) = 'Infinity'::float8 then {NAN} else {{0}} / ('1'::float8 + abs({{0}})) end"),
}
# These step, so what they see must be the float32 that ONNX Runtime sees.
_STEPS = {
    "Floor": "floor({0})",
    "Ceil": "ceil({0})",
    "Round": "round({0})",  # of a double: halves to even, as ONNX has it
}


def _smooth(name: str, template: str) -> Translator:
    def translate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
        value = context.batch(node)
        _need_float(node, value)
        return [value.map(lambda found: cell(template, context.bind(found), exact=False, factors=1))]

    translate.__doc__ = f"{name}, guarded."
    return translate


def _stepped(name: str, template: str) -> Translator:
    def translate(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
        value = context.batch(node)
        _need_float(node, value)
        return [value.map(lambda found: cell(template, context.exact(found, value.kind)))]

    translate.__doc__ = f"{name} of the float32 value."
    return translate


for _name, _template in _TEMPLATES.items():
    operator(_name)(_smooth(_name, _template))
for _name, _template in _STEPS.items():
    operator(_name)(_stepped(_name, _template))


@operator("Sign")
def sign(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """-1, 0 or 1."""
    value = context.batch(node)
    _need_float(node, value)
    template = f"case when {{0}} = {NAN} then {{0}} else sign({{0}}) end"
    return [value.map(lambda found: cell(template, context.exact(found, value.kind)))]


@operator("LeakyRelu")
def leaky_relu(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X, times alpha where it is negative."""
    alpha = float(attributes(node).get("alpha", 0.01))
    template = f"case when {{0}} >= '0'::float8 then {{0}} else {{0}} * {number(alpha)} end"
    return [_guarded(context, node, lambda found: cell(template, found, exact=False, factors=found.factors + 1))]


@operator("Elu")
def elu(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X, or alpha (exp X - 1) where it is negative."""
    alpha = float(attributes(node).get("alpha", 1.0))
    template = (
        f"case when {{0}} >= '0'::float8 then {{0}} else {number(alpha)}"
        f" * (exp(greatest({{0}}, '{-LARGEST_EXPONENT}'::float8)) - '1'::float8) end"
    )
    return [_guarded(context, node, lambda found: cell(template, found, exact=False))]


@operator("Pow")
def power(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X to a constant exponent: a square root, or a whole number up to 4 in size."""
    exponent = context.constant(node, 1)
    if exponent is None or exponent.size != 1 or float(exponent.ravel()[0]) not in (0.5, 1.0, 2.0, 3.0, 4.0):
        raise UnsupportedOperator("Pow", "its exponent is not one constant out of 0.5, 1, 2, 3 and 4")
    size = float(exponent.ravel()[0])
    if size == 0.5:
        template = f"case when {{0}} >= '0'::float8 then sqrt({{0}}) when {{0}} = '-Infinity'::float8 then" \
                   f" 'Infinity'::float8 else {NAN} end"  # fmt: skip
        return [_guarded(context, node, lambda found: cell(template, found, exact=False))]
    product = " * ".join(["{0}"] * int(size))
    value = context.batch(node)
    _need_float(node, value)
    return [
        value.map(lambda found: cell(product, context.exact(found, value.kind), exact=False, factors=int(size)))
    ]  # fmt: skip


@operator("IsNaN")
def is_nan(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Whether X is NaN."""
    return [context.batch(node).map(lambda found: cell(f"{{0}} = {NAN}", found), Kind.BOOL)]


@operator("IsInf")
def is_infinite(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Whether X is infinite, as float32."""
    found = attributes(node)
    signs = [
        *(["'Infinity'::float8"] if found.get("detect_positive", 1) else []),
        *(["'-Infinity'::float8"] if found.get("detect_negative", 1) else []),
    ]
    template = f"{{0}} in ({', '.join(signs)})" if signs else "false"
    value = context.batch(node)
    return [value.map(lambda item: cell(template, context.exact(item, value.kind)), Kind.BOOL)]


def _guarded(context: Context, node: onnx.NodeProto, function: Callable[[Cell], Cell]) -> Value:
    value = context.batch(node)
    _need_float(node, value)
    return value.map(lambda found: function(context.bind(found)))


def _need_float(node: onnx.NodeProto, value: Value) -> None:
    if not value.kind.is_floating:
        raise UnsupportedOperator(node.op_type, f"of {value.kind} it has no translation")
