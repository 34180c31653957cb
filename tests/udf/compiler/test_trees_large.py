"""A random forest of 100 trees of depth 10 and gradient boosting of 100 of depth 5, on both servers."""

import statistics
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import onnx
import psycopg
import pytest
from numpy.typing import NDArray

from revlayer_udf.compiler.forests.choice import CASE_LEAF_LIMIT, form_of
from revlayer_udf.compiler.forests.reading import read
from revlayer_udf.compiler.forests.storage import store
from revlayer_udf.compiler.program import translate
from revlayer_udf.compiler.values import number
from tests.conftest import Database
from tests.udf.compiler.ensembles import Forest, matrix, regressor
from tests.udf.compiler.single import check, model_of

FEATURES = 30
SIZES = {"boosting 100 × depth 5": (100, 5), "forest 100 × depth 10": (100, 10)}


@pytest.fixture(scope="module", params=["make_database", "make_plpython_database"], ids=["embedded", "system"])
def conn(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    database: Database = request.getfixturevalue(request.param)("large")
    with database.connect("scorer") as connection:
        yield connection


@cache
def ensemble_of(trees: int, depth: int) -> tuple[onnx.NodeProto, NDArray[Any]]:
    random = np.random.default_rng(trees + depth)
    forest = Forest(random, FEATURES, ("BRANCH_LEQ",)).grow(trees, depth, 1.0)
    return regressor(forest, aggregate="AVERAGE"), matrix(random, 200, FEATURES, forest.value)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["case", "table"])
def test_scores_as_onnxruntime(conn: psycopg.Connection, size: str, form: str) -> None:
    node, x = ensemble_of(*SIZES[size])
    check(conn, node, x, form=form)


@pytest.mark.parametrize("size", SIZES)
def test_a_warm_row_of_the_table_takes_twenty_milliseconds_at_most(conn: psycopg.Connection, size: str) -> None:
    node, x = ensemble_of(*SIZES[size])
    program = translate(onnx.load_from_string(model_of(node, [x], 3)), "table")
    store(conn, program.forests, "test")
    names = [name for _, columns in program.inputs.values() for name in columns]
    (_, (cell,)) = program.outputs["y"]
    constants = ", ".join(f"{number(value)} as {name}" for name, value in zip(names, x[0].tolist(), strict=True))
    statement = program.select(f"select {constants}", cell.text)
    seconds = []
    for _ in range(15):
        start = time.perf_counter()
        conn.execute(statement.encode()).fetchall()
        seconds.append(time.perf_counter() - start)
    conn.rollback()
    assert statistics.median(seconds) <= 0.020


def test_the_form_is_chosen_by_the_number_of_leaves() -> None:
    small, _ = ensemble_of(*SIZES["boosting 100 × depth 5"])
    large, _ = ensemble_of(*SIZES["forest 100 × depth 10"])
    few, many = (read(node, is_double=False) for node in (small, large))
    assert few.leaf_count < CASE_LEAF_LIMIT < many.leaf_count
    assert (form_of(few, "auto"), form_of(many, "auto")) == ("case", "table")
    assert form_of(many, "case") == "case"


def test_several_targets_of_a_forest(conn: psycopg.Connection) -> None:
    random = np.random.default_rng(9)
    forest = Forest(random, FEATURES, ("BRANCH_LEQ",)).grow(30, 7, 1.0)
    x = matrix(random, 50, FEATURES, forest.value)
    check(conn, regressor(forest, 31), x, form="table", rtol=1e-5, atol=1e-5)
