"""The three models that are scored: fitted with their libraries, exported as the product exports them."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.scoring.data import AS_OF_DATE, COMMA, FEATURES, SQL
from revlayer_udf import frames
from revlayer_udf.manifest import Feature, Manifest
from revlayer_udf.runtime import numeric_matrix

TRAINING_ROWS = 50_000
TITLES = {
    "lightgbm": "LightGBM 300 × 31 leaves",
    "boosting": "scikit-learn gradient boosting 100 × depth 5",
    "forest": "scikit-learn random forest 100 × depth 10",
}
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """One model in both shapes.

    Attributes:
        fitted: a scikit-learn pipeline.
    """

    name: str
    fitted: Any
    artefact: bytes
    manifest: Manifest

    def predict(self, rows: Any) -> NDArray[np.float64]:
        """Return probabilities [N] as the library gives them, on all cores.

        Args:
            rows: matrix [N, 30].
        """
        return np.asarray(self.fitted.predict_proba(rows)[:, 1])


def load(folder: Path, name: str) -> Model:
    """Read what ``make`` kept."""
    with (folder / f"{name}.pickle").open("rb") as file:
        return pickle.load(file)  # our own file


def make(conn: psycopg.Connection, folder: Path, names: list[str]) -> None:
    """Fit the models on the table's first rows and keep them in a folder; those there already stay."""
    missing = [name for name in names if not (folder / f"{name}.pickle").is_file()]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    x = first_rows(conn, TRAINING_ROWS)
    y = _labels(x)
    for name in missing:
        fitted, artefact = _MAKERS[name](x, y)
        model = Model(name, fitted, artefact, _manifest(name, artefact))
        with (folder / f"{name}.pickle").open("wb") as file:
            pickle.dump(model, file)


def first_rows(conn: psycopg.Connection, rows: int) -> Matrix:
    """Return the features of the first rows, float32 [N, 30], null as NaN."""
    columns = COMMA.join(map(sql.Identifier, FEATURES))
    query = sql.SQL(SQL["first_rows"]).format(columns=columns, rows=sql.Literal(rows))
    return numeric_matrix(frames.read_table(conn, query), FEATURES)


def _labels(x: Matrix) -> NDArray[np.int64]:
    random = np.random.default_rng(7)
    ranks = np.nan_to_num(np.argsort(np.argsort(x, axis=0), axis=0) / len(x) - 0.5)
    ranks[np.isnan(x)] = 0.2
    weights = random.normal(size=x.shape[1]) * np.exp(-np.arange(x.shape[1]) / 8)
    score = 3 * ranks @ weights + 8 * ranks[:, 0] * ranks[:, 1] + np.sin(9 * ranks[:, 2])
    return (score + random.logistic(size=len(x)) > 0).astype(np.int64)


def _lightgbm(x: Matrix, y: NDArray[np.int64]) -> tuple[Any, bytes]:
    from lightgbm import LGBMClassifier
    from sklearn.pipeline import make_pipeline

    from revlayer_training.graph import Graph
    from revlayer_training.trees import from_lightgbm, tree_nodes

    model = LGBMClassifier(n_estimators=300, num_leaves=31, learning_rate=0.05, deterministic=True, verbosity=-1)
    pipeline = make_pipeline(model).fit(x, y)
    graph = Graph(FEATURES, [])
    raw = tree_nodes(graph, from_lightgbm(model.booster_), "numeric")
    return pipeline, graph.serialize({"win_probability": (graph.add("Sigmoid", raw), 1), "raw_score": (raw, 1)})


def _boosting(x: Matrix, y: NDArray[np.int64]) -> tuple[Any, bytes]:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    from revlayer_training.graph import Graph
    from revlayer_training.trees import from_boosting, tree_nodes

    model = GradientBoostingClassifier(n_estimators=100, max_depth=5, subsample=0.5, max_features=10, random_state=0)
    pipeline = make_pipeline(SimpleImputer(strategy="median"), model).fit(x, y)
    graph = Graph(FEATURES, [])
    medians = graph.constant(pipeline[0].statistics_)
    filled = graph.add("Where", graph.add("IsNaN", "numeric"), medians, "numeric")
    raw = tree_nodes(graph, from_boosting(pipeline[1]), filled)
    return pipeline, graph.serialize({"win_probability": (graph.add("Sigmoid", raw), 1), "raw_score": (raw, 1)})


def _forest(x: Matrix, y: NDArray[np.int64]) -> tuple[Any, bytes]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    from revlayer_training.graph import Graph
    from revlayer_training.trees import from_forest, tree_nodes

    model = RandomForestClassifier(n_estimators=100, max_depth=10, random_state=0, n_jobs=-1)
    pipeline = make_pipeline(model).fit(x, y)
    graph = Graph(FEATURES, [])
    raw = tree_nodes(graph, from_forest(model), "numeric")
    return pipeline, graph.serialize({"win_probability": (raw, 1), "raw_score": (raw, 1)})


_MAKERS: dict[str, Callable[[Matrix, NDArray[np.int64]], tuple[Any, bytes]]] = {
    "lightgbm": _lightgbm,
    "boosting": _boosting,
    "forest": _forest,
}


def _manifest(name: str, artefact: bytes) -> Manifest:
    return Manifest.of(
        artefact, target="deal_win", trained_on=AS_OF_DATE, algorithm=TITLES[name], rung="model",
        feature_relation="features.ftr_deals", entity_key="deal_id",
        features=[Feature(name=each, type="number", label=each.replace("_", " ")) for each in FEATURES],
        outputs=("win_probability", "raw_score"), raw_output="raw_score", trained_from_date=AS_OF_DATE,
        trained_through_date=AS_OF_DATE, data_fingerprint="benchmark", is_temporal_evidence=True, beats_baseline=True,
    )  # fmt: skip
