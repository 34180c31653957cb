"""Models of a customer's revenue per day, learnt from what became of earlier customers, and their mean.

They correct what BG/NBD and Gamma-Gamma expect: amounts spread as widely as they are expected to be large, so each
fits the ratio to that expectation, or weighs by it. Nothing here is exported; what serves is fitted to their mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from revlayer_training.preprocessing import NumberScaler

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LIGHTGBM, BOOSTING, RIDGE, PURCHASING, ENSEMBLE = MEMBERS = (
    "lightgbm", "gradient_boosting", "ridge", "bg_nbd_gamma_gamma", "ensemble",
)  # fmt: skip
# Of the mean revenue: what the expectation of a customer who has all but left is taken for at least.
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Design:
    """What members read, by row; revenue is expected per day, by BG/NBD and Gamma-Gamma, and 0 without a purchase.

    Attributes:
        features: float32 [N, F], null = NaN.
        alive: P(alive), 0 without a purchase.
        steady: expected now.
        near: expected in the mean of the labels' window.
        far: expected in the mean of the horizon.
    """

    features: NDArray[np.float32]
    alive: Floats
    steady: Floats
    near: Floats
    far: Floats

    def take(self, rows: Mask) -> "Design":
        """Return the rows of a mask."""
        return Design(self.features[rows], self.alive[rows], self.steady[rows], self.near[rows], self.far[rows])

    @property
    def matrix(self) -> Floats:
        """Features and expectations side by side."""
        return np.column_stack([self.features, self.alive, self.steady, self.near])


Predict = Callable[[Design], Floats]


@dataclass(frozen=True)
class Members:
    """Fitted members; each is brought to the total of the labels it was fitted on."""

    models: dict[str, Predict]
    factors: dict[str, float]

    @classmethod
    def fit(cls, design: Design, revenue: Floats, seed: int) -> "Members":
        """Fit all.

        Args:
            revenue: per day of the labels' window, [N]; below zero where more was returned than bought.
        """
        mean = max(float(revenue.mean()), 0.0)
        least = _LEAST_SHARE * mean if mean > 0 else 1.0
        level = mean / float(np.maximum(design.near, least).mean())

        def expected(rows: Design) -> Floats:
            return np.asarray(np.maximum(rows.near, least) * level)

        if mean <= 0:
            return cls(dict.fromkeys(MEMBERS[:3], expected), dict.fromkeys((*MEMBERS[:3], PURCHASING), 0.0))
        fits = {LIGHTGBM: _lightgbm, BOOSTING: _boosting, RIDGE: _ridge}
        with threadpool_limits(1):
            models = {name: fit(design, revenue, expected, mean, seed) for name, fit in fits.items()}
            factors = {name: _factor(revenue, model(design)) for name, model in models.items()}
        return cls(models, factors | {PURCHASING: _factor(revenue, design.near)})

    def predict(self, design: Design) -> dict[str, Floats]:
        """Return revenue per day of the horizon by member and as their mean, each [N].

        What was learnt from labels is taken to last: too much, since customers leave. BG/NBD lets it fall, as a
        rule too fast, since those who stay are more loyal than its curve. Their plain mean errs least (Bates and
        Granger 1969, "The combination of forecasts").
        """
        with threadpool_limits(1):
            found = {name: model(design) * self.factors[name] for name, model in self.models.items()}
        found[PURCHASING] = design.far * self.factors[PURCHASING]
        return found | {ENSEMBLE: np.asarray(np.mean(list(found.values()), axis=0))}


def _factor(revenue: Floats, predicted: Floats) -> float:
    total = float(predicted.sum())
    return float(revenue.sum()) / total if total > 0 else 0.0


def _lightgbm(design: Design, revenue: Floats, expected: Predict, mean: float, seed: int) -> Predict:
    base = expected(design)
    settings = {
        "objective": "l2", "num_leaves": 15, "learning_rate": 0.03, "min_data_in_leaf": _fewest(revenue),
        "lambda_l2": 20.0, "feature_fraction": 0.5, "bagging_fraction": 0.6, "bagging_freq": 1, "seed": seed,
        "deterministic": True, "num_threads": 1, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(design.matrix, revenue / base, weight=base / mean), num_boost_round=150)
    return lambda other: np.maximum(np.asarray(booster.predict(other.matrix, num_threads=1)), 0.0) * expected(other)


def _boosting(design: Design, revenue: Floats, expected: Predict, mean: float, seed: int) -> Predict:
    base = expected(design)
    model = HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=100, max_leaf_nodes=7, min_samples_leaf=_fewest(revenue), l2_regularization=20.0,
        max_features=0.7, early_stopping=False, random_state=seed,
    ).fit(design.matrix, revenue / base, sample_weight=base / mean)  # fmt: skip
    return lambda other: np.maximum(model.predict(other.matrix), 0.0) * expected(other)


def _ridge(design: Design, revenue: Floats, expected: Predict, mean: float, seed: int) -> Predict:
    scaler = NumberScaler.fit(_compressed(design.features))

    def columns(rows: Design) -> Floats:
        revenues = np.column_stack([rows.near, rows.steady]) / mean
        scaled = scaler.transform(_compressed(rows.features))
        return np.column_stack([scaled, rows.alive, revenues, np.log1p(revenues)])

    model = make_pipeline(StandardScaler(), Ridge(10.0))
    weight = 1 / expected(design)
    model.fit(columns(design), revenue / mean, ridge__sample_weight=weight / weight.mean())
    return lambda other: np.maximum(model.predict(columns(other)), 0.0) * mean


def _compressed(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sign(features) * np.log1p(np.abs(features)), np.float32)


def _fewest(revenue: Floats) -> int:
    return max(20, len(revenue) // 100)
