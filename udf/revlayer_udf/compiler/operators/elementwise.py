"""Operators of one operand, cell by cell. Domain errors of PostgreSQL become what ONNX returns: NaN or infinity."""

from collections.abc import Callable, Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.operators import Translator, operator
from revlayer_udf.compiler.operators.arithmetic import operation
from revlayer_udf.compiler.values import UNBOUNDED, Cell, Kind, Value, cell, literal, number
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes

NAN = "'NaN'::float8"

# Each uses its operand more than once, so the operand is bound to a name first. NaN sorts above all numbers. What
# stands for LIMIT is the largest exponent.
_TEMPLATES = {
    "Exp": (
        f"case when {{0}} > LIMIT then case when {{0}} = {NAN} then {{0}} else 'Infinity'::float8 end"
        " when {0} < - LIMIT then '0'::float8 else exp({0}) end"
    ),
    "Log": (
        f"case when {{0}} > '0'::float8 then ln({{0}}) when {{0}} = '0'::float8 then '-Infinity'::float8 else {NAN} end"
    ),
    "Sqrt": f"case when {{0}} >= '0'::float8 then sqrt({{0}}) else {NAN} end",
    "Relu": "greatest({0}, '0'::float8)",
    "Sigmoid": (
        "case when {0} < - LIMIT then '0'::float8 else '1'::float8 / ('1'::float8 + exp(greatest(- {0}, - LIMIT))) end"
    ),
    "Tanh": "tanh({0})",
    # ln(1 + e) of a small e is e, of which 1 + e would keep nothing.
    "Softplus": (
        "case when abs({0}) > '20'::float8 then greatest({0}, '0'::float8) + exp(greatest(- abs({0}), - LIMIT))"
        " else greatest({0}, '0'::float8) + ln('1'::float8 + exp(- abs({0}))) end"
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
        limited = template.replace("- LIMIT", number(-value.kind.exponent)).replace(
            "LIMIT", number(value.kind.exponent)
        )
        factors = 1 if value.kind is Kind.FLOAT else UNBOUNDED
        return [value.map(lambda found: cell(limited, context.bind(found), exact=False, factors=factors))]

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
    value = context.batch(node)
    _need_float(node, value)
    alpha = literal(value.kind, attributes(node).get("alpha", 0.01))

    def translate(found: Cell) -> Cell:
        found = context.bind(found)
        scaled = operation(context, value.kind, "{0} * {1}", found, alpha)
        template = "case when {0} >= '0'::float8 then {0} else {1} end"
        return cell(template, found, scaled, exact=False, factors=scaled.factors)

    return [value.map(translate)]


@operator("Elu")
def elu(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X, or alpha (exp X - 1) where it is negative."""
    alpha = float(attributes(node).get("alpha", 1.0))
    template = (
        f"case when {{0}} >= '0'::float8 then {{0}} else {number(alpha)}"
        f" * (exp(greatest({{0}}, {number(-Kind.FLOAT.exponent)})) - '1'::float8) end"
    )
    return [_guarded(context, node, lambda found: cell(template, found, exact=False))]


@operator("Celu")
def celu(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X, or alpha (exp(X / alpha) - 1) where it is negative."""
    _need_float32(node, context.batch(node))
    alpha = float(attributes(node).get("alpha", 1.0))
    if alpha <= 0:
        raise UnsupportedOperator("Celu", "its alpha is not above zero")
    template = (
        f"case when {{0}} >= '0'::float8 then {{0}} else {number(alpha)}"
        f" * (exp(greatest({{0}} / {number(alpha)}, {number(-Kind.FLOAT.exponent)})) - '1'::float8) end"
    )
    return [_guarded(context, node, lambda found: cell(template, found, exact=False))]


@operator("Selu")
def selu(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """gamma X, or gamma alpha (exp X - 1) where X is not positive."""
    _need_float32(node, context.batch(node))
    found = attributes(node)
    alpha, gamma = (float(found.get(name, value)) for name, value in (("alpha", 1.67326319), ("gamma", 1.05070102)))
    template = (
        f"{number(gamma)} * case when {{0}} > '0'::float8 then {{0}} else {number(alpha)}"
        f" * (exp(greatest({{0}}, {number(-Kind.FLOAT.exponent)})) - '1'::float8) end"
    )
    return [_guarded(context, node, lambda item: cell(template, item, exact=False))]


@operator("HardSigmoid")
def hard_sigmoid(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """alpha X + beta, at least 0 and at most 1; NaN stays."""
    _need_float32(node, context.batch(node))
    found = attributes(node)
    alpha, beta = (float(found.get(name, value)) for name, value in (("alpha", 0.2), ("beta", 0.5)))
    template = (
        f"case when {{0}} = {NAN} then {{0}}"
        f" else least(greatest({{0}} * {number(alpha)} + {number(beta)}, '0'::float8), '1'::float8) end"
    )
    return [_guarded(context, node, lambda item: cell(template, item, exact=False))]


@operator("ThresholdedRelu")
def thresholded_relu(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """X where it is above alpha, 0 elsewhere."""
    value = context.batch(node)
    _need_float(node, value)
    alpha = number(float(attributes(node).get("alpha", 1.0)))
    template = f"case when {{0}} > {alpha} and {{0}} <> {NAN} then {{0}} else '0'::float8 end"
    return [value.map(lambda found: cell(template, context.exact(found, value.kind)))]


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


def _need_float32(node: onnx.NodeProto, value: Value) -> None:
    """Refuse what ONNX Runtime has for float32 only."""
    if value.kind is not Kind.FLOAT:
        raise UnsupportedOperator(node.op_type, f"of {value.kind} it has no translation")
