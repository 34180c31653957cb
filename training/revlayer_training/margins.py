"""Models that give raw margins: boosted trees, a linear model, and their mean.

A margin is a log-odds for a win, a log-ratio for an amount, and one score per class for close bins.
What turns it into a prediction (calibration, exponent, softmax) belongs to the model of that target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.preprocessing import NumberScaler, OneHotEncoder, TextEncoder, Texts
from revlayer_training.trees import from_hist_boosting, from_lightgbm, margins, tree_nodes

Floats = NDArray[np.float64]


class MarginModel(Protocol):
    """Maps features to margins, in Python and in a graph."""

    @property
    def algorithm(self) -> str:
        """Goes into the manifest."""
        ...

    def margin(self, data: Features) -> Floats:
        """Return margins [N, M]."""
        ...

    def add_nodes(self, graph: Graph) -> str:
        """Return the tensor of margins [N, M]."""
        ...


@dataclass(frozen=True)
class TreeMargin:
    """LightGBM over the number features and encoded text features."""

    texts: tuple[str, ...]
    encoders: tuple[TextEncoder, ...]
    numbers: tuple[str, ...]
    booster: lgb.Booster
    algorithm: str = "lightgbm"

    @classmethod
    def fit(
        cls, train: Features, y: Floats, tune: Features, y_tune: Floats, seed: int, **parameters: Any
    ) -> "TreeMargin":
        """Boost until the tuning rows stop improving.

        Args:
            y, y_tune: labels of the rows.
            parameters: over the defaults; ``objective`` is needed. ``encoding_label`` may give what text
                features are encoded by, where that is not ``y`` itself, None their place in text order, which knows
                of no label; ``start`` and ``start_tune`` the margins [N, M] to boost from, which are not part of
                the model; ``rounds`` boosts so often, whatever the tuning rows say.
        """
        label, rounds = parameters.pop("encoding_label", y), parameters.pop("rounds", None)
        start, start_tune = parameters.pop("start", None), parameters.pop("start_tune", None)
        encoders = tuple(_encoder(train.texts[name], label) for name in train.text_features)
        numbers, texts = train.number_features, train.text_features
        matrix, tuning = _matrix(train, numbers, texts, encoders), _matrix(tune, numbers, texts, encoders)
        settings = {
            "learning_rate": 0.04,
            "num_leaves": 15,
            "min_data_in_leaf": int(np.clip(len(y) // 150, 10, 200)),
            "feature_fraction": 0.6,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 10.0,
            "seed": seed,
            "deterministic": True,
            "num_threads": 1,  # the same trees on every machine; more threads gain little on these sizes
            "force_row_wise": True,
            "verbosity": -1,
        } | parameters
        fitted = lgb.train(
            settings,
            lgb.Dataset(matrix, y, init_score=_by_class(start)),
            num_boost_round=rounds or 800,
            valid_sets=[] if rounds else [lgb.Dataset(tuning, y_tune, init_score=_by_class(start_tune))],
            callbacks=[] if rounds else [lgb.early_stopping(40, verbose=False)],
        )
        return cls(texts, encoders, numbers, fitted)

    def margin(self, data: Features) -> Floats:
        """Return margins [N, M]."""
        return margins(self.booster, _matrix(data, self.numbers, self.texts, self.encoders))

    def add_nodes(self, graph: Graph) -> str:
        """Concatenate numbers and encoded texts, then the trees."""
        matrix = _matrix_nodes(graph, self.numbers, self.texts, self.encoders)
        return tree_nodes(graph, from_lightgbm(self.booster), matrix)


@dataclass(frozen=True)
class LogisticMargin:
    """Logistic regression over scaled numbers, flags of missing numbers and one-hot texts.

    Attributes:
        center: mean of each column in training. It is subtracted, so that the average row contributes nothing.
    """

    texts: tuple[str, ...]
    encoders: tuple[OneHotEncoder, ...]
    numbers: tuple[str, ...]
    scaler: NumberScaler
    center: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercept: float
    algorithm: str = "logistic_regression"

    @classmethod
    def fit(cls, train: Features, y: Floats, strength: float = 0.05) -> "LogisticMargin":
        """Fit with an L2 penalty.

        Args:
            strength: inverse of the penalty, as in scikit-learn's ``C``.
        """
        least = max(5, len(y) // 500)
        encoded = [(name, OneHotEncoder.fit(train.texts[name], least)) for name in train.text_features]
        encoded = [(name, encoder) for name, encoder in encoded if len(encoder.categories) > 1]
        numbers = tuple(name for name in train.number_features if np.nanstd(_known(train.numbers[name])) > 0)
        scaler = NumberScaler.fit(train.numeric(numbers))
        texts, encoders = tuple(n for n, _ in encoded), tuple(e for _, e in encoded)
        matrix = _design(train, texts, encoders, numbers, scaler)
        center = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
        with threadpool_limits(1):
            fitted = LogisticRegression(C=strength, max_iter=300, tol=1e-5).fit(matrix - center, y)
        weights = fitted.coef_[0].astype(np.float32)
        return cls(texts, encoders, numbers, scaler, center, weights, float(np.float32(fitted.intercept_[0])))

    def margin(self, data: Features) -> Floats:
        """Return margins [N, 1]."""
        matrix = _design(data, self.texts, self.encoders, self.numbers, self.scaler)
        return np.asarray((matrix - self.center).astype(np.float64) @ self.weights + self.intercept)[:, None]

    def add_nodes(self, graph: Graph) -> str:
        """Scale, encode, subtract the mean, multiply."""
        parts = []
        if self.numbers:
            positions = [graph.numbers.index(name) for name in self.numbers]
            chosen = graph.add("Gather", "numeric", graph.constant(positions, np.int64), axis=1)
            parts.append(self.scaler.add_nodes(graph, chosen))
        for name, encoder in zip(self.texts, self.encoders, strict=True):
            parts.append(encoder.add_nodes(graph, graph.text(name)))
        matrix = graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        centered = graph.add("Sub", matrix, graph.constant(self.center))
        product = graph.add("MatMul", centered, graph.constant(self.weights[:, None]))
        return graph.add("Add", product, graph.constant(self.intercept))


@dataclass(frozen=True)
class BoostingMargin:
    """Scikit-learn's histogram gradient boosting over the number features and text features in text order."""

    texts: tuple[str, ...]
    encoders: tuple[TextEncoder, ...]
    numbers: tuple[str, ...]
    model: HistGradientBoostingClassifier
    algorithm: str = "gradient_boosting"

    @classmethod
    def fit(cls, train: Features, y: Floats, seed: int, rounds: int) -> "BoostingMargin":
        """Boost for a number of rounds; ``best_rounds`` finds one."""
        numbers, texts = train.number_features, train.text_features
        encoders = tuple(TextEncoder.ordinal(train.texts[name]) for name in texts)
        model = HistGradientBoostingClassifier(
            learning_rate=0.06,
            max_iter=rounds,
            max_leaf_nodes=8,
            min_samples_leaf=int(np.clip(len(y) // 150, 10, 200)),
            l2_regularization=20.0,
            max_features=0.4,
            early_stopping=False,
            random_state=seed,
        )
        matrix = _matrix(train, numbers, texts, encoders)
        # It cannot bin a column of which nothing is known; a constant is never asked about either.
        matrix[:, np.isnan(matrix).all(axis=0)] = 0.0
        with threadpool_limits(1):
            fitted = model.fit(matrix, y)
        return cls(texts, encoders, numbers, fitted)

    def best_rounds(self, tune: Features, y: Floats) -> int:
        """Return after how many rounds the log loss of other rows was lowest."""
        with threadpool_limits(1):
            stages = self.model.staged_decision_function(_matrix(tune, self.numbers, self.texts, self.encoders))
            losses = [float(np.mean(np.logaddexp(0, z) - y * z)) for z in stages]
        return int(np.argmin(losses)) + 1

    def margin(self, data: Features) -> Floats:
        """Return margins [N, 1]."""
        with threadpool_limits(1):
            raw = self.model.decision_function(_matrix(data, self.numbers, self.texts, self.encoders))
        return np.asarray(raw, np.float64)[:, None]

    def add_nodes(self, graph: Graph) -> str:
        """Concatenate numbers and encoded texts, then the trees."""
        matrix = _matrix_nodes(graph, self.numbers, self.texts, self.encoders)
        return tree_nodes(graph, from_hist_boosting(self.model), matrix)


@dataclass(frozen=True)
class MeanMargin:
    """The mean of several models' margins."""

    members: tuple[MarginModel, ...]

    @property
    def algorithm(self) -> str:
        """All names."""
        return "+".join(member.algorithm for member in self.members)

    def margin(self, data: Features) -> Floats:
        """Return margins [N, M]."""
        return np.asarray(sum(member.margin(data) for member in self.members) / len(self.members))

    def add_nodes(self, graph: Graph) -> str:
        """Add all and divide."""
        total = self.members[0].add_nodes(graph)
        for member in self.members[1:]:
            total = graph.add("Add", total, member.add_nodes(graph))
        return graph.add("Mul", total, graph.constant(1 / len(self.members)))


def _encoder(texts: Texts, label: Floats | None) -> TextEncoder:
    return TextEncoder.ordinal(texts) if label is None else TextEncoder.target(texts, label)


def _by_class(start: Floats | None) -> Floats | None:
    return None if start is None else start.ravel(order="F")


def _matrix(
    data: Features, numbers: Sequence[str], texts: Sequence[str], encoders: Sequence[TextEncoder]
) -> NDArray[np.float32]:
    encoded = [encoder.transform(data.texts[name]) for name, encoder in zip(texts, encoders, strict=True)]
    return np.column_stack([data.numeric(numbers), *encoded])


def _matrix_nodes(graph: Graph, numbers: Sequence[str], texts: Sequence[str], encoders: Sequence[TextEncoder]) -> str:
    encoded = [encoder.add_nodes(graph, graph.text(name)) for name, encoder in zip(texts, encoders, strict=True)]
    parts = [*(["numeric"] if numbers else []), *encoded]
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _design(
    data: Features,
    texts: Sequence[str],
    encoders: Sequence[OneHotEncoder],
    numbers: Sequence[str],
    scaler: NumberScaler,
) -> NDArray[np.float32]:
    encoded = [encoder.transform(data.texts[name]) for name, encoder in zip(texts, encoders, strict=True)]
    return np.hstack([scaler.transform(data.numeric(numbers)), *encoded])


def _known(column: NDArray[np.float32]) -> NDArray[np.float32]:
    known = column[~np.isnan(column)]
    return known if len(known) else np.zeros(1, np.float32)
