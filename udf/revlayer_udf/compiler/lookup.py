"""A fixed mapping as an expression: halved by comparison until a short CASE is left.

A plain CASE of a thousand keys compares five hundred times; halving compares ten times.
"""

from collections.abc import Callable, Mapping
from typing import Any

_SHORT = 8


def lookup(
    column: str, mapping: Mapping[Any, str], default: str, literal: Callable[[Any], str], *, is_text: bool
) -> str:
    """Return the expression that a column's value maps to.

    Args:
        column: name of the column; written once per comparison, so not an expression that costs.
        mapping: expression by key; numbers without NaN, or texts.
        default: expression of every other value.
        literal: writes a key.
        is_text: compare by code points, as Python sorts.
    """
    compared = f'{column} collate "C"' if is_text else column

    def part(keys: list[Any]) -> str:
        if len(keys) <= _SHORT:
            branches = " ".join(f"when {literal(key)} then {mapping[key]}" for key in keys)
            return f"case {column} {branches} else {default} end"
        middle = len(keys) // 2
        return (
            f"case when {compared} < {literal(keys[middle])} then {part(keys[:middle])} else {part(keys[middle:])} end"
        )

    return part(sorted(mapping)) if mapping else default
