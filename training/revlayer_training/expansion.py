"""Expansion: is a customer's recurring revenue higher a window after the as-of date, and by how much?

Baselines on the same rows: the overall rate and mean, those of the segment (shrunk). A model has to beat the rate below
it on later dates, and to miss expected amounts by no more, to serve.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.calibration import Calibration
from revlayer_training.churn_model import fit_on_later, has_both
from revlayer_training.customers import CustomerDataset
from revlayer_training.expansion_amount import PLAN_VALUE, PlanMultiple, SegmentAmount
from revlayer_training.export import RAW_SCORE, Artefact, check_parity
from revlayer_training.feature_choice import choose_features, with_features
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import Decision, SegmentRate, reachable_rung, serve
from revlayer_training.margins import MarginModel
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome, describe_splits, masks_of
from revlayer_training.probability import compare_levels
from revlayer_training.splits import Mask, TimeSplit, split_dates, split_rows
from revlayer_udf.certificate import SCALE
from revlayer_udf.targets import CUSTOMER

TARGET = "customer_expansion"
OUTPUTS = PROBABILITY, AMOUNT = ("expansion_probability", "expansion_amount")
WORDS = ("customers", "grew")
COMPANY, SEGMENT = "company_prior", "segment_prior"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SegmentGrowth:
    """The rungs below a model: the rate and the mean amount of all, or of the segment."""

    rate: SegmentRate
    amount: SegmentAmount

    @classmethod
    def fit(cls, data: Features, y: Floats, amounts: Floats, by_segment: bool) -> "SegmentGrowth":
        """Fit to rows with a label."""
        rate = SegmentRate.shrinkage(data.segments, y, data.entity) if by_segment else SegmentRate.prior(y)
        return cls(rate, SegmentAmount.fit(data.segments.take(y > 0), amounts[y > 0], by_segment))

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return probability and amount, each [N]."""
        return {PROBABILITY: self.rate.predict(data.segments), AMOUNT: self.amount.predict(data.segments)}

    def artefact(self, scale: float) -> Artefact:
        """Export."""
        graph = Graph((), ("segment_id",))
        probability = self.rate.encoder.add_nodes(graph, graph.text("segment_id"))
        content = graph.serialize({PROBABILITY: (probability, 1), AMOUNT: (self.amount.add_nodes(graph), 1)})
        algorithm = "overall_rate" if self.rate.rung == "prior" else "segment_rate"
        return Artefact(content, self.predict, algorithm, self.rate.rung, (), ("segment_id",), OUTPUTS, {SCALE: scale})


@dataclass(frozen=True)
class GrowthModel:
    """A calibrated probability and the amount it comes with."""

    margins: MarginModel
    calibration: Calibration
    amount: PlanMultiple

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return probability, amount and raw score, each [N]."""
        margin = self.margins.margin(data)[:, 0]
        return {PROBABILITY: self.calibration.apply(margin), AMOUNT: self.amount.predict(data), RAW_SCORE: margin}

    def artefact(self, data: Features, scale: float) -> Artefact:
        """Export; the features are those of ``data``."""
        graph = Graph(data.number_features, data.text_features)
        margin = self.margins.add_nodes(graph)
        probability = self.calibration.add_nodes(graph, margin)
        shown = {PROBABILITY: (probability, 1), AMOUNT: (self.amount.add_nodes(graph), 1), RAW_SCORE: (margin, 1)}
        by_trees = self.amount.margins is not None
        extra = {"calibration": self.calibration.name, "amounts_by_trees": by_trees, SCALE: scale}
        return Artefact(
            graph.serialize(shown), self.predict, self.margins.algorithm, "model", data.number_features,
            data.text_features, tuple(shown), extra, RAW_SCORE,
        )  # fmt: skip


def fit_customer_expansion(data: CustomerDataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit on windows that have ended, evaluate on later ones and decide.

    Raises:
        NothingToLearnError: of nobody with recurring revenue has a window ended.
    """
    known = np.isfinite(data.is_expanded) & (data.expansion_known_on <= np.datetime64(cutoff, "D"))
    if not known.any():
        raise NothingToLearnError(
            f"no customer had recurring revenue on an as-of date whose window of growth has ended by {cutoff}",
            "Load subscriptions, or wait until a window has passed.",
        )
    window = int(np.median((data.expansion_known_on - data.as_of)[known].astype(np.int64)))
    split = _split(data, known, window, cutoff)
    learnt = known if split is None else split.before_test
    reach = _reach(data, known if split is None else split.train, split)
    lower = _lower(data, learnt, known if split is None else split.train)
    scale = float(data.expansion_amount[learnt].std()) or 1.0
    name = COMPANY if lower.rate.rung == "prior" else SEGMENT
    outcome = Outcome(TARGET, lower.artefact(scale), name, reach, window, entity=CUSTOMER)
    grew = float(data.is_expanded[known].mean())
    outcome.notes.append(f"{int(known.sum()):,} rows with recurring revenue, of which {grew:.1%} grew in {window} days")
    outcome.splits = describe_splits(data, {"train": known} if split is None else masks_of(split))
    if split is None:
        return outcome
    predictions = growth_baselines(data, split.before_test, data) | {name: lower.predict(data)}
    if reach.rung == "model":
        predictions[MODEL] = _add_model(outcome, data, split, seed, predictions[name], scale)
    _evaluate(outcome, data, split, predictions)
    return outcome


def _split(data: CustomerDataset, known: Mask, window: int, cutoff: date) -> TimeSplit | None:
    dates = split_dates(data.as_of[known], window, cutoff, fewest_train_dates=1)
    if dates is None:
        return None
    known_on = np.where(known, data.expansion_known_on, np.datetime64("NaT", "D"))
    split = split_rows(data.as_of, known_on, dates, cutoff)
    return split if all(mask.any() for mask in masks_of(split).values()) else None


def _evidence(data: CustomerDataset, rows: Mask) -> tuple[int, int, int]:
    customers = len(np.unique(data.entity[rows]))
    grew = len(np.unique(data.entity[rows & (data.is_expanded > 0)]))
    return customers, grew, len(data.segments.take(rows).seen())


def _reach(data: CustomerDataset, train: Mask, split: TimeSplit | None) -> Decision:
    evidence = _evidence(data, train)
    reach = reachable_rung(*evidence, split is not None, WORDS)
    if reach.rung != "model" or split is None:
        return reach
    lower = reachable_rung(*evidence, False, WORDS).rung
    even = data.entity % 2 == 0
    halves = (split.validate & even, split.validate & ~even, split.test)
    if not all(has_both(data.is_expanded, half) for half in halves):
        return Decision(lower, "in the validation or the test everybody, or nobody, grew: a rate is served")
    return reach


def _lower(data: CustomerDataset, learnt: Mask, train: Mask) -> SegmentGrowth:
    rung = reachable_rung(*_evidence(data, train), False, WORDS).rung
    return _growth(data, learnt, rung == "shrinkage")


def _growth(data: CustomerDataset, rows: Mask, by_segment: bool) -> SegmentGrowth:
    return SegmentGrowth.fit(data.take(rows), data.is_expanded[rows], data.expansion_amount[rows], by_segment)


def _add_model(
    outcome: Outcome, data: CustomerDataset, split: TimeSplit, seed: int, baseline: dict[str, Floats], scale: float
) -> dict[str, Floats]:
    y, amounts, test = data.is_expanded, data.expansion_amount, split.test
    names = choose_features(data.take(split.train), y[split.train], seed, keep=(PLAN_VALUE,))
    chosen = with_features(data, dict.fromkeys((*names, PLAN_VALUE)))
    train, later = chosen.take(split.train), chosen.take(split.validate)
    fitted = fit_on_later(train, y[split.train], later, y[split.validate], seed).model
    grew, grew_later = split.train & (y > 0), split.validate & (y > 0)
    amount = PlanMultiple.fit(
        chosen.take(grew), amounts[grew], chosen.take(grew_later), amounts[grew_later], seed
    )  # fmt: skip
    model = GrowthModel(fitted.margins, fitted.calibration, amount)
    predicted = model.predict(chosen)
    artefact = model.artefact(chosen, scale)
    artefact.extra.update(check_parity(artefact, chosen.take(test)))
    outcome.model = artefact
    comparison = compare_levels(y[test], baseline[PROBABILITY][test], predicted[PROBABILITY][test], data.entity[test])
    name = outcome.fallback_predictor.replace("_prior", " rate")
    outcome.decision = serve(comparison, outcome.fallback.rung, artefact.algorithm, name, WORDS[0])
    errors = [float(((_expected(found) - amounts)[test] ** 2).mean()) for found in (baseline, predicted)]
    if outcome.decision.rung == "model" and errors[1] > errors[0]:
        why = f"the {artefact.algorithm} tells who grows, but misses expected amounts by more than the {name}"
        outcome.decision = Decision(outcome.fallback.rung, f"{why}: the {name} is served")
    return {each: predicted[each] for each in OUTPUTS}


def _expected(found: dict[str, Floats]) -> Floats:
    return np.asarray(found[PROBABILITY] * found[AMOUNT])


def growth_baselines(data: CustomerDataset, known: Mask, shown: Features) -> dict[str, dict[str, Floats]]:
    """Return what the overall rate and mean, and those of the segment, say of rows."""
    names = {COMPANY: False, SEGMENT: True}
    return {name: _growth(data, known, by_segment).predict(shown) for name, by_segment in names.items()}


def growth_figures(
    data: CustomerDataset, found: dict[str, Floats]
) -> Callable[[Mask], dict[str, float | None]]:  # fmt: skip
    """Return figures of rows by mask: of the probability, and of probability x amount against what came.

    Args:
        found: probability and amount of the rows of ``data``.
    """

    def figures(rows: Mask) -> dict[str, float | None]:
        amounts = evaluation.amount_metrics(data.expansion_amount[rows], _expected(found)[rows])
        shown = evaluation.probability_metrics(data.is_expanded[rows], found[PROBABILITY][rows])
        return shown | {f"amount_{metric}": amounts[metric] for metric in ("mae", "rmse", "bias")}

    return figures


def _evaluate(
    outcome: Outcome, data: CustomerDataset, split: TimeSplit, predictions: dict[str, dict[str, Floats]]
) -> None:
    for name, mask in masks_of(split).items():
        held, segments = data.take(mask), data.segments.take(mask)
        for predictor, found in predictions.items():
            own = {output: column[mask] for output, column in found.items()}
            outcome.metrics += evaluation.by_segment(name, predictor, segments, growth_figures(held, own))
            if name == "test":
                outcome.reliability += evaluation.reliability_table(
                    name, predictor, segments, held.is_expanded, own[PROBABILITY]
                )
