"""Every translated operator of ai.onnx.ml but the trees, against ONNX Runtime on random and extreme rows."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from revlayer_udf.compiler.operators import claimed
from revlayer_udf.compiler.program import translate
from revlayer_udf.errors import UnsupportedOperator
from tests.conftest import Database
from tests.udf.compiler import test_trees, test_trees_forms
from tests.udf.compiler.ensembles import DOMAIN, EDGES
from tests.udf.compiler.single import check, in_onnxruntime, in_sql, model_of

EXAMPLES = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
SEEDS = st.integers(0, 2**32 - 1)
TEXTS = ["", "a", "A", "é", "zz", "a'b", "back\\slash", "{}", "%s", " ", "ab", "名"]
KINDS = st.sampled_from(["strings", "int64s", "floats"])
TRANSFORMS = st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"])


@pytest.fixture(scope="module")
def conn(make_database: Any) -> Iterator[psycopg.Connection]:
    database: Database = make_database("operators")
    with database.connect("scorer") as connection:
        yield connection


def node_of(name: str, inputs: int = 1, outputs: int = 1, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(
        name, [f"x{at}" for at in range(inputs)], [f"y{at}" for at in range(outputs)], domain=DOMAIN, **attributes
    )


def floats(random: np.random.Generator, width: int, *, edges: bool = True, rows: int = 100) -> NDArray[np.float32]:
    ordinary = random.normal(size=(rows, width)) * 10.0 ** random.integers(-3, 4, size=(rows, width))
    chosen = random.choice(EDGES, size=(rows, width))
    return np.where(edges & (random.random((rows, width)) < 0.3), chosen, ordinary).astype(np.float32)


def texts(random: np.random.Generator, width: int, rows: int = 60) -> NDArray[Any]:
    return random.choice(np.array(TEXTS, object), size=(rows, width))


@EXAMPLES
@given(
    seed=SEEDS, width=st.integers(1, 3), count=st.integers(1, 30), to=st.sampled_from(["strings", "int64s", "floats"])
)
def test_label_encoder_of_texts(conn: psycopg.Connection, seed: int, width: int, count: int, to: str) -> None:
    random = np.random.default_rng(seed)
    keys = [str(key) for key in random.choice(np.array([*TEXTS, *(f"k{at}" for at in range(30))], object), size=count)]
    default: dict[str, Any] = {"strings": "?'", "int64s": -9, "floats": 0.5}
    node = node_of(
        "LabelEncoder", keys_strings=keys, **values(random, to, count),
        **({f"default_{to[:-1]}": default[to]} if seed % 2 else {}),
    )  # fmt: skip
    check(conn, node, texts(random, width), version=2 if seed % 3 else 4)


@EXAMPLES
@given(seed=SEEDS, action=st.sampled_from(["LOWER", "UPPER", "NONE"]))
def test_string_normalizer(conn: psycopg.Connection, seed: int, action: str) -> None:
    """It is of the plain domain, but takes texts, of one dimension."""
    node = helper.make_node("StringNormalizer", ["x0"], ["y0"], case_change_action=action, locale="C")
    x = texts(np.random.default_rng(seed), 1)[:, 0]
    model = model_of(node, [x], 3)
    assert in_sql(conn, model, [x])[0].ravel().tolist() == in_onnxruntime(model, [x])[0].ravel().tolist()


@EXAMPLES
@given(seed=SEEDS, count=st.integers(1, 30), version=st.sampled_from([2, 4]), to=st.sampled_from(["strings", "floats"]))
def test_label_encoder_of_numbers(conn: psycopg.Connection, seed: int, count: int, version: int, to: str) -> None:
    random = np.random.default_rng(seed)
    keys = np.where(random.random(count) < 0.4, random.choice(EDGES, size=count), random.integers(-9, 9, size=count))
    node = node_of("LabelEncoder", keys_floats=keys.tolist(), **values(random, to, count))
    x = np.where(random.random((80, 2)) < 0.5, random.choice(EDGES, size=(80, 2)), random.integers(-9, 9, size=(80, 2)))
    check(conn, node, x.astype(np.float32), version=version)


@EXAMPLES
@given(seed=SEEDS, count=st.integers(1, 30), to=KINDS)
def test_label_encoder_of_integers(conn: psycopg.Connection, seed: int, count: int, to: str) -> None:
    random = np.random.default_rng(seed)
    keys = random.choice(np.array([-(2**63), 2**63 - 1, 2**53 + 1, *range(-9, 9)]), size=count)
    node = node_of("LabelEncoder", keys_int64s=keys.tolist(), **values(random, to, count))
    x = random.choice(np.array([-(2**63), 2**63 - 1, 2**53, 2**53 + 1, *range(-9, 9)]), size=(60, 2))
    check(conn, node, x, version=2)


def values(random: np.random.Generator, to: str, count: int) -> dict[str, Any]:
    if to == "strings":
        return {"values_strings": [str(text) for text in random.choice(np.array(TEXTS, object), size=count)]}
    if to == "int64s":
        return {"values_int64s": random.integers(-(2**62), 2**62, size=count).tolist()}
    return {"values_floats": random.normal(size=count).astype(np.float32).tolist()}


def test_label_encoder_of_tensors(conn: psycopg.Connection) -> None:
    keys = numpy_helper.from_array(np.array(["a", "zz", "é"], object), "keys")
    mapped = numpy_helper.from_array(np.array([1.5, np.nan, -np.inf], np.float32), "values")
    default = numpy_helper.from_array(np.array([7.25], np.float32), "default")
    node = node_of("LabelEncoder", keys_tensor=keys, values_tensor=mapped, default_tensor=default)
    check(conn, node, np.array([[text] for text in TEXTS], object), version=4)


def test_first_label_encoder(conn: psycopg.Connection) -> None:
    node = node_of("LabelEncoder", classes_strings=["a", "zz", "a", "é"], default_int64=-7, default_string="?")
    check(conn, node, np.array([[text] for text in TEXTS], object), version=1)
    check(conn, node, np.arange(-2, 8).reshape(-1, 1), version=1)


@EXAMPLES
@given(seed=SEEDS, count=st.integers(1, 12), with_defaults=st.booleans())
def test_category_mapper(conn: psycopg.Connection, seed: int, count: int, with_defaults: bool) -> None:
    random = np.random.default_rng(seed)
    chosen = [str(text) for text in random.permutation(np.array(TEXTS, object))[:count]]
    numbers = random.permutation(np.array([-(2**63), 2**53 + 1, *range(-6, 6)]))[:count].tolist()
    defaults: dict[str, Any] = {"default_int64": -7, "default_string": "?'"} if with_defaults else {}
    node = node_of("CategoryMapper", cats_strings=chosen, cats_int64s=numbers, **defaults)
    check(conn, node, texts(random, 2), version=1)
    check(conn, node, random.choice(np.array([*numbers, 2**53, 8, -9]), size=(40, 2)), version=1)


@EXAMPLES
@given(seed=SEEDS, count=st.integers(1, 12), width=st.integers(1, 2))
def test_one_hot_encoder(conn: psycopg.Connection, seed: int, count: int, width: int) -> None:
    random = np.random.default_rng(seed)
    chosen = [str(text) for text in random.choice(np.array(TEXTS, object), size=count)]
    check(conn, node_of("OneHotEncoder", cats_strings=chosen, zeros=1), texts(random, width), version=1)
    whole = random.integers(-3, 4, size=count).tolist()
    node = node_of("OneHotEncoder", cats_int64s=whole, zeros=1)
    check(conn, node, random.integers(-4, 5, size=(50, width)), version=1)
    check(conn, node, floats(random, width), version=1)


@EXAMPLES
@given(seed=SEEDS, single=st.booleans(), whole=st.booleans())
def test_scaler(conn: psycopg.Connection, seed: int, single: bool, whole: bool) -> None:
    random = np.random.default_rng(seed)
    count = 1 if single else 3
    node = node_of(
        "Scaler",
        offset=random.normal(size=count).tolist(),
        scale=random.choice([0.0, 1e-30, 2.5, 1e30], count).tolist(),
    )
    x: Any = random.integers(-(2**40), 2**40, size=(50, 3)) if whole else floats(random, 3)
    check(conn, node, x, version=1, rtol=1e-5)


@EXAMPLES
@given(seed=SEEDS, replaced=st.sampled_from([float("nan"), 0.0, 1.0, float("inf"), 1e-45]), single=st.booleans())
def test_imputer(conn: psycopg.Connection, seed: int, replaced: float, single: bool) -> None:
    random = np.random.default_rng(seed)
    count = 1 if single else 3
    node = node_of("Imputer", imputed_value_floats=random.normal(size=count).tolist(), replaced_value_float=replaced)
    check(conn, node, floats(random, 3), version=1)
    node = node_of("Imputer", imputed_value_int64s=random.integers(-9, 9, count).tolist(), replaced_value_int64=2)
    check(conn, node, random.integers(-3, 4, size=(50, 3)), version=1)


@EXAMPLES
@given(seed=SEEDS, norm=st.sampled_from(["MAX", "L1", "L2"]), width=st.integers(1, 4), whole=st.booleans())
def test_normalizer(conn: psycopg.Connection, seed: int, norm: str, width: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    x: Any = random.integers(-3, 4, size=(50, width)) if whole else floats(random, width)
    check(conn, node_of("Normalizer", norm=norm), x, version=1, rtol=1e-5)


@EXAMPLES
@given(seed=SEEDS, threshold=st.sampled_from([0.0, -0.0, 1e-45, 1.0, 3.4028235e38]))
def test_binarizer(conn: psycopg.Connection, seed: int, threshold: float) -> None:
    x = np.nan_to_num(floats(np.random.default_rng(seed), 3), nan=2.0, posinf=np.inf, neginf=-np.inf)
    check(conn, node_of("Binarizer", threshold=threshold), x, version=1)


@EXAMPLES
@given(seed=SEEDS, targets=st.integers(1, 3), transform=TRANSFORMS, edges=st.booleans())
def test_linear_regressor(conn: psycopg.Connection, seed: int, targets: int, transform: str, edges: bool) -> None:
    random = np.random.default_rng(seed)
    node = node_of(
        "LinearRegressor", coefficients=random.normal(size=3 * targets).tolist(), targets=targets,
        post_transform=transform, **({"intercepts": random.normal(size=targets).tolist()} if seed % 2 else {}),
    )  # fmt: skip
    check(conn, node, scaled(floats(random, 3, edges=edges)), version=1, rtol=1e-5, atol=1e-5)


@EXAMPLES
@given(seed=SEEDS, count=st.integers(1, 3), transform=TRANSFORMS, names=st.booleans(), edges=st.booleans())
def test_linear_classifier(
    conn: psycopg.Connection, seed: int, count: int, transform: str, names: bool, edges: bool
) -> None:
    random = np.random.default_rng(seed)
    labels: Any = {"classlabels_strings": ["x", "y'", "z"]} if names else {"classlabels_ints": [7, 3, 9]}
    labels = {name: items[: max(count, 2)] for name, items in labels.items()}
    node = node_of(
        "LinearClassifier", outputs=2, coefficients=random.normal(size=3 * count).tolist(),
        intercepts=random.normal(size=count).tolist(), post_transform=transform, **labels,
    )  # fmt: skip
    check(conn, node, scaled(floats(random, 3, edges=edges)), version=1, rtol=1e-5, atol=1e-5)


def scaled(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep sums within what float32 adds up to 1e-5: ONNX Runtime adds in float32, in an order of its own."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(x) & (np.abs(x) > 30), x % 30, x).astype(np.float32)


@EXAMPLES
@given(seed=SEEDS, widths=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=3))
def test_feature_vectorizer(conn: psycopg.Connection, seed: int, widths: list[tuple[int, int]]) -> None:
    random = np.random.default_rng(seed)
    given: Any = [floats(random, width, rows=30) for width, _ in widths]
    node = node_of("FeatureVectorizer", inputs=len(widths), inputdimensions=[wanted for _, wanted in widths])
    check(conn, node, *given, version=1)
    width, wanted = widths[0]
    node = node_of("FeatureVectorizer", inputs=1, inputdimensions=[wanted])
    check(conn, node, random.integers(-(2**62), 2**62, size=(30, width)), version=1)
    edges = np.array([1e300, -1e300, 1e-300, 0.1, np.nan, np.inf, -np.inf, 1e-45, 3.5e38, -0.0])
    check(conn, node, random.choice(edges, size=(30, width)), version=1)


@EXAMPLES
@given(seed=SEEDS, places=st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_array_feature_extractor(conn: psycopg.Connection, seed: int, places: list[int]) -> None:
    random = np.random.default_rng(seed)
    for x in (floats(random, 4), texts(random, 4), random.integers(9, size=(9, 4))):
        check(conn, node_of("ArrayFeatureExtractor", inputs=2), x, version=1, constants={"x1": np.array(places)})


# What makes a node of the operator in a test; of the others, their name.
MAKERS = {
    "TreeEnsembleRegressor": "regressor(", "TreeEnsembleClassifier": "classifier(", "TreeEnsemble": "ForestFive(",
}  # fmt: skip


def test_every_claimed_operator_has_a_property_based_test() -> None:
    tests = [item for module in (sys.modules[__name__], test_trees, test_trees_forms) for item in vars(module).values()]
    texts = [inspect.getsource(item.hypothesis.inner_test) for item in tests if hasattr(item, "hypothesis")]
    for domain, name in claimed():
        if domain == DOMAIN:
            made = MAKERS.get(name, f'"{name}"')
            assert any(made in text for text in texts), name


REFUSED: dict[str, tuple[int, dict[str, Any], str]] = {
    "ZipMap": (1, {"classlabels_int64s": [0, 1]}, "zipmap"),
    "SVMRegressor": (1, {"coefficients": [1.0], "support_vectors": [1.0], "n_supports": 1}, "tree"),
    "OneHotEncoder": (1, {"cats_int64s": [1], "zeros": 0}, "ignore"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name_with_what_to_do(name: str) -> None:
    count, attributes, hint = REFUSED[name]
    node = node_of(name, count, **attributes)
    model = model_of(node, [np.zeros((1, 1), np.float32)], 1)
    with pytest.raises(UnsupportedOperator, match=f"{name} cannot.*{hint}"):
        translate(onnx.load_from_string(model))
