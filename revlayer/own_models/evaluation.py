"""Holds a model of someone else's against outcomes later than it learnt from, and against our own baseline.

Whether it has evidence and beats the baseline is computed here, whatever its manifest says. The baseline is the rung
below a model, fitted on outcomes known when the model's training ended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation, ladder
from revlayer_training.datasets import Dataset
from revlayer_training.deal_close_month import close_bins, timing_metrics
from revlayer_training.deal_value import OUTPUTS as VALUE_OUTPUTS
from revlayer_training.deal_value import ValueModel
from revlayer_training.deal_win import compare_on_test, win_labels
from revlayer_training.outcome import cycle_days
from revlayer_training.splits import TimeSplit, choose_horizon
from revlayer_training.stage_timing import StageTiming
from revlayer_training.value_base import ValueBase, ValueRatios
from revlayer_udf.registry import Metric, ReliabilityBin

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Predictions = Mapping[str, Floats]
Figures = Callable[[Mask], Mapping[str, float | None]]
SPLIT = "test"


@dataclass
class Judgement:
    """What later outcomes say of a model.

    Attributes:
        is_temporal_evidence: there were outcomes later than it learnt from, and earlier ones for a baseline.
        beats_baseline: it did better there, with one-sided 95 % confidence.
        reason: both in plain words.
        test_from: first as-of date it was judged on.
        target_deviation: standard deviation of the amounts it predicts; None for other targets.
    """

    is_temporal_evidence: bool
    beats_baseline: bool
    reason: str
    row_count: int = 0
    test_from: date | None = None
    target_deviation: float | None = None
    metrics: list[Metric] = field(default_factory=list)
    reliability: list[ReliabilityBin] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """Rows to judge on, and what was known before.

    Attributes:
        data: every row read, N.
        predictions: the model's outputs for them, NaN where ``test`` is False.
        test: rows seen after the training ended whose outcome is known.
        before: rows whose outcome was known when it ended.
        y: won within the horizon, 0 or 1.
    """

    data: Dataset
    predictions: Predictions
    test: Mask
    before: Mask
    y: Floats
    algorithm: str


def horizon_of(data: Dataset, cutoff: date, told: int | None, serving: int | None) -> int:
    """Return the label horizon in days: as told, as the serving model's, or as training would choose it."""
    return told or serving or choose_horizon(data.as_of, cycle_days(data), cutoff).days


def judge(
    target: str,
    data: Dataset,
    predictions: Predictions,
    trained_through: date,
    cutoff: date,
    horizon: int,
    algorithm: str,
) -> Judgement:
    """Judge a model.

    Args:
        predictions: by output [N] or [N, width]; NaN for as-of dates before ``trained_through``.
        trained_through: nothing later was learnt from; only as-of dates from then on count.
        cutoff: last day anything is known of.
    """
    y, known_on = win_labels(data, horizon)
    end = np.datetime64(trained_through, "D")
    later = (data.as_of >= end) & (known_on <= np.datetime64(cutoff, "D"))
    before = known_on <= end
    if target != "deal_win":
        won = (y > 0) & ((data.won_amount > 0) if target == "deal_value" else True)
        later, before = later & won, before & won
    if not later.any():
        return Judgement(
            False, False,
            f"no outcome is known yet of deals seen after {trained_through}: labels need {horizon} days, the data end "
            f"on {cutoff}",
        )  # fmt: skip
    if not before.any():
        return Judgement(False, False, f"no outcome was known by {trained_through} to make a baseline of")
    trial = Trial(data, predictions, later, before, y, algorithm)
    judged = {"deal_win": _judge_win, "deal_value": _judge_value, "deal_close_month": _judge_timing}[target](trial)
    judged.row_count = int(later.sum())
    judged.test_from = data.as_of[later].min().astype(object)
    return judged


def _judge_win(trial: Trial) -> Judgement:
    data, test, y = trial.data, trial.test, trial.y
    known, y_known = data.take(trial.before), y[trial.before]
    deals = len(np.unique(known.entity))
    wins = len(np.unique(known.entity[y_known > 0]))
    rung = ladder.reachable_rung(deals, wins, len(known.segments.seen()), has_split=False).rung
    if rung == "prior":
        rate = ladder.SegmentRate.prior(y_known)
    else:
        rate = ladder.SegmentRate.shrinkage(known.segments, y_known, known.entity)
    baseline, model = rate.predict(data.segments), trial.predictions["win_probability"][:, 0]
    split = TimeSplit(trial.before, np.zeros_like(test), test, data.as_of[test].min(), data.as_of[test].min())
    comparison = compare_on_test(data, y, split, baseline, model)
    name = "company_prior" if rung == "prior" else "segment_prior"
    made = _decide(trial, comparison, rate.rung, name)
    for predictor, p in (("model", model), (name, baseline)):

        def figures(rows: Mask, p: Floats = p) -> dict[str, float | None]:
            return evaluation.probability_metrics(y[test][rows], p[test][rows])

        _add_metrics(made, trial, predictor, figures)
        segments = data.segments.take(test)
        made.reliability += evaluation.reliability_table(SPLIT, predictor, segments, y[test], p[test])
    auc = evaluation.auc(y[test], model[test])
    if auc is not None and auc < 0.5 and not made.beats_baseline:
        made.reason += f"; it ranks backwards (AUC {auc:.2f}): is win_probability the other class?"
    return made


def _judge_value(trial: Trial) -> Judgement:
    data, test = trial.data, trial.test
    known = data.take(trial.before)
    deals = len(np.unique(known.entity))
    base = ValueBase.fit(known, deals)
    spread = float(np.std(known.won_amount))
    lower = ValueModel(base, ValueRatios.fit(base, known), spread)
    won = data.won_amount[test]
    predictions = {
        "model": {name: trial.predictions[name][test, 0] for name in VALUE_OUTPUTS},
        "amount_ratio": {name: values[test] for name, values in lower.predict(data).items()},
    }
    losses = {name: evaluation.log_error(won, values["value"]) for name, values in predictions.items()}
    comparison = evaluation.compare(losses["amount_ratio"], losses["model"], data.entity[test])
    rung: ladder.Rung = "prior" if deals < ladder.FEWEST_FOR_SHRINKAGE else "shrinkage"
    made = _decide(trial, comparison, rung, "amount_ratio")
    made.target_deviation = spread or None
    for predictor, values in predictions.items():

        def figures(rows: Mask, values: Predictions = values) -> dict[str, float | None]:
            low, high = values["value_p10"][rows], values["value_p90"][rows]
            coverage = evaluation.interval_coverage(won[rows], low, high)
            return {**evaluation.amount_metrics(won[rows], values["value"][rows]), "coverage_80": coverage}

        _add_metrics(made, trial, predictor, figures)
    return made


def _judge_timing(trial: Trial) -> Judgement:
    data, test = trial.data, trial.test
    bins = close_bins(data)
    timing = StageTiming.fit(data.take(trial.before), bins[trial.before], "shrinkage")
    baseline, model = timing.predict(data), trial.predictions["within"]
    losses = [evaluation.ranked_probability_score(bins[test], p[test]) for p in (baseline, model)]
    made = _decide(trial, evaluation.compare(losses[0], losses[1], data.entity[test]), "shrinkage", "stage_timing")
    for predictor, p in (("model", model), ("stage_timing", baseline)):

        def figures(rows: Mask, p: Floats = p) -> dict[str, float | None]:
            return timing_metrics(bins[test][rows], p[test][rows])

        _add_metrics(made, trial, predictor, figures)
    return made


def _decide(trial: Trial, comparison: evaluation.Comparison, rung: ladder.Rung, baseline: str) -> Judgement:
    decision = ladder.serve(comparison, rung, trial.algorithm, baseline.replace("_", " "))
    return Judgement(True, decision.rung == "model", decision.reason)


def _add_metrics(made: Judgement, trial: Trial, predictor: str, figures: Figures) -> None:
    made.metrics += evaluation.by_segment(SPLIT, predictor, trial.data.segments.take(trial.test), figures)
