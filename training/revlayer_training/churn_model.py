"""How churn is fitted, whatever the rows: candidates, the choice between them, calibration and tiers.

Logistic regression, LightGBM, scikit-learn's boosting, and the mean of their margins. Text features reach the trees by
their place in text order: encodings know of no label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.calibration import Platt, choose_calibration
from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.margins import BoostingMargin, LogisticMargin, MarginModel, MeanMargin, TreeMargin
from revlayer_training.probability import ProbabilityModel
from revlayer_training.splits import Mask, stratified_folds
from revlayer_training.tiers import Tiers

OUTPUT = "churn_probability"
STRENGTHS = (0.01, 0.1, 1.0)
MOST_ROUNDS = 300
INNER_FOLDS = 4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Complexity:
    """What other rows than those fitted on decide: the penalty and how often is boosted."""

    strength: float
    tree_rounds: int
    boosting_rounds: int

    @classmethod
    def usual(cls, found: Sequence["Complexity"]) -> "Complexity":
        """Return the middle of several."""
        strength, trees, boosting = (
            sorted(values)[len(found) // 2]
            for values in zip(*((c.strength, c.tree_rounds, c.boosting_rounds) for c in found), strict=True)
        )
        return cls(float(strength), int(trees), int(boosting))


@dataclass(frozen=True)
class ChurnModel:
    """What serves: a calibrated probability and its tiers."""

    model: ProbabilityModel
    tiers: Tiers

    def predict(self, data: Features) -> Floats:
        """Return probabilities [N]."""
        return self.model.predict(data)

    def artefact(self, data: Features) -> Artefact:
        """Export; the features are those of ``data``."""
        made = self.model.artefact(data)
        made.extra.update(self.tiers.extra)
        return made


def fit_on_later(train: Features, y: Floats, validate: Features, y_validate: Floats, seed: int) -> ChurnModel:
    """Fit on rows, choose, calibrate and set tiers on later ones.

    Half of the later customers tune, the others choose; all of them calibrate.

    Args:
        y, y_validate: 0/1 labels.
    """
    even = validate.entity % 2 == 0
    tune, choose = (validate.take(half) for half in (even, ~even))
    candidates, _ = _fit_tuned(train, y, tune, y_validate[even], seed)
    best = _best([model.margin(choose)[:, 0] for model in candidates], y_validate[~even])
    margin = candidates[best].margin(validate)[:, 0]
    calibration = choose_calibration(margin, y_validate, validate.entity)
    model = ProbabilityModel(candidates[best], calibration, OUTPUT)
    return ChurnModel(model, Tiers.fit(calibration.apply(margin), y_validate))


def fit_in_folds(data: Features, y: Floats, groups: NDArray[np.int64], seed: int) -> ChurnModel:
    """Fit on rows without times: folds inside them tune, choose, calibrate and set tiers; then all are fitted on.

    Args:
        groups: equal numbers for rows that belong together.
    """
    margins: list[Floats] = []
    found: list[Complexity] = []
    for fit, held in stratified_folds(groups, y, INNER_FOLDS, 1, seed):
        rest = data.take(held)
        candidates, complexity = _fit_tuned(data.take(fit), y[fit], rest, y[held], seed)
        found.append(complexity)
        margins = margins or [np.zeros(len(y)) for _ in candidates]
        for column, model in zip(margins, candidates, strict=True):
            column[held] = model.margin(rest)[:, 0]
    best = _best(margins, y)
    calibration = choose_calibration(margins[best], y, groups)
    final = _candidates(data, y, Complexity.usual(found), seed)[best]
    return ChurnModel(
        ProbabilityModel(final, calibration, OUTPUT), Tiers.fit(calibration.apply(margins[best]), y)
    )  # fmt: skip


def _fit_tuned(
    train: Features, y: Floats, tune: Features, y_tune: Floats, seed: int
) -> tuple[list[MarginModel], Complexity]:
    linear = {strength: LogisticMargin.fit(train, y, strength) for strength in STRENGTHS}
    plain = Platt()
    losses = {s: evaluation.brier(y_tune, plain.apply(m.margin(tune)[:, 0])) for s, m in linear.items()}
    strength = min(losses, key=lambda s: losses[s])
    trees = TreeMargin.fit(train, y, tune, y_tune, seed, objective="binary", encoding_label=None)
    rounds = BoostingMargin.fit(train, y, seed, MOST_ROUNDS).best_rounds(tune, y_tune)
    boosting = BoostingMargin.fit(train, y, seed, rounds)
    complexity = Complexity(strength, max(trees.booster.best_iteration, 1), rounds)
    return _with_mean(linear[strength], trees, boosting), complexity


def _candidates(train: Features, y: Floats, complexity: Complexity, seed: int) -> list[MarginModel]:
    nothing = np.zeros(len(train), bool)
    trees = TreeMargin.fit(
        train, y, train.take(nothing), y[nothing], seed, objective="binary", encoding_label=None,
        rounds=complexity.tree_rounds,
    )  # fmt: skip
    linear = LogisticMargin.fit(train, y, complexity.strength)
    return _with_mean(linear, trees, BoostingMargin.fit(train, y, seed, complexity.boosting_rounds))


def _with_mean(*members: MarginModel) -> list[MarginModel]:
    return [*members, MeanMargin(tuple(members))]


def _best(margins: Sequence[Floats], y: Floats) -> int:
    plain = Platt()
    return int(np.argmin([evaluation.brier(y, plain.apply(margin)) for margin in margins]))


def has_both(y: Floats, rows: Mask) -> bool:
    """Whether the rows hold both outcomes."""
    return bool((y[rows] > 0).any() and (y[rows] == 0).any())
