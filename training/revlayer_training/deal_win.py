"""Win probability: is an open deal won within the label horizon of the as-of date?

Baselines on the same rows: the company's rate, the segment's rate (shrunk), the CRM's own stage probability.
Candidates: logistic regression, LightGBM, their mean. One half of the validation deals stops the boosting and
sets the penalty, the other chooses the candidate, both calibrate it; the test period only decides whether it
serves. If it does, all of this is done again one split later, the test period in the place of the validation: by
then what was judged is two horizons old. The figures stay those of the model that was judged.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.calibration import UNCALIBRATED, Platt, choose_calibration
from revlayer_training.datasets import Dataset
from revlayer_training.export import Artefact, check_parity
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
from revlayer_training.probability import ProbabilityModel, compare_levels, evaluate_splits, rate_artefact
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
class WinModel(ProbabilityModel):
    """A margin model and its calibration."""

    output: str = OUTPUT


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
    outcome = Outcome(TARGET, rate_artefact(fallback, OUTPUT), _predictor_name(fallback), reach, horizon.days)
    outcome.notes.append(describe_horizon(horizon))
    if split is None:
        outcome.splits = describe_splits(data, {"train": rows})
        return outcome
    outcome.splits = describe_splits(data, masks_of(split))
    predictions = _baselines(data, y, split, fallback)
    if reach.rung == "model":
        model = _fit_model(data, y, split, seed)
        predictions[MODEL] = model.predict(data)
        artefact = outcome.model = _artefact(model, data, split.test)
        comparison = compare_on_test(data, y, split, predictions[outcome.fallback_predictor], predictions[MODEL])
        name = outcome.fallback_predictor.replace("_prior", " rate")
        outcome.decision = serve(comparison, fallback.rung, artefact.algorithm, name)
        if outcome.decision.rung == "model":
            _fit_again(outcome, data, y, split.moved(known_on), seed)
    evaluate_splits(outcome, data, y, masks_of(split), predictions)
    return outcome


def _artefact(model: WinModel, data: Dataset, rows: Mask) -> Artefact:
    artefact = model.artefact(data)
    artefact.extra.update(check_parity(artefact, data.take(rows)))
    return artefact


def _fit_again(outcome: Outcome, data: Dataset, y: Floats, later: TimeSplit, seed: int) -> None:
    """Put the model fitted one split later in the place of the judged one, if the test period calibrates it."""
    model = _fit_model(data, y, later, seed)
    if model.calibration.name == UNCALIBRATED:
        outcome.notes.append("the test period is too short to calibrate a model fitted again: what was judged serves")
        return
    outcome.judged, outcome.model = outcome.model, _artefact(model, data, later.validate)
    outcome.splits += describe_splits(data, {"train again": later.train, "validate again": later.validate})
    outcome.notes.append("what serves was fitted again with the test period; the figures are of the model judged there")


def compare_on_test(
    data: Dataset, y: Floats, split: TimeSplit, baseline: Floats, model: Floats
) -> evaluation.Comparison:
    """Compare on the test, as ``compare_levels`` does."""
    return compare_levels(y[split.test], baseline[split.test], model[split.test], data.entity[split.test])


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
    candidates: list[MarginModel] = [linear, trees, MeanMargin((linear, trees))]
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
