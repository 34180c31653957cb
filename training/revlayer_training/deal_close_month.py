"""Close timing: the distribution of days from the as-of date to winning, for deals that are won.

Ten bin ends cut time into eleven classes. The lower rungs are the distribution of past wins, whole or by stage and
month of the quarter; the model is LightGBM boosted from the latter, with a softmax whose temperature and class offsets
are fitted on validation.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from revlayer_training import evaluation
from revlayer_training.datasets import Dataset
from revlayer_training.deal_win import win_labels
from revlayer_training.export import Artefact, check_parity
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import FEWEST_FOR_MODEL, FEWEST_FOR_SHRINKAGE, Decision, serve
from revlayer_training.margins import MarginModel, TreeMargin
from revlayer_training.outcome import (
    MODEL,
    NothingToLearnError,
    Outcome,
    cycle_days,
    describe_horizon,
    describe_splits,
    masks_of,
)
from revlayer_training.splits import Mask, TimeSplit, choose_horizon, split_rows
from revlayer_training.stage_timing import BIN_ENDS, CLASSES, OUTPUT, Bins, Floats, StageTiming, described_ends
from revlayer_udf.registry import ReliabilityBin

TARGET = "deal_close_month"


@dataclass(frozen=True)
class TimingModel:
    """Log shares of the table plus class margins, cooled by a temperature, shifted; softmax; running sum."""

    timing: StageTiming
    margins: MarginModel
    temperature: float
    offsets: Floats

    def predict(self, data: Features) -> Floats:
        """Return cumulative probabilities [N, 10]."""
        start = self.timing.log_shares(data)
        scores = (start + self.margins.margin(data)) / self.temperature + self.offsets
        return np.minimum(np.cumsum(softmax(scores, axis=1), axis=1)[:, :-1], 1.0)

    def artefact(self, data: Dataset) -> Artefact:
        """Export; the features are those of ``data``."""
        graph = Graph(data.number_features, data.text_features)
        start = self.timing.add_table(graph, self.timing.log_share_table())
        scores = graph.add("Add", start, self.margins.add_nodes(graph))
        cooled = graph.add("Div", scores, graph.constant(self.temperature))
        shares = graph.add("Softmax", graph.add("Add", cooled, graph.constant(self.offsets)), axis=1)
        # A running sum without its last class; a product compiles to plain sums in SQL.
        summed = graph.add("MatMul", shares, graph.constant(np.triu(np.ones((CLASSES, len(BIN_ENDS))))))
        within = graph.add("Min", summed, graph.constant(1.0))
        return Artefact(
            graph.serialize({OUTPUT: (within, len(BIN_ENDS))}), lambda rows: {OUTPUT: self.predict(rows)},
            self.margins.algorithm, "model", data.number_features, data.text_features, (OUTPUT,),
            {"calibration": "temperature", **described_ends()},
        )  # fmt: skip


def fit_deal_close_month(data: Dataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit on snapshots of deals won within the horizon, evaluate and decide.

    Raises:
        NothingToLearnError: no deal was won long enough ago.
    """
    horizon = choose_horizon(data.as_of, cycle_days(data), cutoff)
    y, known_on = win_labels(data, horizon.days)
    won = (y > 0) & (known_on <= np.datetime64(cutoff, "D"))
    if not won.any():
        raise NothingToLearnError(
            f"no deal that was open {horizon.days} days before {cutoff} or earlier was won",
            "Load more history, or wait until deals have been won.",
        )
    split = None if horizon.split is None else _won_only(
        split_rows(data.as_of, known_on, horizon.split, cutoff), won
    )  # fmt: skip
    if split is not None and not (split.train.any() and split.validate.any() and split.test.any()):
        split = None
    rows = won if split is None else split.before_test
    bins = close_bins(data)
    reach = _reach(len(np.unique(data.entity[rows])), len(data.texts["stage_name"].take(rows).seen()), split)
    # Wins between train and validation are known by the test too, and a table has nothing to be tuned.
    known = won if split is None else won & (known_on <= split.test_from)
    past = data.take(known)
    timing = StageTiming.fit(past, bins[known], "prior" if reach.rung == "prior" else "shrinkage")
    name = "overall_timing" if timing.rung == "prior" else "stage_timing"
    outcome = Outcome(TARGET, timing.artefact(), name, reach, horizon.days)
    outcome.notes.append(describe_horizon(horizon))
    if split is None:
        outcome.splits = describe_splits(data, {"train": known})
        return outcome
    outcome.splits = describe_splits(data, masks_of(split))
    overall = StageTiming.fit(past, bins[known], "prior")
    predictions = {"overall_timing": overall.predict(data), name: timing.predict(data)}
    if reach.rung == "model":
        # The model must not start from what validation is to tell it.
        start = StageTiming.fit(data.take(split.train), bins[split.train], "shrinkage")
        _add_model(outcome, data, bins, split, start, seed, predictions)
    _evaluate(outcome, data, bins, split, predictions)
    return outcome


def close_bins(data: Dataset) -> Bins:
    """Return the class of days to close: 0 for up to 7 days … 10 for over 365 and for open deals."""
    days = (data.closed_on - data.as_of).astype(np.float64)
    return np.searchsorted(np.array(BIN_ENDS, float), np.nan_to_num(days, nan=1e9), side="left")


def _add_model(
    outcome: Outcome, data: Dataset, bins: Bins, split: TimeSplit, timing: StageTiming, seed: int,
    predictions: dict[str, Floats],
) -> None:  # fmt: skip
    model = _fit_model(data, bins, split, timing, seed)
    predictions[MODEL] = model.predict(data)
    artefact = model.artefact(data)
    artefact.extra.update(check_parity(artefact, data.take(split.test)))
    outcome.model = artefact
    losses = {
        name: evaluation.ranked_probability_score(bins[split.test], p[split.test]) for name, p in predictions.items()
    }
    baseline = outcome.fallback_predictor
    comparison = evaluation.compare(losses[baseline], losses[MODEL], data.entity[split.test])
    outcome.decision = serve(comparison, outcome.fallback.rung, artefact.algorithm, baseline.replace("_", " "))


def _fit_model(data: Dataset, bins: Bins, split: TimeSplit, timing: StageTiming, seed: int) -> TimingModel:
    tuning = split.validate & (data.entity % 2 == 0)
    train, tune = data.take(split.train), data.take(tuning)
    trees = TreeMargin.fit(
        train, bins[split.train].astype(float), tune, bins[tuning].astype(float), seed,
        objective="multiclass", num_class=CLASSES, num_leaves=4, learning_rate=0.03,
        encoding_label=np.minimum((data.closed_on - data.as_of)[split.train].astype(float), 365.0),
        start=timing.log_shares(train), start_tune=timing.log_shares(tune),
    )  # fmt: skip
    validate = data.take(split.validate)
    scores = timing.log_shares(validate) + trees.margin(validate)
    temperature, offsets = _calibrate(scores, bins[split.validate])
    return TimingModel(timing, trees, temperature, offsets)


def _calibrate(margins: Floats, bins: Bins) -> tuple[float, Floats]:
    """Fit temperature and class offsets by penalised log likelihood (vector scaling, Guo et al. 2017)."""
    if len(bins) < 100:
        return 1.0, np.zeros(CLASSES)
    taken = np.arange(len(bins))

    def loss(theta: Floats) -> float:
        scores = log_softmax(margins * np.exp(theta[0]) + theta[1:], axis=1)
        penalty = (20 * theta[0] ** 2 + 5 * float(np.sum(theta[1:] ** 2))) / len(bins)
        return float(-np.mean(scores[taken, bins])) + penalty

    best = minimize(loss, np.zeros(CLASSES + 1), method="L-BFGS-B", bounds=[(-2, 2)] + [(-3, 3)] * CLASSES)
    return float(np.float32(np.exp(-best.x[0]))), best.x[1:].astype(np.float32).astype(np.float64)


def _won_only(split: TimeSplit, won: Mask) -> TimeSplit:
    return TimeSplit(split.train & won, split.validate & won, split.test & won, split.validate_from, split.test_from)


def _reach(deals: int, stages: int, split: TimeSplit | None) -> Decision:
    if deals < FEWEST_FOR_SHRINKAGE or stages < 2:
        return Decision("prior", f"{deals} won deals in {stages} stages: the overall timing is served")
    if split is None or deals < FEWEST_FOR_MODEL:
        why = "the history is too short" if split is None else f"{deals} won deals are too few"
        return Decision("shrinkage", f"{why} for a model: the stage's timing is served")
    return Decision("model", "there is enough history to train, calibrate and test a model")


def _evaluate(outcome: Outcome, data: Dataset, bins: Bins, split: TimeSplit, predictions: dict[str, Floats]) -> None:
    for name, mask in masks_of(split).items():
        segments, fallen = data.segments.take(mask), bins[mask]
        for predictor, within in predictions.items():
            held = within[mask]

            def figures(rows: Mask, fallen: Bins = fallen, held: Floats = held) -> dict[str, float | None]:
                return timing_metrics(fallen[rows], held[rows])

            outcome.metrics += evaluation.by_segment(name, predictor, segments, figures)
            if name == "test":
                happened = (np.arange(len(BIN_ENDS))[None, :] >= fallen[:, None]).astype(float)
                outcome.reliability += [
                    ReliabilityBin(name, predictor, evaluation.ALL, i, *row)
                    for i, row in enumerate(evaluation.reliability(happened.ravel(), held.ravel()), 1)
                ]


def timing_metrics(bins: Bins, within: Floats) -> dict[str, float | None]:
    """Ranked probability score, log loss by bin and the calibration error of the cumulative probabilities."""
    full = np.column_stack([np.zeros(len(within)), within, np.ones(len(within))])
    taken = np.maximum(np.diff(full, axis=1)[np.arange(len(bins)), bins], 1e-6)
    happened = (np.arange(len(BIN_ENDS))[None, :] >= bins[:, None]).astype(float)
    return {
        "rps": float(evaluation.ranked_probability_score(bins, within).mean()),
        "log_loss": float(-np.mean(np.log(taken))),
        "ece": evaluation.expected_calibration_error(happened.ravel(), within.ravel()),
    }
