"""Arithmetic of doubles that may be of any size: PostgreSQL raises an error where a result leaves a double's range.

Float32 needs none of this: a double holds the product of six of them, so they are rounded before that. Doubles that
come from float32 are not guarded either until more than six were multiplied.
"""

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.values import UNBOUNDED, Cell, cell

# The product or quotient of this many float32 is at least 1e-270 and at most 1e231.
SAFE_FACTORS = 6

# A little inside the range: rounding must not leave it either. What is smaller is zero.
_MOST, _LEAST = "'1.79e308'::float8", "'3e-308'::float8"
_INFINITE = "abs({0}) >= 'Infinity'::float8 or abs({1}) >= 'Infinity'::float8"
_SIGNED = "case when ({0} > '0'::float8) = ({1} > '0'::float8) then 'Infinity'::float8 else '-Infinity'::float8 end"

GUARDED_PRODUCT = (
    f"case when {{0}} = '0'::float8 or {{1}} = '0'::float8 or {_INFINITE} then {{0}} * {{1}}"
    f" when abs({{0}}) >= '1'::float8 and abs({{1}}) > {_MOST} / abs({{0}}) then {_SIGNED}"
    f" when abs({{0}}) < '1'::float8 and abs({{1}}) < {_LEAST} / abs({{0}}) then '0'::float8 else {{0}} * {{1}} end"
)
# By a divisor other than zero.
GUARDED_QUOTIENT = (
    f"case when {{0}} = '0'::float8 or {_INFINITE} then {{0}} / {{1}}"
    f" when abs({{1}}) < '1'::float8 and abs({{0}}) > {_MOST} * abs({{1}}) then {_SIGNED}"
    f" when abs({{1}}) >= '1'::float8 and abs({{0}}) < {_LEAST} * abs({{1}}) then '0'::float8 else {{0}} / {{1}} end"
)
GUARDED_SUM = (
    f"case when abs({{0}}) < '8e307'::float8 and abs({{1}}) < '8e307'::float8 or {_INFINITE}"
    " or ({0} > '0'::float8) <> ({1} > '0'::float8) then {0} + {1}"
    f" when abs({{0}}) > {_MOST} - abs({{1}}) then {_SIGNED}"
    " else {0} + {1} end"
)


def guarded(context: Context, template: str, a: Cell, b: Cell) -> Cell:
    """Return a sum, difference, product or quotient of any two doubles; the divisor is not zero."""
    if template == "{0} - {1}":
        template, b = "{0} + {1}", cell("- {0}", b)
    found = {"{0} + {1}": GUARDED_SUM, "{0} * {1}": GUARDED_PRODUCT, "{0} / {1}": GUARDED_QUOTIENT}[template]
    return cell(found, context.bind(a), context.bind(b), exact=False, factors=UNBOUNDED)
