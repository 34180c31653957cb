"""Fixtures of the importer's tests."""

import pytest


@pytest.fixture(scope="module")
def import_database(make_database):
    """One database for the tests of a module; each imports under a source name of its own, or fails."""
    return make_database("import")
