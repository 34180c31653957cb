"""Close timing: the distribution of days from the as-of date to winning, for deals that are won.

Ten bin ends cut time into eleven classes. The lower rungs are the distribution seen in training, whole or by
stage; the model is LightGBM boosted from the stage's distribution, with a softmax whose temperature and class
offsets are fitted on validation.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from revlayer_training import evaluation
from revlayer_training.datasets import Dataset
from revlayer_training.deal_win import win_labels
from revlayer_training.export import Artefact, check_parity
from revlayer_training.features import Features
from revlayer_training.graph import ML_DOMAIN, Graph
from revlayer_training.ladder import (
    FEWEST_FOR_MODEL,
    FEWEST_FOR_SHRINKAGE,
    Decision,
    Rung,
    serve,
)
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
from revlayer_training.preprocessing import Texts
from revlayer_training.splits import Mask, TimeSplit, choose_horizon, split_rows
from revlayer_udf.registry import ReliabilityBin

TARGET = "deal_close_month"
OUTPUT = "within"
BIN_ENDS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)
CLASSES = len(BIN_ENDS) + 1
Floats = NDArray[np.float64]
Bins = NDArray[np.int64]


@dataclass(frozen=True)
class StageTiming:
    """Cumulative distribution by stage, drawn to that of all deals; unseen stages take the latter."""

    overall: Floats
    by_stage: dict[str, Floats]
    rung: Rung

    @classmethod
    def fit(cls, stages: Texts, bins: Bins, rung: Rung, prior_count: float = 30.0) -> "StageTiming":
        """Count bins; half a row per class keeps every probability above 0.

        Args:
            prior_count: rows' worth of the overall distribution given to each stage.
        """
        counts = np.bincount(bins, minlength=CLASSES) + 0.5
        overall = counts / counts.sum()
        by_stage = {}
        if rung != "prior":
            for code in stages.seen():
                own = np.bincount(bins[stages.codes == code], minlength=CLASSES)
                shares = (own + prior_count * overall) / (own.sum() + prior_count)
                by_stage[stages.names[code]] = np.cumsum(shares)[:-1]
        return cls(np.cumsum(overall)[:-1], by_stage, rung)

    def predict(self, stages: Texts) -> Floats:
        """Return cumulative probabilities [N, 10]."""
        lookup = np.array([self.by_stage.get(name, self.overall) for name in stages.names])
        return lookup[stages.codes]

    def log_shares(self, stages: Texts) -> Floats:
        """Return the log of each class's share [N, 11]."""
        table = dict(zip([*self.by_stage, None], self.log_share_table(), strict=True))
        lookup = np.array([table.get(name, table[None]) for name in stages.names])
        return lookup[stages.codes]

    def log_share_table(self) -> Floats:
        """Return log shares by stage, unseen stages last, [stages + 1, 11], as float32 holds them."""
        within = np.array([*self.by_stage.values(), self.overall])
        padded = np.column_stack([np.zeros(len(within)), within, np.ones(len(within))])
        return np.log(np.maximum(np.diff(padded, axis=1), 1e-6)).astype(np.float32).astype(np.float64)

    def add_table(self, graph: Graph, table: Floats) -> str:
        """Pick each row's line of a table by its stage; the last line is for unseen stages."""
        names = list(self.by_stage)
        if not names:  # a LabelEncoder needs a key: any text gets the one line
            names, table = [""], np.vstack([table, table])
        number = graph.add(
            "LabelEncoder", graph.text("stage_name"), domain=ML_DOMAIN, keys_strings=names,
            values_int64s=list(range(len(names))), default_int64=len(names),
        )  # fmt: skip
        flat = graph.add("Reshape", number, graph.constant([-1], np.int64))
        return graph.add("Gather", graph.constant(table), flat, axis=0)

    def artefact(self) -> Artefact:
        """Export; the only feature is the stage."""
        graph = Graph([], ["stage_name"])
        within = self.add_table(graph, np.array([*self.by_stage.values(), self.overall]))
        content = graph.serialize({OUTPUT: (within, len(BIN_ENDS))})
        algorithm = "overall_timing" if self.rung == "prior" else "stage_timing"

        def predict(data: Features) -> dict[str, Floats]:
            return {OUTPUT: self.predict(data.texts["stage_name"])}

        return Artefact(content, predict, algorithm, self.rung, (), ("stage_name",), (OUTPUT,), _ends())


@dataclass(frozen=True)
class TimingModel:
    """Log shares of the stage plus class margins, cooled by a temperature, shifted; softmax; running sum."""

    timing: StageTiming
    margins: MarginModel
    temperature: float
    offsets: Floats

    def predict(self, data: Features) -> Floats:
        """Return cumulative probabilities [N, 10]."""
        start = self.timing.log_shares(data.texts["stage_name"])
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
            {"calibration": "temperature", **_ends()},
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
    timing = StageTiming.fit(
        data.texts["stage_name"].take(rows), bins[rows], "prior" if reach.rung == "prior" else "shrinkage"
    )
    name = "overall_timing" if timing.rung == "prior" else "stage_timing"
    outcome = Outcome(TARGET, timing.artefact(), name, reach, horizon.days)
    outcome.notes.append(describe_horizon(horizon))
    if split is None:
        outcome.splits = describe_splits(data, {"train": rows})
        return outcome
    outcome.splits = describe_splits(data, masks_of(split))
    stages = data.texts["stage_name"]
    predictions = {
        "overall_timing": StageTiming.fit(stages.take(rows), bins[rows], "prior").predict(stages),
        name: timing.predict(stages),
    }
    if reach.rung == "model":
        # The model must not start from what validation is to tell it.
        start = StageTiming.fit(stages.take(split.train), bins[split.train], "shrinkage")
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
    stages = data.texts["stage_name"]
    trees = TreeMargin.fit(
        data.take(split.train), bins[split.train].astype(float),
        data.take(tuning), bins[tuning].astype(float), seed,
        objective="multiclass", num_class=CLASSES, num_leaves=4, learning_rate=0.03,
        encoding_label=np.minimum((data.closed_on - data.as_of)[split.train].astype(float), 365.0),
        start=timing.log_shares(stages.take(split.train)),
        start_tune=timing.log_shares(stages.take(tuning)),
    )  # fmt: skip
    validate = data.take(split.validate)
    scores = timing.log_shares(validate.texts["stage_name"]) + trees.margin(validate)
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


def _ends() -> dict[str, object]:
    return {"bin_ends_days": list(BIN_ENDS)}


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
