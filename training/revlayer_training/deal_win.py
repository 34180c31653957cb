"""Win probability: is an open deal won within the label horizon of the as-of date?

Baselines on the same rows: the company's rate, the segment's rate (shrunk), the CRM's own stage probability.
Candidates: logistic regression, LightGBM, their mean. One half of the validation deals stops the boosting and
sets the penalty, the other chooses the candidate, both calibrate it; the test period only decides whether it
serves.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.calibration import Calibration, Platt, choose_calibration
from revlayer_training.datasets import Dataset
from revlayer_training.export import RAW_SCORE, Artefact, check_parity
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import SegmentRate, reachable_rung, serve
from revlayer_training.margins import LogisticMargin, MarginModel, MeanMargin, TreeMargin
from revlayer_training.outcome import (
    MODEL,
    NothingToLearnError,
    Outcome,
    cycle_days,
    describe_horizon,
    describe_splits,
    masks_of,
)
from revlayer_training.splits import (
    Days,
    Mask,
    TimeSplit,
    choose_horizon,
    label_known_on,
    split_rows,
)

TARGET = "deal_win"
OUTPUT = "win_probability"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WinModel:
    """A margin model and its calibration."""

    margins: MarginModel
    calibration: Calibration

    def predict(self, data: Features) -> Floats:
        """Return calibrated probabilities [N]."""
        return self.calibration.apply(self.margins.margin(data)[:, 0])

    def outputs(self, data: Features) -> dict[str, Floats]:
        """Return probabilities and raw scores, each [N]."""
        margin = self.margins.margin(data)[:, 0]
        return {OUTPUT: self.calibration.apply(margin), RAW_SCORE: margin}

    def artefact(self, data: Dataset) -> Artefact:
        """Export; the features are those of ``data``."""
        graph = Graph(data.number_features, data.text_features)
        margin = self.margins.add_nodes(graph)
        probability = self.calibration.add_nodes(graph, margin)
        return Artefact(
            graph.serialize({OUTPUT: (probability, 1), RAW_SCORE: (margin, 1)}), self.outputs,
            self.margins.algorithm, "model", data.number_features, data.text_features, (OUTPUT, RAW_SCORE),
            {"calibration": self.calibration.name}, RAW_SCORE,
        )  # fmt: skip


def fit_deal_win(data: Dataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit, evaluate and decide.

    Raises:
        NothingToLearnError: no outcome is old enough to learn from.
    """
    horizon = choose_horizon(data.as_of, cycle_days(data), cutoff)
    y, known_on = win_labels(data, horizon.days)
    matured = known_on <= np.datetime64(cutoff, "D")
    if not matured.any():
        raise NothingToLearnError(
            f"no open deal was seen {horizon.days} days before {cutoff} or earlier, so no outcome is known",
            "Load more history, or wait: scoring starts when there is something to learn from.",
        )
    split = None if horizon.split is None else split_rows(data.as_of, known_on, horizon.split, cutoff)
    rows = matured if split is None else split.before_test
    deals, wins, segments = _evidence(data, y, matured if split is None else split.train)
    reach = reachable_rung(deals, wins, segments, split is not None)
    fallback = _fallback(data.take(rows), y[rows], deals, wins, segments)
    outcome = Outcome(TARGET, _fallback_artefact(fallback), _predictor_name(fallback), reach, horizon.days)
    outcome.notes.append(describe_horizon(horizon))
    if split is None:
        outcome.splits = describe_splits(data, {"train": rows})
        return outcome
    outcome.splits = describe_splits(data, masks_of(split))
    predictions = _baselines(data, y, split, fallback)
    if reach.rung == "model":
        model = _fit_model(data, y, split, seed)
        predictions[MODEL] = model.predict(data)
        artefact = model.artefact(data)
        artefact.extra.update(check_parity(artefact, data.take(split.test)))
        outcome.model = artefact
        comparison = compare_on_test(data, y, split, predictions[outcome.fallback_predictor], predictions[MODEL])
        name = outcome.fallback_predictor.replace("_prior", " rate")
        outcome.decision = serve(comparison, fallback.rung, artefact.algorithm, name)
    _evaluate(outcome, data, y, split, predictions)
    return outcome


def compare_on_test(
    data: Dataset, y: Floats, split: TimeSplit, baseline: Floats, model: Floats
) -> evaluation.Comparison:
    """Compare Brier scores with the baseline as it is and raised to the model's level; return the weaker gain.

    A model that guessed the drift of the win rate but cannot tell deals apart gains on the first only.
    """
    y, p, deals = y[split.test], model[split.test], data.entity[split.test]
    plain = baseline[split.test]
    level = np.clip(plain * (p.mean() / plain.mean()), 0.0, 1.0)
    comparisons = [evaluation.compare((b - y) ** 2, (p - y) ** 2, deals) for b in (plain, level)]
    return min(comparisons, key=lambda found: found.gain / max(found.standard_error, 1e-12))


def win_labels(data: Dataset, horizon: int) -> tuple[Floats, Days]:
    """Return 0/1 labels and the day from which each is known."""
    ends = data.as_of + np.timedelta64(horizon, "D")
    won = data.is_won & ~np.isnat(data.closed_on) & (data.closed_on <= ends)
    return won.astype(np.float64), label_known_on(data.as_of, horizon, data.closed_on, data.closed_known_on)


def _evidence(data: Dataset, y: Floats, rows: Mask) -> tuple[int, int, int]:
    deals = len(np.unique(data.entity[rows]))
    wins = len(np.unique(data.entity[rows & (y > 0)]))
    return deals, wins, len(data.segments.take(rows).seen())


def _fallback(known: Dataset, y: Floats, deals: int, wins: int, segments: int) -> SegmentRate:
    # The rung below the model, whether or not a model is reachable.
    if reachable_rung(deals, wins, segments, has_split=False).rung == "prior":
        return SegmentRate.prior(y)
    return SegmentRate.shrinkage(known.segments, y, known.entity)


def _predictor_name(fallback: SegmentRate) -> str:
    return "company_prior" if fallback.rung == "prior" else "segment_prior"


def _fallback_artefact(fallback: SegmentRate) -> Artefact:
    algorithm = "overall_rate" if fallback.rung == "prior" else "segment_rate"
    return rate_artefact(fallback, algorithm)


def rate_artefact(rate: SegmentRate, algorithm: str) -> Artefact:
    """Export a lower rung."""

    def predict(data: Features) -> dict[str, Floats]:
        return {OUTPUT: rate.predict(data.segments)}

    return Artefact(rate.artefact(OUTPUT), predict, algorithm, rate.rung, (), ("segment_id",), (OUTPUT,))


def _baselines(data: Dataset, y: Floats, split: TimeSplit, fallback: SegmentRate) -> dict[str, Floats]:
    known, y_known = data.take(split.before_test), y[split.before_test]
    company = SegmentRate.prior(y_known).predict(data.segments)
    segment = SegmentRate.shrinkage(known.segments, y_known, known.entity).predict(data.segments)
    predictions = {"company_prior": company, "segment_prior": segment}
    predictions[_predictor_name(fallback)] = fallback.predict(data.segments)
    if "stage_crm_probability" in data.numbers:
        crm = data.numbers["stage_crm_probability"].astype(np.float64)
        predictions["crm_stage"] = np.where(np.isnan(crm), segment, crm)
    return predictions


def _fit_model(data: Dataset, y: Floats, split: TimeSplit, seed: int) -> WinModel:
    tuning = split.validate & (data.entity % 2 == 0)
    choosing = split.validate & (data.entity % 2 == 1)
    train, tune, choose = data.take(split.train), data.take(tuning), data.take(choosing)
    trees = TreeMargin.fit(train, y[split.train], tune, y[tuning], seed, objective="binary")
    linear = _fit_linear(train, y[split.train], tune, y[tuning])
    candidates: list[MarginModel] = [linear, trees, MeanMargin(linear, trees)]
    margins = [candidate.margin(choose)[:, 0] for candidate in candidates]
    plain = Platt()
    losses = [evaluation.brier(y[choosing], plain.apply(margin)) for margin in margins]
    best = candidates[int(np.argmin(losses))]
    # The level of a margin needs every deal there is; stopping the boosting barely touched it.
    validate = data.take(split.validate)
    return WinModel(best, choose_calibration(best.margin(validate)[:, 0], y[split.validate], validate.entity))


def _fit_linear(train: Dataset, y: Floats, tune: Dataset, y_tune: Floats) -> LogisticMargin:
    fitted = [LogisticMargin.fit(train, y, strength) for strength in (0.003, 0.03, 0.3)]
    plain = Platt()
    return min(fitted, key=lambda model: evaluation.brier(y_tune, plain.apply(model.margin(tune)[:, 0])))


def _evaluate(outcome: Outcome, data: Dataset, y: Floats, split: TimeSplit, predictions: dict[str, Floats]) -> None:
    for name, mask in masks_of(split).items():
        segments, truth = data.segments.take(mask), y[mask]
        for predictor, p in predictions.items():
            held = p[mask]

            def figures(rows: Mask, truth: Floats = truth, held: Floats = held) -> dict[str, float | None]:
                return evaluation.probability_metrics(truth[rows], held[rows])

            outcome.metrics += evaluation.by_segment(name, predictor, segments, figures)
            if name == "test":
                outcome.reliability += evaluation.reliability_table(name, predictor, segments, truth, held)
