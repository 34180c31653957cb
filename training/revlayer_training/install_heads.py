"""Heads over the columns of installs: the log-odds that one pays, and the mean of the logarithm of what payers spend.

Trees find what goes together, a linear model takes every category at its own weight; their mean errs least.
Payers are few, so all of them are kept and other installs are thinned out, at a weight that makes up for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from revlayer_training.graph import Graph
from revlayer_training.install_columns import Floats, Rows, Tensors
from revlayer_training.preprocessing import NumberScaler, OneHotEncoder, TextEncoder
from revlayer_training.trees import from_lightgbm, margins, tree_nodes

OTHERS_PER_PAYER = 12
FEWEST_OTHERS = 50_000
_STOP_AFTER, _MOST_ROUNDS = 40, 1000


class Head(Protocol):
    """Maps rows to one score each, in Python and in a graph."""

    def score(self, rows: Rows) -> Floats:
        """Return scores [N]."""
        ...

    def add_nodes(self, graph: Graph, tensors: Tensors) -> str:
        """Return the tensor of scores [N, 1]."""
        ...


@dataclass(frozen=True)
class TreeHead:
    """LightGBM over numbers, ratios and encodings."""

    booster: lgb.Booster

    @classmethod
    def until_best(
        cls, rows: Rows, y: Floats, weight: Floats, held: NDArray[np.bool_], seed: int, **settings: Any
    ) -> "TreeHead":
        """Boost on the other rows until the held ones stop improving."""
        fit = lgb.Dataset(rows.matrix[~held], y[~held], weight=weight[~held])
        valid = lgb.Dataset(rows.matrix[held], y[held], weight=weight[held], reference=fit)
        stop: list[Callable[..., Any]] = [lgb.early_stopping(_STOP_AFTER, verbose=False)]
        return cls(lgb.train(
            _settings(len(y), seed, settings), fit, num_boost_round=_MOST_ROUNDS, valid_sets=[valid], callbacks=stop,
        ))  # fmt: skip

    @classmethod
    def on_all(cls, rows: Rows, y: Floats, weight: Floats, rounds: int, seed: int, **settings: Any) -> "TreeHead":
        """Boost on all rows for so many rounds."""
        whole = lgb.Dataset(rows.matrix, y, weight=weight)
        return cls(lgb.train(_settings(len(y), seed, settings), whole, num_boost_round=max(rounds, 1)))

    @property
    def rounds(self) -> int:
        """Trees until the held rows stopped improving."""
        return int(self.booster.best_iteration)

    def score(self, rows: Rows) -> Floats:
        """Return scores [N]."""
        return margins(self.booster, rows.matrix)[:, 0]

    def add_nodes(self, graph: Graph, tensors: Tensors) -> str:
        """Return scores [N, 1]."""
        return tree_nodes(graph, from_lightgbm(self.booster), tensors.matrix)


@dataclass(frozen=True)
class LinearHead:
    """Weights of scaled numbers, ratios and flags of what is missing, and one weight per category.

    A category never seen, or seldom, weighs as much as the mean row's.
    """

    scaler: NumberScaler
    weights: NDArray[np.float32]
    texts: dict[str, TextEncoder]
    intercept: float

    @classmethod
    def fit(cls, rows: Rows, y: Floats, weight: Floats, *, is_binary: bool, penalty: float) -> "LinearHead":
        """Fit a logistic regression, or ridge, with an L2 penalty."""
        scaler, encoders, matrix = linear_design(rows)
        share = weight / weight.sum()
        centre = (share @ matrix).astype(np.float32)
        with threadpool_limits(1):
            model: Any = LogisticRegression(C=1 / penalty, max_iter=300, tol=1e-5) if is_binary else Ridge(penalty)
            model.fit(matrix - centre, y, sample_weight=weight)
        found = np.asarray(model.coef_, np.float64).ravel()
        width = matrix.shape[1] - sum(len(encoder.categories) for encoder in encoders.values())
        texts, at = {}, width
        for name, encoder in encoders.items():
            own = found[at : at + len(encoder.categories)]
            own = own - float(centre[at : at + len(own)] @ own)
            texts[name] = TextEncoder(dict(zip(encoder.categories, own.tolist(), strict=True)), 0.0)
            at += len(own)
        intercept = float(np.ravel(model.intercept_)[0]) - float(centre[:width] @ found[:width])
        return cls(scaler, found[:width].astype(np.float32), texts, float(np.float32(intercept)))

    def score(self, rows: Rows) -> Floats:
        """Return scores [N]."""
        total = self.scaler.transform(rows.plain).astype(np.float64) @ self.weights + self.intercept
        for name, encoder in self.texts.items():
            total += encoder.transform(rows.texts[name])
        return np.asarray(total)

    def add_nodes(self, graph: Graph, tensors: Tensors) -> str:
        """Return scores [N, 1]."""
        scaled = self.scaler.add_nodes(graph, tensors.plain)
        total = graph.add("MatMul", scaled, graph.constant(self.weights[:, None]))
        for name, encoder in self.texts.items():
            total = graph.add("Add", total, encoder.add_nodes(graph, tensors.texts[name]))
        return graph.add("Add", total, graph.constant(self.intercept))


@dataclass(frozen=True)
class MeanHead:
    """The mean of two heads' scores."""

    first: Head
    second: Head

    def score(self, rows: Rows) -> Floats:
        """Return scores [N]."""
        return (self.first.score(rows) + self.second.score(rows)) / 2

    def add_nodes(self, graph: Graph, tensors: Tensors) -> str:
        """Return scores [N, 1]."""
        total = graph.add("Add", self.first.add_nodes(graph, tensors), self.second.add_nodes(graph, tensors))
        return graph.add("Mul", total, graph.constant(0.5))


def _settings(count: int, seed: int, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "learning_rate": 0.05, "num_leaves": 15, "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1,
        "lambda_l2": 10.0, "seed": seed, "deterministic": True, "num_threads": 1, "force_row_wise": True,
        "min_data_in_leaf": int(np.clip(count // 200, 10, 300)), "verbosity": -1,
    } | given  # fmt: skip


def linear_design(rows: Rows) -> tuple[NumberScaler, dict[str, OneHotEncoder], NDArray[np.float32]]:
    """Return scaled numbers and one 0/1 column per category that is seen often enough, with what made them."""
    least = max(5, len(rows.plain) // 2000)
    scaler = NumberScaler.fit(rows.plain)
    encoders = {name: OneHotEncoder.fit(column, least) for name, column in rows.texts.items()}
    return scaler, encoders, linear_matrix(rows, scaler, encoders)


def linear_matrix(rows: Rows, scaler: NumberScaler, encoders: dict[str, OneHotEncoder]) -> NDArray[np.float32]:
    """Return that design of other rows."""
    return np.hstack([scaler.transform(rows.plain), *(e.transform(rows.texts[name]) for name, e in encoders.items())])


def thinned(paid: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the payers and some of the other rows, by place, and what each counts for."""
    payers, others = np.flatnonzero(paid), np.flatnonzero(~paid)
    kept = min(len(others), max(OTHERS_PER_PAYER * len(payers), FEWEST_OTHERS))
    chosen = np.sort(np.random.default_rng(seed).permutation(others)[:kept])
    places = np.concatenate([payers, chosen])
    weight = np.concatenate([np.ones(len(payers)), np.full(kept, len(others) / max(kept, 1))])
    order = np.argsort(places)
    return places[order], weight[order]
