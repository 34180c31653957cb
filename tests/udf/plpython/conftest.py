"""The model and rows of backends.py, and a database that serves the model."""

import pyarrow as pa
import pytest
from backends import EDGES, raw_graph
from psycopg import sql

from revlayer_udf import plpython, registry


@pytest.fixture(scope="session")
def make_model(build_graph, manifest_of):
    """Return a function bias -> (artefact, manifest)."""

    def make(bias: float = 0.0):
        artefact = raw_graph(build_graph, bias)
        return artefact, manifest_of(artefact, raw_output="margin")

    return make


@pytest.fixture
def edges() -> pa.Table:
    """The rows of EDGES as the kernel takes them."""
    amount, score, stage = zip(*EDGES, strict=True)
    return pa.table(
        {
            "amount": pa.array(amount, pa.float64()),
            "lead_score": pa.array(score, pa.float64()),
            "stage_name": pa.array(stage, pa.string()),
        }
    )


@pytest.fixture(scope="module")
def served(make_plpython_database, make_model):
    """A database in which the functions of one model are installed. Read it, or undo what you write."""
    database = make_plpython_database("served")
    artefact, manifest = make_model()
    with database.connect("scorer") as conn:
        registry.register(conn, artefact, manifest)
        plpython.install(conn, manifest)
    return database


@pytest.fixture
def changeable(make_plpython_database, served):
    """A copy of it for one test."""
    return make_plpython_database("changeable", served)


@pytest.fixture
def call_row():
    """Return a function (conn, row, function) -> its result row, over literal arguments."""

    def call(conn, row, function="predict_deal_win"):
        query = sql.SQL("select * from scoring.{}(%s::float8, %s::float8, %s::text)").format(sql.Identifier(function))
        return conn.execute(query, row).fetchone()

    return call
