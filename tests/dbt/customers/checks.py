"""Comparing features with numbers worked out by hand."""

from collections.abc import Mapping
from typing import Any

import pytest


def check(found: Mapping[str, Any], **expected: object) -> None:
    """Assert that the columns named are as expected; numbers to a millionth."""
    assert {name: found[name] for name in expected} == {
        name: pytest.approx(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        for name, value in expected.items()
    }
