"""Everything that could forecast a customer's value, fitted on the same rows, and what serves of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.feature_choice import choose_features, with_features
from revlayer_training.features import Features
from revlayer_training.purchasing.expectation import PURCHASE_NUMBERS, PurchaseExpectation
from revlayer_training.value_formula import simple_formula
from revlayer_training.value_interval import ValueInterval
from revlayer_training.value_members import PURCHASING, Design, Members
from revlayer_training.value_student import FeatureMatrix, ServedValue

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIMPLE, ZERO = "simple_formula", "all_zero"
# Where a year repeats too seldom to be learnt, the calendar only tells one as-of date from another.
CALENDAR = ("month_sin", "month_cos", "last_order_month_sin", "last_order_month_cos")
_DAYS_TO_LEARN_SEASONS = 730


@dataclass(frozen=True)
class Forecaster:
    """Members over the features of a date and what BG/NBD expects of the histories known by then.

    Attributes:
        window: days of the labels.
        horizon: days that are forecast.
    """

    matrix: FeatureMatrix
    expectation: PurchaseExpectation | None
    members: Members | None
    window: int
    horizon: int
    seed: int

    @classmethod
    def fit(
        cls, data: Features, revenue: Floats, rows: Mask, window: int, horizon: int, seed: int, members: bool = True
    ) -> "Forecaster":
        """Fit.

        Args:
            data: rows of every date up to the one it serves from; BG/NBD reads the last.
            revenue: of the labels' window, [N]; read where ``rows`` are.
            members: whether there are enough labels to learn from.
        """
        span = int((data.as_of.max() - data.as_of.min()).astype(int))
        names = {*data.number_features, *data.text_features}
        wanted = with_features(data, names if span >= _DAYS_TO_LEARN_SEASONS else names - {*CALENDAR})
        labels = np.where(rows, revenue, np.nan)
        matrix = FeatureMatrix.fit(with_features(data, choose_features(wanted, labels, seed, keep=PURCHASE_NUMBERS)))
        fitted = cls(matrix, _expectation(data), None, window, horizon, seed)
        if not members:
            return fitted
        learnt = Members.fit(fitted.design(data.take(rows)), revenue[rows] / window, seed)
        return cls(matrix, fitted.expectation, learnt, window, horizon, seed)

    def design(self, data: Features) -> Design:
        """Return what members read of rows."""
        features = self.matrix.transform(data)
        if self.expectation is None:
            nothing = np.zeros(len(data))
            return Design(features, nothing, nothing, nothing, nothing)
        expected, numbers = self.expectation, data.numbers
        near, far = (expected.forward_revenue(numbers, days) / days for days in (self.window, self.horizon))
        alive = np.nan_to_num(expected.alive_probability(numbers))
        return Design(features, alive, expected.steady_revenue(numbers), near, far)

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return revenue of the horizon by each forecast, baselines as their authors have them, each [N]."""
        design = self.design(data)
        found = {} if self.members is None else self.members.predict(design)
        found[PURCHASING] = design.far
        amounts = {name: daily * self.horizon for name, daily in found.items()}
        return amounts | {SIMPLE: simple_formula(data, self.horizon), ZERO: np.zeros(len(data))}

    def served(self, data: Features, chosen: str, interval: ValueInterval, factor: float = 1.0) -> ServedValue:
        """Return what reproduces a forecast of the rows.

        Args:
            factor: on the forecast.
        """
        values = self.predict(data)[chosen] * factor
        return ServedValue.fit(data, values, self.matrix, self.expectation, self.horizon, interval, self.seed)


def _expectation(data: Features) -> PurchaseExpectation | None:
    latest = data.as_of == data.as_of.max()
    try:
        return PurchaseExpectation.fit({name: column[latest] for name, column in data.numbers.items()})
    except ValueError:
        return None
