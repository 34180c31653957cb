"""Both forms of a tree ensemble in SQL give what ONNX Runtime gives, on every row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from revlayer_udf.compiler.forests.reading import read
from revlayer_udf.compiler.forests.storage import remove
from revlayer_udf.errors import ArtefactError
from tests.conftest import Database
from tests.udf.compiler.ensembles import DOMAIN, MODES, Forest, ForestFive, matrix, regressor
from tests.udf.compiler.forms import fill, onnxruntime_scores, sql_scores

EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.fixture(scope="module")
def conn(make_database: Any) -> Iterator[psycopg.Connection]:
    database: Database = make_database("forests")
    with database.connect("scorer") as connection:
        yield connection


def check(conn: psycopg.Connection, node: onnx.NodeProto, x: Any, *, version: int = 3) -> None:
    expected = onnxruntime_scores(node, x, version=version)[0]
    ensemble = read(node, is_double=x.dtype == np.float64)
    np.testing.assert_allclose(ensemble.score(x), expected, rtol=2e-6, atol=2e-6)
    fill(conn, x)
    for form in ("case", "table"):
        np.testing.assert_allclose(sql_scores(conn, ensemble, form), expected, rtol=2e-6, atol=2e-6, err_msg=form)
    conn.rollback()


@EXAMPLES
@given(
    seed=st.integers(0, 2**32 - 1),
    trees=st.integers(1, 12),
    depth=st.integers(0, 12),
    targets=st.integers(1, 3),
    aggregate=st.sampled_from(["SUM", "AVERAGE", "MIN", "MAX"]),
    is_double=st.booleans(),
    modes=st.sampled_from([("BRANCH_LEQ",), MODES]),
)
def test_every_mode_at_every_threshold(
    conn: psycopg.Connection,
    seed: int,
    trees: int,
    depth: int,
    targets: int,
    aggregate: str,
    is_double: bool,
    modes: Any,
) -> None:
    random = np.random.default_rng(seed)
    dtype = np.float64 if is_double else np.float32
    forest = Forest(random, 4, modes, dtype).grow(trees, depth, 0.7)
    base = None if is_double else random.normal(size=targets).astype(np.float32).tolist()
    x = matrix(random, 200, 4, forest.value, dtype)
    check(conn, regressor(forest, targets, aggregate, base), x)


def test_deep_trees_of_few_leaves(conn: psycopg.Connection) -> None:
    random = np.random.default_rng(3)
    forest = Forest(random, 2, ("BRANCH_LEQ",))
    # A chain: the left child is always a leaf.
    for at in range(120):
        forest.tree += [0, 0]
        forest.feature += [at % 2, 0]
        forest.value += [at / 60 - 1.0, 0.0]
        forest.tracks += [int(at % 3 == 0), 0]
        forest.number += [2 * at, 2 * at + 1]
        forest.mode += ["BRANCH_LEQ", "LEAF"]
        forest.yes += [2 * at + 1, 0]
        forest.no += [2 * at + 2, 0]
        forest.leaves.append((0, 2 * at + 1))
    end = {"tree": 0, "number": 240, "feature": 0, "mode": "LEAF", "value": 0.0, "yes": 0, "no": 0, "tracks": 0}
    for name, item in end.items():
        getattr(forest, name).append(item)
    forest.leaves.append((0, 240))
    check(conn, regressor(forest), matrix(random, 500, 2, forest.value))


def tree_ensemble(random: np.random.Generator, dtype: Any) -> onnx.NodeProto:
    """Return a TreeEnsemble (ai.onnx.ml 5) with a test of membership."""
    return helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain=DOMAIN, n_targets=2, aggregate_function=1, post_transform=0,
        tree_roots=[0, 3],
        nodes_modes=numpy_helper.from_array(np.array([0, 6, 1, 6], np.uint8)),
        nodes_featureids=[0, 1, 0, 1],
        nodes_splits=numpy_helper.from_array(np.array([0.5, 0.0, -1.0, 0.0], dtype)),
        nodes_truenodeids=[1, 0, 2, 2], nodes_trueleafs=[0, 1, 1, 0],
        nodes_falsenodeids=[2, 1, 3, 4], nodes_falseleafs=[0, 1, 1, 1],
        membership_values=numpy_helper.from_array(np.array([1.0, 3.0, 7.0, np.nan, 2.0, np.nan], dtype)),
        leaf_targetids=[0, 1, 0, 1, 0],
        leaf_weights=numpy_helper.from_array(random.normal(size=5).astype(dtype)),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tree_ensemble_of_version_five(conn: psycopg.Connection, dtype: Any) -> None:
    random = np.random.default_rng(4)
    node = tree_ensemble(random, dtype)
    x = matrix(random, 300, 2, [0.5, -1.0, 1.0, 2.0, 3.0, 7.0, 4.0], dtype)
    check(conn, node, x, version=5)


@EXAMPLES
@given(seed=st.integers(0, 2**32 - 1), trees=st.integers(1, 6), depth=st.integers(1, 5), is_double=st.booleans())
def test_any_tree_ensemble_of_version_five(
    conn: psycopg.Connection, seed: int, trees: int, depth: int, is_double: bool
) -> None:
    random = np.random.default_rng(seed)
    dtype = np.float64 if is_double else np.float32
    node = ForestFive(random, dtype).node(trees, depth)
    check(conn, node, matrix(random, 200, 2, list(ForestFive.VALUES), dtype), version=5)


def test_comparison_below_all_numbers_is_refused() -> None:
    forest = Forest(np.random.default_rng(5), 1, ("BRANCH_LT",)).grow(1, 1, 1.0)
    forest.value[0] = float("-inf")
    with pytest.raises(ArtefactError, match="infinity"):
        read(regressor(forest), is_double=False)


def test_forests_go_with_their_last_reader(conn: psycopg.Connection) -> None:
    forest = Forest(np.random.default_rng(6), 2, ("BRANCH_LEQ",)).grow(3, 7)
    ensemble = read(regressor(forest), is_double=False)
    fill(conn, np.zeros((1, 2)))
    sql_scores(conn, ensemble, "table")
    remove(conn, "another function")
    assert _count(conn) == 1
    remove(conn, "test")
    assert _count(conn) == 0
    conn.rollback()


def _count(conn: psycopg.Connection) -> int:
    row = conn.execute("select count(distinct forest_key) from scoring.compiled_blocks").fetchone()
    assert row is not None
    return int(row[0])
