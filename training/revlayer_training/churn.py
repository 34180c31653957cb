"""Churn: has a customer left a window after the as-of date?

A customer with recurring revenue has left when it is gone, any other when it buys nothing. Baselines on the same rows:
the overall rate, the segment's rate (shrunk), and how long ago the last sign of life was. Validation chooses,
calibrates and cuts into tiers; later dates only decide whether the model serves or the rate below it.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training.churn_model import OUTPUT, fit_on_later, has_both
from revlayer_training.churn_rows import CONTRACTUAL, NEVER, ChurnRows, InactivityRule
from revlayer_training.customers import CustomerDataset
from revlayer_training.evaluation import ALL, probability_metrics
from revlayer_training.export import check_parity
from revlayer_training.feature_choice import choose_features, differing, with_features
from revlayer_training.ladder import Decision, SegmentRate, reachable_rung, serve
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome, describe_splits, masks_of
from revlayer_training.probability import compare_levels, evaluate_splits, rate_artefact
from revlayer_training.splits import Mask, TimeSplit, split_dates, split_rows
from revlayer_training.tiers import NAMES, Tiers
from revlayer_udf.registry import Metric
from revlayer_udf.targets import CUSTOMER

TARGET = "customer_churn"
WORDS = ("customers", "left")
ACTIVE = "(active)"
COMPANY, SEGMENT, INACTIVITY = "company_prior", "segment_prior", "inactivity_rule"
Floats = NDArray[np.float64]


def fit_customer_churn(data: CustomerDataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit on windows that have ended, evaluate on later ones and decide.

    Raises:
        NothingToLearnError: no window has ended.
    """
    return fit_in_time(ChurnRows.of(data), cutoff, seed)


def fit_in_time(rows: ChurnRows, cutoff: date, seed: int = 1) -> Outcome:
    """Do the same with rows of any kind.

    Raises:
        NothingToLearnError: no label is known.
    """
    rows = rows.known_by(np.datetime64(cutoff, "D"))
    if not rows.is_known.any():
        raise NothingToLearnError(
            f"of no customer is it known by {cutoff} whether it left in the window after an as-of date",
            "Wait until a window has passed, or import labelled snapshots: docs/customers.md.",
        )
    split = time_split(rows, cutoff)
    learnt = rows.is_known if split is None else split.before_test
    train = learnt if split is None else split.train
    names = choose_features(rows.data.take(train), rows.y[train], seed)
    reach = _reach(rows, train, split, bool(names))
    outcome = _lower_outcome(rows, learnt, split, reach)
    if split is None:
        outcome.splits = describe_splits(rows.data, {"train": learnt})
        return outcome
    outcome.splits = describe_splits(rows.data, masks_of(split))
    predictions = baselines(rows, split.before_test)
    if reach.rung == "model":
        predictions[MODEL] = _add_model(outcome, rows, split, names, seed, predictions[outcome.fallback_predictor])
    evaluate_splits(outcome, rows.data, rows.y, masks_of(split), predictions)
    outcome.metrics += active_metrics("test", rows.take(split.test), {n: p[split.test] for n, p in predictions.items()})
    return outcome


def time_split(rows: ChurnRows, cutoff: date) -> TimeSplit | None:
    """Split by as-of date with a window between; None where there is too little for three splits."""
    # A date has all customers there are, so one is enough to train on.
    dates = split_dates(rows.data.as_of[rows.is_known], rows.horizon, cutoff, fewest_train_dates=1)
    if dates is None:
        return None
    split = split_rows(rows.data.as_of, np.where(rows.is_known, rows.known_on, NEVER), dates, cutoff)
    return split if all(mask.any() for mask in masks_of(split).values()) else None


def reachable(rows: ChurnRows, cutoff: date) -> Decision:
    """Say how far up the ladder the known labels may climb; nothing is fitted."""
    split = time_split(rows, cutoff)
    train = rows.is_known if split is None else split.train
    return _reach(rows, train, split, bool(differing(rows.data.take(train))))


def baselines(rows: ChurnRows, known: Mask) -> dict[str, Floats]:
    """Return what the overall rate, the segment's and inactivity alone say of every row, from what was known."""
    data, y = rows.data, rows.y[known]
    then = data.take(known)
    found = {
        COMPANY: SegmentRate.prior(y).predict(data.segments),
        SEGMENT: SegmentRate.shrinkage(then.segments, y, then.entity).predict(data.segments),
    }
    rule = InactivityRule.fit(rows, known)
    return found if rule is None else {**found, INACTIVITY: rule.predict(rows)}


def _reach(rows: ChurnRows, train: Mask, split: TimeSplit | None, has_features: bool) -> Decision:
    customers, left, segments = rows.evidence(train)
    reach = reachable_rung(customers, left, segments, split is not None, WORDS)
    if reach.rung != "model" or split is None:
        return reach
    lower = reachable_rung(customers, left, segments, False, WORDS).rung
    if not has_features:
        return Decision(lower, "no feature differs between customers: a rate is served")
    even = rows.data.entity % 2 == 0
    halves = (split.validate & even, split.validate & ~even, split.test)
    if not all(has_both(rows.y, half) for half in halves):
        return Decision(lower, "in the validation or the test everybody, or nobody, left: a rate is served")
    return reach


def _lower_outcome(rows: ChurnRows, learnt: Mask, split: TimeSplit | None, reach: Decision) -> Outcome:
    """Return what serves without a model: the segment's rate, or the overall one."""
    then, y = rows.data.take(learnt), rows.y[learnt]
    customers, left, segments = rows.evidence(learnt if split is None else split.train)
    if reachable_rung(customers, left, segments, False, WORDS).rung == "prior":
        rate, name = SegmentRate.prior(y), COMPANY
    else:
        rate, name = SegmentRate.shrinkage(then.segments, y, then.entity), SEGMENT
    fallback = rate_artefact(rate, OUTPUT)
    fallback.extra.update(Tiers().extra)
    outcome = Outcome(TARGET, fallback, name, reach, rows.horizon, entity=CUSTOMER)
    outcome.extra["windows_days"] = rows.windows
    outcome.notes += [
        f"{count:,} {kind} rows, of which {gone:.1%} left within {days} days"
        for kind, days in rows.windows.items()
        for count, gone in [_count(rows, kind)]
    ]
    return outcome


def _count(rows: ChurnRows, kind: str) -> tuple[int, float]:
    mask = rows.is_known & (rows.is_contractual == (kind == CONTRACTUAL))
    return int(mask.sum()), float(rows.y[mask].mean())


def _add_model(
    outcome: Outcome, rows: ChurnRows, split: TimeSplit, names: tuple[str, ...], seed: int, baseline: Floats
) -> Floats:
    data, y = with_features(rows.data, names), rows.y
    fitted = fit_on_later(
        data.take(split.train), y[split.train], data.take(split.validate), y[split.validate], seed
    )  # fmt: skip
    p, test = fitted.predict(data), split.test
    artefact = fitted.artefact(data)
    artefact.extra.update(check_parity(artefact, data.take(test)))
    outcome.model = artefact
    comparison = compare_levels(y[test], baseline[test], p[test], data.entity[test])
    name = outcome.fallback_predictor.replace("_prior", " rate")
    outcome.decision = serve(comparison, outcome.fallback.rung, artefact.algorithm, name, WORDS[0])
    outcome.metrics += tier_metrics("test", fitted.tiers, p[test], y[test])
    return p


def active_metrics(split: str, rows: ChurnRows, predictions: Mapping[str, Floats]) -> list[Metric]:
    """Return figures of the customers that had not left before their date: of the others it is easily told.

    Args:
        predictions: probabilities of the rows by predictor.
    """
    active = rows.is_active
    if active.all() or not active.any():
        return []
    return [
        Metric(split, predictor, ACTIVE, metric, value, int(active.sum()))
        for predictor, p in predictions.items()
        for metric, value in probability_metrics(rows.y[active], p[active]).items()
    ]


def tier_metrics(split: str, tiers: Tiers, p: Floats, y: Floats) -> list[Metric]:
    """Return the share of each tier and how many of it left."""
    tier, rates = tiers.of(p), tiers.observed(p, y)
    found = []
    for place, name in enumerate(NAMES):
        count = int((tier == place).sum())
        found.append(Metric(split, MODEL, ALL, f"{name}_tier_share", count / len(y), len(y)))
        found.append(Metric(split, MODEL, ALL, f"{name}_tier_observed_rate", rates[name] if count else None, count))
    return found
