"""Evaluation without times: every row is predicted by models that did not see it, nor a row that belongs with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.outcome import MODEL, Outcome
from revlayer_training.splits import Mask
from revlayer_udf.registry import Metric, ReliabilityBin

SPLIT = "cross_validation"
Floats = NDArray[np.float64]
Predictions = dict[str, Floats]


@dataclass(frozen=True)
class Fold:
    """The rows of one fold, what became of them, and what each predictor had said."""

    rows: NDArray[np.int64]
    truth: Floats
    predictions: Predictions


@dataclass(frozen=True)
class Crossed:
    """All folds of all repeats."""

    folds: tuple[Fold, ...]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows in the order of the folds."""
        return np.concatenate([fold.rows for fold in self.folds])

    @property
    def truth(self) -> Floats:
        """Labels in the order of the folds."""
        return np.concatenate([fold.truth for fold in self.folds])

    @property
    def predictions(self) -> Predictions:
        """Predictions in the order of the folds."""
        names = self.folds[0].predictions
        return {name: np.concatenate([fold.predictions[name] for fold in self.folds]) for name in names}

    def mean(self, figure: Callable[[Floats, Floats], float | None], predictor: str = MODEL) -> float:
        """Return the mean over the folds of a figure of (truth, prediction)."""
        found = [figure(fold.truth, fold.predictions[predictor]) for fold in self.folds]
        return float(np.mean([value for value in found if value is not None]))

    def compare(self, baseline: str, groups: NDArray[np.int64]) -> evaluation.Comparison:
        """Compare Brier scores of a baseline and the model.

        Args:
            groups: of each row of the data.
        """
        losses = {name: (p - self.truth) ** 2 for name, p in self.predictions.items()}
        return evaluation.compare(losses[baseline], losses[MODEL], groups[self.rows])

    def record(self, outcome: Outcome, row_count: int) -> None:
        """Add the figures of every predictor over all folds."""
        for name, p in self.predictions.items():
            outcome.metrics += [
                Metric(SPLIT, name, evaluation.ALL, metric, value, row_count)
                for metric, value in evaluation.probability_metrics(self.truth, p).items()
            ]
            outcome.reliability += [
                ReliabilityBin(SPLIT, name, evaluation.ALL, i, *row)
                for i, row in enumerate(evaluation.reliability(self.truth, p), 1)
            ]


def cross_validate(
    y: Floats, folds: Iterable[tuple[Mask, Mask]], predict: Callable[[Mask, Mask], Predictions]
) -> Crossed:
    """Predict the held rows of each fold.

    Args:
        folds: masks to fit on and to hold out.
        predict: fits on the first mask and returns predictions for the rows of the second, by predictor.
    """
    return Crossed(tuple(Fold(np.flatnonzero(held), y[held], predict(fit, held)) for fit, held in folds))
