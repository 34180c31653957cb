"""Customer value: revenue of a customer in the days ahead, in the reporting currency.

LightGBM, gradient boosting, ridge, BG/NBD with Gamma-Gamma, and the mean of the four are fitted on earlier dates and
compared on later ones, beside the simple formula. The mean serves unless one of them is better with evidence. Labels
of a shorter window are carried on to the horizon, so that a young company has a forecast of a year; the mean serves.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.customers import CustomerDataset
from revlayer_training.export import check_parity
from revlayer_training.ladder import (
    FEWEST_FOR_MODEL,
    FEWEST_FOR_SHRINKAGE,
    FEWEST_OF_EACH_CLASS,
    Decision,
    Rung,
    serve,
)
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome, describe_splits
from revlayer_training.value_evaluation import value_metrics
from revlayer_training.value_forecaster import SIMPLE, Forecaster
from revlayer_training.value_formula import FormulaValue
from revlayer_training.value_interval import ValueInterval
from revlayer_training.value_members import BOOSTING, ENSEMBLE, LIGHTGBM, PURCHASING, RIDGE
from revlayer_udf.targets import CUSTOMER

TARGET = "customer_value"
SCALED = "scaled_simple_formula"
CANDIDATES = (ENSEMBLE, LIGHTGBM, BOOSTING, RIDGE, PURCHASING)
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """The rows whose label is known, and the two times they are split into.

    Attributes:
        rows: all of them.
        window: days of the labels.
        train, test: later rows test what earlier ones teach; empty where the history is too short for both.
        test_from: first date of the test; NaT without one.
    """

    rows: Mask
    window: int
    train: Mask
    test: Mask
    test_from: np.datetime64

    @classmethod
    def of(cls, data: CustomerDataset, cutoff: date) -> "Labelled":
        """Split so that two thirds of the rows train and one third tests, or as near as the dates allow.

        Raises:
            NothingToLearnError: no label is known.
        """
        rows = np.isfinite(data.forward_revenue) & (data.value_known_on <= np.datetime64(cutoff, "D"))
        if not rows.any():
            raise NothingToLearnError(
                f"no window of revenue after an as-of date has ended by {cutoff}",
                "Shorten customer_value_window_days, or wait until a window has passed.",
            )
        window = np.min(data.value_known_on[rows] - data.as_of[rows])
        days = int(window.astype(int))
        best = cls(rows, days, np.zeros(len(data), bool), np.zeros(len(data), bool), np.datetime64("NaT", "D"))
        for first in np.unique(data.as_of[rows])[1:]:
            train = rows & (data.as_of + window <= first) & (data.value_known_on <= first)
            found = cls(rows, days, train, rows & (data.as_of >= first), first)
            best = max(best, found, key=cls._size)
        return best

    @property
    def is_split(self) -> bool:
        """Whether there are rows to train on and later ones to test."""
        return self._size() > 0

    def _size(self) -> int:
        return min(int(self.train.sum()), 2 * int(self.test.sum()))


def fit_customer_value(data: CustomerDataset, cutoff: date, seed: int = 1, horizon_days: int | None = None) -> Outcome:
    """Fit on known windows of revenue, evaluate on later ones and decide.

    Args:
        horizon_days: days to forecast; as many as the labels' window by default.

    Raises:
        NothingToLearnError: no window of revenue has ended.
    """
    labelled = Labelled.of(data, cutoff)
    horizon = horizon_days or labelled.window
    reach = _reach(data, labelled)
    outcome = _lower_outcome(data, labelled, horizon, seed, reach)
    outcome.notes.append(f"labels of {labelled.window} days, forecast of {horizon} days")
    if reach.rung == "model":
        outcome.splits = describe_splits(data, {"train": labelled.train, "test": labelled.test})
        _add_model(outcome, data, labelled, horizon, seed)
    else:
        outcome.splits = describe_splits(data, {"train": labelled.rows})
    return outcome


def _reach(data: CustomerDataset, labelled: Labelled) -> Decision:
    learnt = labelled.train if labelled.is_split else labelled.rows
    customers = len(np.unique(data.entity[learnt]))
    payers = len(np.unique(data.entity[learnt & (data.forward_revenue > 0)]))
    if customers < FEWEST_FOR_SHRINKAGE:
        return Decision("prior", f"{customers} customers: the simple formula at the level of what came is served")
    if not labelled.is_split or customers < FEWEST_FOR_MODEL or payers < FEWEST_OF_EACH_CLASS:
        why = f"{customers} customers of whom {payers} purchased again are too few for a model"
        why = why if labelled.is_split else "the history is too short to test a model on later dates"
        return Decision("shrinkage", f"{why}: BG/NBD and Gamma-Gamma, where they can be fitted, are served")
    return Decision("model", "there is enough history to train and test a model")


def _lower_outcome(data: CustomerDataset, labelled: Labelled, horizon: int, seed: int, reach: Decision) -> Outcome:
    """Return what serves without a model: BG/NBD with Gamma-Gamma at the level of the labels, else the formula."""
    share = horizon / labelled.window
    known, revenue = data.take(labelled.rows), data.forward_revenue[labelled.rows] * share
    if reach.rung == "shrinkage":
        forecaster = Forecaster.fit(
            data, data.forward_revenue, labelled.rows, labelled.window, horizon, seed, members=False
        )
        if forecaster.expectation is not None:
            expected = forecaster.predict(known)[PURCHASING]
            factor = max(float(revenue.sum()), 0.0) / max(float(expected.sum()), 1e-9)
            served = forecaster.served(data, PURCHASING, ValueInterval.fit(expected * factor, revenue), factor)
            lower = served.artefact(PURCHASING, "shrinkage")
            return Outcome(TARGET, lower, PURCHASING, reach, horizon, entity=CUSTOMER)
    formula = FormulaValue.fit(known, revenue, horizon)
    rung: Rung = "prior" if reach.rung == "prior" else "shrinkage"
    return Outcome(TARGET, formula.artefact(rung), SCALED, reach, horizon, entity=CUSTOMER)


def _add_model(outcome: Outcome, data: CustomerDataset, labelled: Labelled, horizon: int, seed: int) -> None:
    """Compare on the later dates, then fit what won on all of them."""
    window, test = labelled.window, data.take(labelled.test)
    before = data.as_of <= labelled.test_from
    past = data.take(before)
    trial = Forecaster.fit(past, past.forward_revenue, labelled.train[before], window, window, seed)
    predictions = trial.predict(test)
    train = data.take(labelled.train)
    predictions[SCALED] = FormulaValue.fit(train, train.forward_revenue, window).predict(test)["value"]
    losses = {name: (values - test.forward_revenue) ** 2 for name, values in predictions.items()}
    # Of a horizon beyond the labels' window nothing can be tested, so nothing is chosen by it.
    chosen = _best(losses, test.entity) if horizon == window else ENSEMBLE
    # Of half of the customers the interval is taken, on the others it is tested.
    even = test.entity % 2 == 0
    interval = ValueInterval.fit(predictions[chosen][even], test.forward_revenue[even])
    tested = trial.served(past, chosen, interval)
    shown = tested.predict(test)
    predictions[MODEL] = shown["value"]
    _evaluate(outcome, test, predictions, shown, ~even)

    share = horizon / window
    final = Forecaster.fit(data, data.forward_revenue, labelled.rows, window, horizon, seed)
    wide = ValueInterval.fit(predictions[chosen][even] * share, test.forward_revenue[even] * share)
    outcome.model = final.served(data, chosen, wide).artefact(chosen, "model")
    outcome.model.extra.update(check_parity(outcome.model, data))
    comparison = evaluation.compare(losses[SCALED], (shown["value"] - test.forward_revenue) ** 2, test.entity)
    outcome.decision = serve(comparison, outcome.fallback.rung, chosen.replace("_", " "), "simple formula", "customers")


def _best(losses: dict[str, Floats], customers: NDArray[np.int64]) -> str:
    """Return the mean of all, unless one alone is better with evidence; then the best of those."""
    better = [
        name for name in CANDIDATES[1:]
        if evaluation.compare(losses[ENSEMBLE], losses[name], customers).is_evidence
    ]  # fmt: skip
    return min(better, key=lambda name: float(losses[name].mean()), default=ENSEMBLE)


def _evaluate(
    outcome: Outcome, test: CustomerDataset, predictions: dict[str, Floats], shown: dict[str, Floats], held: Mask
) -> None:
    for predictor, values in predictions.items():

        def figures(rows: Mask, values: Floats = values, predictor: str = predictor) -> dict[str, float | None]:
            found = value_metrics(test.forward_revenue[rows], values[rows])
            if predictor == MODEL and (rows & held).any():
                own = rows & held
                low, high = shown["value_p10"][own], shown["value_p90"][own]
                found["coverage_80"] = evaluation.interval_coverage(test.forward_revenue[own], low, high)
            return found

        outcome.metrics += evaluation.by_segment("test", predictor, test.segments, figures)


__all__ = ["CANDIDATES", "SIMPLE", "TARGET", "fit_customer_value"]
