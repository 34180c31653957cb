"""Fixtures of the tests of imports and of models of one's own."""

import pytest


@pytest.fixture(scope="module")
def import_database(make_database):
    """One database for the tests of a module; each imports under a source name of its own, or fails."""
    return make_database("import")


@pytest.fixture(scope="module")
def own_company(make_database, company):
    """A copy of the company that the tests of a module may write to."""
    return make_database("own", company)


@pytest.fixture
def conn(own_company):
    with own_company.connect("scorer") as conn:
        yield conn
        conn.rollback()


@pytest.fixture(scope="module")
def cutoff(company):
    with company.connect("scorer") as conn:
        return conn.execute("select max(as_of_date) from features.ftr_deals").fetchone()[0]
