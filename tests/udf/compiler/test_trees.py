"""Tree ensembles of every operator, compiled, against ONNX Runtime."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revlayer_udf.compiler.program import translate
from revlayer_udf.errors import UnsupportedOperator
from tests.conftest import Database
from tests.udf.compiler.ensembles import MODES, Forest, classifier, matrix, regressor
from tests.udf.compiler.single import check, model_of

EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
SEEDS = st.integers(0, 2**32 - 1)
FORMS = st.sampled_from(["case", "table"])
TRANSFORMS = st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"])


@pytest.fixture(scope="module")
def conn(make_database: Any) -> Iterator[psycopg.Connection]:
    database: Database = make_database("trees")
    with database.connect("scorer") as connection:
        yield connection


@EXAMPLES
@given(seed=SEEDS, form=FORMS, targets=st.integers(1, 3), transform=TRANSFORMS, is_double=st.booleans())
def test_regressor(
    conn: psycopg.Connection, seed: int, form: str, targets: int, transform: str, is_double: bool
) -> None:
    random = np.random.default_rng(seed)
    kind: Any = np.float64 if is_double else np.float32
    forest = Forest(random, 4, MODES, kind).grow(6, 5)
    base = None if is_double else random.normal(size=targets).tolist()
    x = matrix(random, 200, 4, forest.value, kind)
    check(conn, regressor(forest, targets, "SUM", base, transform), x, form=form)


@EXAMPLES
@given(seed=SEEDS, form=FORMS)
def test_integers_are_compared_as_float32(conn: psycopg.Connection, seed: int, form: str) -> None:
    random = np.random.default_rng(seed)
    forest = Forest(random, 4, ("BRANCH_LEQ", "BRANCH_GT")).grow(6, 5)
    inner = [place for place, mode in enumerate(forest.mode) if mode != "LEAF"]
    for place in inner:
        forest.value[place] = float(random.choice([-1.0, 0.0, 2.0, 2.0**24, 2.0**24 + 2]))
    x = random.choice(np.array([-3, -1, 0, 1, 2, 3, 2**24, 2**24 + 1, 2**24 + 2, 2**40]), size=(200, 4))
    check(conn, classifier(forest, ["a", "b", "c"], [0, 1, 2]), x, form=form)


@EXAMPLES
@given(
    seed=SEEDS, form=FORMS, transform=TRANSFORMS, names=st.booleans(), base=st.integers(0, 2),
    classes=st.sampled_from([[0], [1], [0, 1]]), positive=st.booleans(),
)  # fmt: skip
def test_classifier_of_two_classes(
    conn: psycopg.Connection, seed: int, form: str, transform: str, names: bool, base: int, classes: list[int],
    positive: bool,
) -> None:  # fmt: skip
    random = np.random.default_rng(seed)
    forest = Forest(random, 3, MODES).grow(5, 4)
    labels: list[Any] = ["lost", "won"] if names else [3, 8]
    node = classifier(forest, labels, classes, random.normal(size=base).tolist(), transform)
    if positive:
        for attribute in node.attribute:
            if attribute.name == "class_weights":
                attribute.floats[:] = [abs(weight) / 5 for weight in attribute.floats]
    x = matrix(random, 200, 3, forest.value)
    if (classes == [1] and base) or (classes == [0, 1] and base == 2):
        with pytest.raises(UnsupportedOperator, match="base value"):
            translate_node(node, x)
        return
    check(conn, node, x, form=form)


@EXAMPLES
@given(seed=SEEDS, form=FORMS, transform=TRANSFORMS, names=st.booleans(), with_base=st.booleans())
def test_classifier_of_several_classes(
    conn: psycopg.Connection, seed: int, form: str, transform: str, names: bool, with_base: bool
) -> None:
    random = np.random.default_rng(seed)
    forest = Forest(random, 3, MODES).grow(5, 4)
    labels: list[Any] = ["a", "b", "c"] if names else [3, 8, 5]
    base = random.normal(size=3).tolist() if with_base else None
    node = classifier(forest, labels, [0, 1, 2], base, transform)
    check(conn, node, matrix(random, 200, 3, forest.value), form=form)


@EXAMPLES
@given(seed=SEEDS, form=FORMS)
def test_each_tree_serves_one_class(conn: psycopg.Connection, seed: int, form: str) -> None:
    random = np.random.default_rng(seed)
    forest = Forest(random, 3, ("BRANCH_LEQ",)).grow(6, 4)
    node = classifier(forest, ["a", "b", "c"], [0], None, "SOFTMAX")
    trees = next(item for item in node.attribute if item.name == "class_treeids").ints
    next(item for item in node.attribute if item.name == "class_ids").ints[:] = [tree % 3 for tree in trees]
    check(conn, node, matrix(random, 200, 3, forest.value), form=form)


@pytest.mark.parametrize("transform", ["PROBIT", "SOFTMAX_ZERO"])
def test_other_transforms_are_refused_by_name(transform: str) -> None:
    forest = Forest(np.random.default_rng(0), 2, MODES).grow(2, 2, 1.0)
    with pytest.raises(UnsupportedOperator, match=f"TreeEnsembleRegressor.*{transform}"):
        translate_node(regressor(forest, 2, transform=transform), np.zeros((1, 2), np.float32))


def test_a_base_value_of_a_target_that_some_leaves_leave_out_is_refused() -> None:
    forest = Forest(np.random.default_rng(0), 2, MODES).grow(1, 2, 1.0)
    node = regressor(forest, 2, base=[0.5, 0.5])
    next(item for item in node.attribute if item.name == "target_ids").ints[:2] = [0, 0]
    with pytest.raises(UnsupportedOperator, match="base value"):
        translate_node(node, np.zeros((1, 2), np.float32))


def test_one_label_is_refused() -> None:
    forest = Forest(np.random.default_rng(0), 2, MODES).grow(2, 2, 1.0)
    with pytest.raises(UnsupportedOperator, match="labels"):
        translate_node(classifier(forest, ["a"], [0]), np.zeros((1, 2), np.float32))


def test_a_feature_beyond_the_input_is_refused() -> None:
    forest = Forest(np.random.default_rng(0), 5, MODES).grow(20, 2, 1.0)
    with pytest.raises(UnsupportedOperator, match="columns"):
        translate_node(regressor(forest), np.zeros((1, 2), np.float32))


def translate_node(node: Any, x: Any) -> None:
    import onnx

    translate(onnx.load_from_string(model_of(node, [x], 3)))
