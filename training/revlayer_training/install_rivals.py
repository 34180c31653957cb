"""Models that the two-part model is held against: one mean each, without a law of the amounts. None is exported.

Each is fitted on the rows the two-part model is fitted on, thinned alike, and brought to the total of the labels. Those
that minimise squares learn from amounts cut off at the 99.9th percentile of payers, since one large payer would rule
them otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lasso, Ridge
from threadpoolctl import threadpool_limits

from revlayer_training.install_columns import Floats, Rows
from revlayer_training.install_heads import linear_design, linear_matrix, thinned

RIVALS = ("ridge", "lasso", "random_forest", "gradient_boosting", "lightgbm_tweedie")
CUT_QUANTILE = 0.999
Predict = Callable[[Rows], Floats]


@dataclass(frozen=True)
class Rivals:
    """Fitted rivals by name, with the factor that brings each to the total it learnt from."""

    models: dict[str, Predict]
    factors: dict[str, float]

    @classmethod
    def fit(cls, rows: Rows, revenue: Floats, seed: int) -> "Rivals":
        """Fit all.

        Args:
            rows: encoded out of fold.
            revenue: label [N], with at least one payer.
        """
        places, weight = thinned(revenue > 0, seed)
        chosen, paid = rows.take(places), revenue[revenue > 0]
        label = np.maximum(revenue[places], 0.0)
        cut = np.minimum(label, np.quantile(paid, CUT_QUANTILE)) / float(paid.mean())
        with threadpool_limits(1):
            models = {
                **_linear(chosen, cut, weight),
                "random_forest": _forest(chosen, cut, weight, seed),
                "gradient_boosting": _boosting(chosen, label / float(paid.mean()), weight, seed),
                "lightgbm_tweedie": _tweedie(chosen, label / float(paid.mean()), weight, seed),
            }
            factors = {}
            for name, model in models.items():
                total = float((np.maximum(model(chosen), 0.0) * weight).sum())
                factors[name] = float((label * weight).sum()) / total if total > 0 else 0.0
        return cls(models, factors)

    def predict(self, rows: Rows) -> dict[str, Floats]:
        """Return the revenue by rival, [N] each."""
        with threadpool_limits(1):
            return {name: np.maximum(model(rows), 0.0) * self.factors[name] for name, model in self.models.items()}


def _linear(rows: Rows, label: Floats, weight: Floats) -> dict[str, Predict]:
    scaler, encoders, matrix = linear_design(rows)
    models: dict[str, Any] = {"ridge": Ridge(10.0), "lasso": Lasso(1e-3, max_iter=1000, tol=1e-2)}
    for model in models.values():
        model.fit(matrix, label, sample_weight=weight)

    def predictor(model: Any) -> Predict:
        return lambda other: np.asarray(model.predict(linear_matrix(other, scaler, encoders)), np.float64)

    return {name: predictor(model) for name, model in models.items()}


def _forest(rows: Rows, label: Floats, weight: Floats, seed: int) -> Predict:
    model = RandomForestRegressor(
        60, max_depth=10, min_samples_leaf=max(20, len(label) // 1000), max_features=0.4, max_samples=0.3, n_jobs=1,
        random_state=seed,
    ).fit(np.nan_to_num(rows.matrix, nan=-1.0), label, sample_weight=weight)  # fmt: skip
    return lambda other: np.asarray(model.predict(np.nan_to_num(other.matrix, nan=-1.0)), np.float64)


def _boosting(rows: Rows, label: Floats, weight: Floats, seed: int) -> Predict:
    model = HistGradientBoostingRegressor(
        loss="poisson", learning_rate=0.05, max_iter=120, max_leaf_nodes=15, l2_regularization=10.0,
        min_samples_leaf=max(20, len(label) // 500), early_stopping=False, random_state=seed,
    ).fit(rows.matrix, label, sample_weight=weight)  # fmt: skip
    return lambda other: np.asarray(model.predict(other.matrix), np.float64)


def _tweedie(rows: Rows, label: Floats, weight: Floats, seed: int) -> Predict:
    settings = {
        "objective": "tweedie", "tweedie_variance_power": 1.5, "learning_rate": 0.05, "num_leaves": 15,
        "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 10.0, "seed": seed,
        "deterministic": True, "num_threads": 1, "force_row_wise": True, "verbosity": -1,
        "min_data_in_leaf": max(20, len(label) // 500),
    }  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(rows.matrix, label, weight=weight), num_boost_round=150)
    return lambda other: np.asarray(booster.predict(other.matrix, num_threads=1), np.float64)
