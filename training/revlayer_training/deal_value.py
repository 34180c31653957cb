"""Deal value: what an open deal brings if it is won, in the reporting currency.

Every rung starts from the deal's own amount, else its value by the list, else the segment's median win,
and learns the ratio to it: shrinkage one factor per starting point, the model log-ratios from the features.
The mean is made unbiased on the validation period (smearing, Duan 1983), where the 80 % interval is fitted
too (split conformal).
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.datasets import Dataset
from revlayer_training.deal_win import win_labels
from revlayer_training.export import RAW_SCORE, Artefact, check_parity
from revlayer_training.graph import Graph
from revlayer_training.ladder import FEWEST_FOR_MODEL, FEWEST_FOR_SHRINKAGE, Decision, serve
from revlayer_training.margins import TreeMargin
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
from revlayer_training.value_base import BASE_NUMBERS, ValueBase, ValueRatios
from revlayer_udf.certificate import SCALE

TARGET = "deal_value"
OUTPUTS = ("value", "value_p10", "value_p90")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ValueModel:
    """Base × exp(margin) × ratios; without a margin model the base alone.

    Attributes:
        spread: standard deviation of the won amounts it learnt from; small differences are measured by it.
    """

    base: ValueBase
    ratios: ValueRatios
    spread: float
    margins: TreeMargin | None = None

    def predict(self, data: Dataset) -> dict[str, Floats]:
        """Return mean, p10 and p90 amounts, each [N]."""
        centre = self.base.predict(data)
        if self.margins is not None:
            centre = centre * np.exp(self.margins.margin(data)[:, 0])
        source = self.base.source(data)
        columns = (self.ratios.mean, self.ratios.low, self.ratios.high)
        return {name: centre * ratio[source] for name, ratio in zip(OUTPUTS, columns, strict=True)}

    def outputs(self, data: Dataset) -> dict[str, Floats]:
        """Return the amounts, and the raw score where there is a margin model, each [N]."""
        raw = {} if self.margins is None else {RAW_SCORE: self.margins.margin(data)[:, 0]}
        return self.predict(data) | raw

    def artefact(self, data: Dataset, rung: str) -> Artefact:
        """Export; a lower rung needs only amount, value by the list and segment."""
        numbers = data.number_features if self.margins else BASE_NUMBERS
        texts = (*(data.text_features if self.margins else ()), "segment_id")
        graph = Graph(numbers, texts)
        centre, source = self.base.add_nodes(graph)
        raw: dict[str, tuple[str, int]] = {}
        if self.margins is not None:
            margin = self.margins.add_nodes(graph)
            raw[RAW_SCORE] = (margin, 1)
            centre = graph.add("Mul", centre, graph.add("Exp", margin))
        shown = {
            name: (graph.add("Mul", centre, ratio), 1)
            for name, ratio in zip(OUTPUTS, self.ratios.add_nodes(graph, source), strict=True)
        }
        algorithm = self.margins.algorithm if self.margins else "amount_ratio"
        return Artefact(
            graph.serialize(shown | raw), self.outputs, algorithm, rung, numbers, texts,  # type: ignore[arg-type]
            (*OUTPUTS, *raw), {"interval": "conformal, 80 %", SCALE: self.spread}, RAW_SCORE if raw else None,
        )  # fmt: skip


def fit_deal_value(data: Dataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit on snapshots of deals won within the horizon, evaluate and decide.

    Raises:
        NothingToLearnError: no won deal has an amount.
    """
    data = replace(data, number_features=tuple(dict.fromkeys((*data.number_features, *BASE_NUMBERS))))
    horizon = choose_horizon(data.as_of, cycle_days(data), cutoff)
    y, known_on = win_labels(data, horizon.days)
    paid = (y > 0) & (data.won_amount > 0) & (known_on <= np.datetime64(cutoff, "D"))
    if not paid.any():
        raise NothingToLearnError(
            f"no deal that was open {horizon.days} days before {cutoff} or earlier was won with an amount",
            "Load the won amounts, or wait until deals have been won.",
        )
    split = None if horizon.split is None else _paid_only(
        split_rows(data.as_of, known_on, horizon.split, cutoff), paid
    )  # fmt: skip
    if split is not None and not (split.train.any() and split.validate.any() and split.test.any()):
        split = None
    rows = paid if split is None else split.train
    calibrating = paid if split is None else split.validate
    deals = len(np.unique(data.entity[rows]))
    base = ValueBase.fit(data.take(rows), deals)
    spread = float(data.won_amount[rows].std())
    lower = ValueModel(base, ValueRatios.fit(base, data.take(calibrating)), spread)
    reach = _reach(deals, split)
    lower_rung = "prior" if reach.rung == "prior" else "shrinkage"
    outcome = Outcome(TARGET, lower.artefact(data, lower_rung), "amount_ratio", reach, horizon.days)
    outcome.notes.append(describe_horizon(horizon))
    outcome.splits = describe_splits(data, {"train": rows} if split is None else masks_of(split))
    if split is None:
        return outcome
    predictions = {"deal_amount": {OUTPUTS[0]: base.predict(data)}, "amount_ratio": lower.predict(data)}
    if reach.rung == "model":
        _add_model(outcome, data, base, split, seed, predictions)
    _evaluate(outcome, data, split, predictions)
    return outcome


def _add_model(
    outcome: Outcome, data: Dataset, base: ValueBase, split: TimeSplit, seed: int,
    predictions: dict[str, dict[str, Floats]],
) -> None:  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        target = np.log(data.won_amount / base.predict(data))
    tuning = split.validate & (data.entity % 2 == 0)
    calibrating = split.validate & (data.entity % 2 == 1)
    train, tune = data.take(split.train), data.take(tuning)
    trees = TreeMargin.fit(
        train, target[split.train], tune, target[tuning], seed, objective="huber", alpha=1.0, num_leaves=7
    )

    def centre(rows: Dataset) -> Floats:
        return np.asarray(np.exp(trees.margin(rows)[:, 0]) * base.predict(rows))

    ratios = ValueRatios.fit(base, data.take(calibrating), centre)
    model = ValueModel(base, ratios, float(data.won_amount[split.train].std()), trees)
    predictions[MODEL] = model.predict(data)
    artefact = model.artefact(data, "model")
    artefact.extra.update(check_parity(artefact, data.take(split.test)))
    outcome.model = artefact
    losses = {
        name: evaluation.log_error(data.won_amount[split.test], values[OUTPUTS[0]][split.test])
        for name, values in predictions.items()
    }
    # A few large deals rule errors in money, so evidence is sought in relative ones.
    comparison = evaluation.compare(losses["amount_ratio"], losses[MODEL], data.entity[split.test])
    outcome.decision = serve(comparison, outcome.fallback.rung, artefact.algorithm, "amount ratio")


def _paid_only(split: TimeSplit, paid: Mask) -> TimeSplit:
    return TimeSplit(split.train & paid, split.validate & paid, split.test & paid, split.validate_from, split.test_from)


def _reach(deals: int, split: TimeSplit | None) -> Decision:
    if deals < FEWEST_FOR_SHRINKAGE:
        return Decision("prior", f"{deals} won deals: the amount, value by the list or median win is served")
    if split is None or deals < FEWEST_FOR_MODEL:
        why = "the history is too short" if split is None else f"{deals} won deals are too few"
        return Decision("shrinkage", f"{why} for a model: the deal's amount by its usual ratio is served")
    return Decision("model", "there is enough history to train, calibrate and test a model")


def _evaluate(outcome: Outcome, data: Dataset, split: TimeSplit, predictions: dict[str, dict[str, Floats]]) -> None:
    for name, mask in masks_of(split).items():
        segments, won = data.segments.take(mask), data.won_amount[mask]
        for predictor, amounts in predictions.items():
            held = [values[mask] for values in amounts.values()]

            def figures(rows: Mask, won: Floats = won, held: list[Floats] = held) -> dict[str, float | None]:
                shown = evaluation.amount_metrics(won[rows], held[0][rows])
                if len(held) == 3:
                    low, high = held[1][rows], held[2][rows]
                    shown["coverage_80"] = evaluation.interval_coverage(won[rows], low, high)
                return shown

            outcome.metrics += evaluation.by_segment(name, predictor, segments, figures)
