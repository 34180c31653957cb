"""A connection of the role that installs functions."""

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="module")
def compiler_database(make_database):
    """A migrated database of this module's own."""
    return make_database("compiler")


@pytest.fixture
def conn(compiler_database) -> Iterator[psycopg.Connection]:
    """As role scorer; what the test changes is rolled back."""
    with compiler_database.connect("scorer") as found:
        yield found
        found.rollback()
