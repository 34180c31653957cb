"""Models of real size, as their libraries fit them and as they are exported, and rows on which engines might part.

30 features: 26 numbers with gaps, and four texts of which each is encoded another way. LightGBM 300 × 31 leaves,
scikit-learn's gradient boosting 100 × depth 5 and random forest 100 × depth 10, each for a probability and an amount.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from revlayer_training import trees
from revlayer_training.calibration import PiecewiseLinear, Platt
from revlayer_training.graph import Graph
from revlayer_training.imputation import Imputer
from revlayer_training.preprocessing import OneHotEncoder, TextEncoder, Texts
from revlayer_udf.certificate import SCALE
from revlayer_udf.ensemble import Ensemble
from revlayer_udf.manifest import Feature, Manifest
from revlayer_udf.registry import Model
from revlayer_udf.runtime import numeric_matrix

Kind = Literal["lightgbm", "boosting", "forest"]
Task = Literal["probability", "amount"]
KINDS: tuple[Kind, ...] = ("lightgbm", "boosting", "forest")
TASKS: tuple[Task, ...] = ("probability", "amount")
TITLES = {
    "lightgbm": "LightGBM 300 × 31 leaves",
    "boosting": "gradient boosting 100 × depth 5",
    "forest": "random forest 100 × depth 10",
}

NUMBERS = tuple(f"number_{place}" for place in range(26))
TEXTS = ("stage", "industry", "region", "source")
WORDS = {name: [f"{name} {i}" for i in range(size)] for name, size in zip(TEXTS, (6, 12, 40, 9), strict=True)}
STRANGE = ["", " ", "never seen", "Ünïcode – 数", 'it\'s "quoted"; -- \\n', "stage 1 ", "STAGE 1"]
EDGES = np.array(
    [np.inf, -np.inf, 3.4028234663852886e38, -3.4028234663852886e38, 1e300, -1e300, 1e-45, -1e-45, 1e-35, -1e-35,
     1.1754943508222875e-38, 1e-300, 0.0, -0.0, 16777216.0, 16777217.0, 0.1, -1.0]
)  # fmt: skip
LARGEST = np.finfo(np.float32).max
Predict = Callable[[pa.Table], NDArray[np.float64]]


@dataclass(frozen=True)
class ParityModel:
    """One fitted model and its export.

    Attributes:
        predict: the libraries' own prediction, float64 [N].
        ensemble: the exported trees; their first 26 columns are the numbers.
    """

    model: Model
    predict: Predict
    ensemble: Ensemble

    def answer(self, rows: pa.Table) -> dict[str, NDArray[np.float64]]:
        """Return the prediction as an engine's answer."""
        return {self.model.manifest.outputs[0]: self.predict(rows)[:, None]}


def plain_rows(count: int, random: np.random.Generator) -> pa.Table:
    """Return rows as a company has them: numbers as doubles, a tenth of all values null."""
    columns: dict[str, Any] = {}
    for place, name in enumerate(NUMBERS):
        values = random.normal(size=count)
        values = [values, np.round(np.exp(9 + values), 2), np.round(2 * values), values > 0, 365 * values][place % 5]
        columns[name] = pa.array(np.asarray(values, np.float64), mask=random.random(count) < 0.1)
    for name, words in WORDS.items():
        picked = random.integers(0, len(words), count)
        columns[name] = pa.array(np.array(words, object)[picked], pa.string(), mask=random.random(count) < 0.1)
    return pa.table(columns)


def adversarial_rows(ensemble: Ensemble, count: int, random: np.random.Generator) -> pa.Table:
    """Return plain rows of which half have cells replaced: thresholds and their neighbours, edges, odd texts."""
    rows = plain_rows(count, random)
    inner = np.flatnonzero((ensemble.feature >= 0) & (ensemble.feature < len(NUMBERS)))
    thresholds = {place: near_of(ensemble.threshold[inner][ensemble.feature[inner] == place], random, count)
                  for place in range(len(NUMBERS))}  # fmt: skip
    hit = random.random(count) < 0.25
    odd = ~hit & (random.random(count) < 0.33)
    for place, name in enumerate(NUMBERS):
        values = rows[name].to_numpy().astype(np.float64)
        values = np.where(hit & (random.random(count) < 0.5), thresholds[place], values)
        values = np.where(odd & (random.random(count) < 0.3), random.choice(EDGES, count), values)
        values[place] = np.nan  # each feature null by itself
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values, mask=np.isnan(values)))
    for place, name in enumerate(TEXTS):
        texts = np.array(rows[name].to_pylist(), object)
        strange = odd & (random.random(count) < 0.5)
        texts[strange] = random.choice(np.array(STRANGE, object), strange.sum())
        texts[len(NUMBERS) + place] = None
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(texts.tolist(), pa.string()))
    unknown = pa.table({name: pa.nulls(1, rows.schema.field(name).type) for name in rows.column_names})
    return pa.concat_tables([rows.slice(1), unknown]).combine_chunks()


def near_of(thresholds: NDArray[np.float32], random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Pick thresholds, or the float32 above or below each, or the double nearest above; NaN where there are none."""
    if not len(thresholds):
        return np.full(count, np.nan)
    picked = random.choice(thresholds, count)
    with np.errstate(over="ignore"):
        above, below = (np.nextafter(picked, np.float32(end)).astype(np.float64) for end in (np.inf, -np.inf))
    exact = picked.astype(np.float64)
    return np.choose(random.integers(0, 4, count), [exact, above, below, np.nextafter(exact, np.inf)])


def fit(kind: Kind, task: Task, rows: int = 3000, seed: int = 1) -> ParityModel:
    """Fit on a few rows, deep enough for the full size, and export with every encoder as a node."""
    random = np.random.default_rng(seed)
    table = plain_rows(rows, random)
    texts = {name: Texts.of(table[name].to_pylist()) for name in TEXTS}
    x = numeric_matrix(table, NUMBERS)
    score = np.nan_to_num((x[:, 0] + x[:, 2] * x[:, 5] + texts["stage"].codes / 2), nan=0.5)
    y = (score + random.logistic(size=rows) > 1).astype(float) if task == "probability" else (
        np.exp(9 + score / 2 + 0.3 * random.normal(size=rows)))  # fmt: skip
    encoders: list[TextEncoder | OneHotEncoder] = [
        OneHotEncoder.fit(texts["stage"]), TextEncoder.ordinal(texts["industry"]),
        TextEncoder.frequency(texts["region"]), TextEncoder.target(texts["source"], y),
    ]  # fmt: skip
    imputer = Imputer.fit(x, "median", indicator=True) if kind == "boosting" else None

    def matrix(held: pa.Table) -> NDArray[np.float32]:
        numbers = numeric_matrix(held, NUMBERS)
        numbers = numbers if imputer is None else imputer.transform(numbers)
        columns = [Texts.of(held[name].to_pylist()) for name in TEXTS]
        encoded = [encoder.transform(column).reshape(held.num_rows, -1) for encoder, column in
                   zip(encoders, columns, strict=True)]  # fmt: skip
        return np.hstack([numbers, *encoded])

    ensemble, raw = _FITTERS[kind](matrix(table), y, task)
    calibration = {"lightgbm": PiecewiseLinear.fit(raw(matrix(table)), y), "boosting": Platt.fit(
        raw(matrix(table)), y)}.get(kind) if task == "probability" else None  # fmt: skip
    graph = Graph(NUMBERS, TEXTS)
    numbers = "numeric" if imputer is None else imputer.add_nodes(graph, "numeric")
    nodes = [encoder.add_nodes(graph, graph.text(name)) for encoder, name in zip(encoders, TEXTS, strict=True)]
    margin = trees.tree_nodes(graph, ensemble, graph.add("Concat", numbers, *nodes, axis=1))
    output = "win_probability" if task == "probability" else "value"
    content = graph.serialize({output: (calibration.add_nodes(graph, margin) if calibration else margin, 1)})

    def predict(held: pa.Table) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):  # scikit-learn sums the columns to find infinities
            margin = raw(matrix(held))
        return calibration.apply(margin) if calibration else margin

    return ParityModel(Model(_manifest(content, kind, output, float(y.std())), content), predict, ensemble)


Raw = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def _lightgbm(x: NDArray[np.float32], y: NDArray[np.float64], task: Task) -> tuple[Ensemble, Raw]:
    settings = {"objective": "binary" if task == "probability" else "regression", "num_leaves": 31,
                "min_data_in_leaf": 3, "learning_rate": 0.05, "verbosity": -1, "num_threads": 1}  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(x, y), 300)
    return trees.from_lightgbm(booster), lambda held: trees.margins(booster, held)[:, 0]


def _boosting(x: NDArray[np.float32], y: NDArray[np.float64], task: Task) -> tuple[Ensemble, Raw]:
    if task == "probability":
        model = GradientBoostingClassifier(n_estimators=100, max_depth=5, max_features=8, random_state=0).fit(x, y)
        return trees.from_boosting(model), lambda held: model.decision_function(_finite(held))
    amount = GradientBoostingRegressor(n_estimators=100, max_depth=5, max_features=8, random_state=0).fit(x, y)
    return trees.from_boosting(amount), lambda held: amount.predict(_finite(held))


def _forest(x: NDArray[np.float32], y: NDArray[np.float64], task: Task) -> tuple[Ensemble, Raw]:
    if task == "probability":
        model = RandomForestClassifier(100, max_depth=10, random_state=0).fit(x, y)
        return trees.from_forest(model), lambda held: model.predict_proba(_finite(held))[:, 1]
    amount = RandomForestRegressor(100, max_depth=10, max_features=8, random_state=0).fit(x, y)
    return trees.from_forest(amount), lambda held: amount.predict(_finite(held))


_FITTERS: dict[Kind, Callable[[NDArray[np.float32], NDArray[np.float64], Task], tuple[Ensemble, Raw]]] = {
    "lightgbm": _lightgbm,
    "boosting": _boosting,
    "forest": _forest,
}


def _finite(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Infinities as the largest float32: to a tree the same, and scikit-learn refuses infinities."""
    return np.clip(x, -LARGEST, LARGEST)


def _manifest(content: bytes, kind: Kind, output: str, spread: float) -> Manifest:
    features = [Feature(name=name, type="number", label=name.replace("_", " ")) for name in NUMBERS]
    features += [Feature(name=name, type="text", label=name) for name in TEXTS]
    day = date(2025, 12, 31)
    return Manifest.of(
        content, target="deal_win" if output == "win_probability" else "deal_value", trained_on=day,
        algorithm=TITLES[kind], rung="model", feature_relation="features.ftr_deals", entity_key="deal_id",
        features=features, outputs=(output,), trained_from_date=day, trained_through_date=day,
        data_fingerprint="parity", is_temporal_evidence=True, beats_baseline=True,
        extra={} if output == "win_probability" else {SCALE: spread},
    )  # fmt: skip
