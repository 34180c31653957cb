"""Trees read from the libraries decide and add up as the fitted models do, NaN and infinities included."""

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import onnxruntime as ort
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression

from revlayer_training.graph import Graph
from revlayer_training.trees import from_boosting, from_forest, from_hist_boosting, from_lightgbm, margins, tree_nodes
from revlayer_udf.ensemble import Ensemble
from revlayer_udf.errors import ArtefactError

QUIET = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}


def rows(count: int = 1500, missing: float = 0.2, seed: int = 3) -> np.ndarray:
    """Four float32 columns: smooth with gaps, coarse, seconds since 1970, and one without gaps."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 4))
    x[:, 1] = random.integers(-2, 3, count)
    x[:, 2] = 1.6e9 + 1e6 * x[:, 2]
    x[random.random(count) < missing, 0] = np.nan
    return x.astype(np.float32)


def labels(x: np.ndarray, classes: int = 2) -> np.ndarray:
    score = np.nan_to_num(x[:, 0], nan=0.7) + x[:, 1] * x[:, 3] + (x[:, 2] % 3000) / 3000
    return np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


def held_rows(ensemble: Ensemble) -> np.ndarray:
    """Rows that training never saw: gaps everywhere, infinities, every threshold and its float32 neighbours."""
    random = np.random.default_rng(5)
    x = rows(4000, seed=6)
    x[random.random(x.shape) < 0.1] = np.nan
    x[:200][random.random((200, 4)) < 0.3] = np.inf
    x[200:400][random.random((200, 4)) < 0.3] = -np.inf
    x[1600:1700] = random.choice(np.array([1e-35, -1e-35, 1e-45, -1e-45, 0, -0.0, 2e-35], np.float32), (100, 4))
    inner = np.flatnonzero(ensemble.feature >= 0)
    for row, node in enumerate(random.permutation(inner)[:1200], 400):
        at = ensemble.threshold[node]
        x[row, ensemble.feature[node]] = (at, np.nextafter(at, np.float32(np.inf)),
                                          np.nextafter(at, np.float32(-np.inf)))[row % 3]  # fmt: skip
    return x


def through_onnx(ensemble: Ensemble, x: np.ndarray) -> np.ndarray:
    graph = Graph(list("abcd"), [])
    content = graph.serialize({"raw": (tree_nodes(graph, ensemble, "numeric"), ensemble.target_count)})
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"numeric": x})[0]


def finite(x: np.ndarray) -> np.ndarray:
    """Infinities as the largest float32: to a tree the same, and scikit-learn refuses infinities."""
    largest = np.finfo(np.float32).max
    return np.clip(x, -largest, largest)


@pytest.mark.parametrize(
    ("objective", "classes", "more"),
    [
        ("binary", 2, {}),
        ("regression", 5, {}),
        ("multiclass", 4, {"num_class": 4}),
        ("binary", 2, {"use_missing": False}),
        ("regression", 5, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}),
        ("multiclass", 3, {"num_class": 3, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}),
    ],
)
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_lightgbm(objective: str, classes: int, more: dict[str, Any], missing: float) -> None:
    x = rows(missing=missing)
    booster = lgb.train(QUIET | {"objective": objective} | more, lgb.Dataset(x, labels(x, classes)), 20)
    ensemble = from_lightgbm(booster)
    held = held_rows(ensemble)
    trees_per_class = booster.num_trees() // booster.num_model_per_iteration()
    expected = margins(booster, held) / (trees_per_class if "boosting" in more else 1)  # a raw score is never averaged
    assert np.abs(ensemble.score(held) - expected).max() <= 1e-13
    assert np.abs(through_onnx(ensemble, held) - expected).max() <= 2e-6
    assert ensemble.cover is not None
    assert (ensemble.cover[ensemble.roots] >= len(x) // 3).all()


def test_a_booster_is_cut_at_its_best_iteration() -> None:
    x, noise = rows(), rows(seed=8)
    stop = lgb.early_stopping(3, verbose=False)
    booster = lgb.train(
        QUIET | {"objective": "binary", "learning_rate": 0.5}, lgb.Dataset(x, labels(x)), 200,
        valid_sets=[lgb.Dataset(noise, labels(noise))], callbacks=[stop],
    )  # fmt: skip
    assert booster.best_iteration < 200
    assert len(from_lightgbm(booster).roots) == booster.best_iteration


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_a_tree_that_is_a_leaf(missing: float) -> None:
    x = rows(40, missing)
    booster = lgb.train({"objective": "regression", "verbosity": -1}, lgb.Dataset(x, labels(x)), 2)
    assert np.allclose(from_lightgbm(booster).score(x), margins(booster, x))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"categorical_feature": [1]}, r"native categories: Column_1(.|\n)*Encode it first"),
        ({"zero_as_missing": True}, r"takes zero as missing: Column_\d"),
        ({"linear_tree": True}, "linear models in its leaves"),
    ],
)
def test_what_a_booster_may_not_do_is_refused_by_name(settings: dict[str, Any], said: str) -> None:
    x = np.abs(np.nan_to_num(rows()))
    data = lgb.Dataset(x, labels(x), categorical_feature=settings.pop("categorical_feature", "auto"), params=settings)
    booster = lgb.train(QUIET | {"objective": "binary"} | settings, data, 5)
    with pytest.raises(ArtefactError, match=said):
        from_lightgbm(booster)


def positive_probability(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: model.predict_proba(x)[:, 1]


def test_boosting_classifier() -> None:
    x = np.nan_to_num(rows())
    for classes in (2, 3):
        model = GradientBoostingClassifier(n_estimators=20, max_depth=5, random_state=1).fit(x, labels(x, classes))
        ensemble = from_boosting(model)
        held = np.nan_to_num(held_rows(ensemble), nan=0.0, posinf=np.inf, neginf=-np.inf)
        expected = model.decision_function(finite(held)).reshape(len(held), -1)
        assert np.abs(through_onnx(ensemble, held) - expected).max() <= 3e-6


@pytest.mark.parametrize("settings", [{}, {"init": "zero"}, {"loss": "huber", "subsample": 0.5}])
def test_boosting_regressor(settings: dict[str, Any]) -> None:
    x = np.nan_to_num(rows())
    y = np.exp(labels(x, 9) / 3.0)
    model = GradientBoostingRegressor(n_estimators=20, max_depth=5, random_state=1, **settings).fit(x, y)
    ensemble = from_boosting(model)
    held = np.nan_to_num(held_rows(ensemble), nan=0.0, posinf=np.inf, neginf=-np.inf)
    assert np.abs(through_onnx(ensemble, held)[:, 0] - model.predict(finite(held))).max() <= 1e-5 * y.std()


def test_boosting_from_another_model_is_refused() -> None:
    x = np.nan_to_num(rows(300))
    model = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(x, labels(x))
    with pytest.raises(ArtefactError, match="starts from a LogisticRegression"):
        from_boosting(model)


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("classes", [2, 3])
def test_histogram_boosting(missing: float, classes: int) -> None:
    x = rows(missing=missing)
    model = HistGradientBoostingClassifier(max_iter=30, random_state=1).fit(x, labels(x, classes))
    ensemble = from_hist_boosting(model)
    held = held_rows(ensemble)
    expected = model.decision_function(held).reshape(len(held), -1)
    assert np.abs(ensemble.score(held) - expected).max() <= 1e-12
    assert np.abs(through_onnx(ensemble, held) - expected).max() <= 3e-6


def test_histogram_boosting_that_asks_only_whether_a_number_is_known() -> None:
    x = np.where(np.random.default_rng(1).random((400, 4)) < 0.5, np.nan, 1.0).astype(np.float32)
    model = HistGradientBoostingClassifier(max_iter=5, random_state=1).fit(x, np.isnan(x[:, 0]))
    ensemble = from_hist_boosting(model)
    assert np.isinf(ensemble.threshold).any()
    held = np.vstack([x, np.full((1, 4), np.inf), np.full((1, 4), -np.inf), np.full((1, 4), 3e38)]).astype(np.float32)
    expected = model.decision_function(held)
    assert np.abs(through_onnx(ensemble, held)[:, 0] - expected).max() <= 1e-6


def test_histogram_boosting_on_categories_is_refused() -> None:
    x = np.abs(np.nan_to_num(rows(400)))
    model = HistGradientBoostingClassifier(max_iter=5, categorical_features=[1]).fit(x, x[:, 1] == 1)
    with pytest.raises(ArtefactError, match="native categories"):
        from_hist_boosting(model)


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_forest_classifier(kind: Any, missing: float) -> None:
    x = rows(missing=missing)
    model = kind(20, max_depth=10, random_state=1, class_weight="balanced").fit(x, labels(x))
    ensemble = from_forest(model)
    held = held_rows(ensemble)
    expected = positive_probability(model)(finite(held))
    assert np.abs(ensemble.score(held)[:, 0] - expected).max() <= 1e-12
    assert np.abs(through_onnx(ensemble, held)[:, 0] - expected).max() <= 1e-6


def test_forest_of_several_classes_and_of_amounts() -> None:
    x = rows()
    model = RandomForestClassifier(10, max_depth=6, random_state=1).fit(x, labels(x, 4))
    ensemble = from_forest(model)
    held = held_rows(ensemble)
    assert np.abs(through_onnx(ensemble, held) - model.predict_proba(finite(held))).max() <= 1e-6
    y = np.exp(labels(x, 9).astype(float))
    amounts = RandomForestRegressor(10, max_depth=6, random_state=1).fit(x, y)
    scored = through_onnx(from_forest(amounts), held)[:, 0]
    assert (np.abs(scored - amounts.predict(finite(held))) <= 1e-5 * np.maximum(y.std(), scored)).all()


def test_a_forest_of_several_outputs_is_refused() -> None:
    x = rows(100)
    model = RandomForestRegressor(2).fit(x, np.nan_to_num(x[:, :2]))
    with pytest.raises(ArtefactError, match="2 outputs"):
        from_forest(model)
