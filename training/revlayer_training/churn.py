"""Churn: has a customer left a window after the as-of date?

A customer with recurring revenue has left when it is gone, any other when it buys nothing. Where a company has both
kinds, each has a model, a rate and a decision of its own, in one artefact. Baselines on the same rows: the rate of the
kind, the segment's rate within it (shrunk), and how long ago the last sign of life was. Validation chooses, calibrates
and cuts into tiers; later dates only decide whether the model of a kind serves or the rate below it.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training.churn_figures import active_metrics, kind_metrics, kind_reliability, kind_tier_metrics
from revlayer_training.churn_kinds import KIND_FEATURE, KindFit, Side, artefact_of
from revlayer_training.churn_model import OUTPUT, fit_on_later, has_both
from revlayer_training.churn_rows import LABELLED, NEVER, ChurnRows, InactivityRule
from revlayer_training.customers import CustomerDataset
from revlayer_training.export import Artefact, check_parity
from revlayer_training.feature_choice import choose_features, differing, with_features
from revlayer_training.features import Features
from revlayer_training.ladder import Decision, SegmentRate, reachable_rung, serve
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome, describe_splits, masks_of
from revlayer_training.probability import compare_levels, evaluate_splits
from revlayer_training.splits import Mask, TimeSplit, split_dates, split_rows
from revlayer_training.tiers import KindTiers
from revlayer_udf.signatures import MAX_ARGUMENTS
from revlayer_udf.targets import CUSTOMER

TARGET = "customer_churn"
WORDS = ("customers", "left")
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
    chosen = with_features(rows.data, _features(rows, rows.is_known if split is None else split.train, seed))
    fits = {kind: _fit_kind(rows, mask, split, chosen, seed) for kind, mask in kinds_of(rows).items()}
    outcome = _outcome(rows, fits, chosen)
    if split is None:
        outcome.splits = describe_splits(rows.data, {"train": learnt})
        return outcome
    outcome.splits = describe_splits(rows.data, masks_of(split))
    predictions = baselines(rows, split.before_test)
    predictions[outcome.fallback_predictor] = outcome.fallback.predict(rows.data)[OUTPUT]
    if outcome.model is not None:
        outcome.model.extra.update(check_parity(outcome.model, chosen.take(split.test)))
        predictions[MODEL] = outcome.model.predict(chosen)[OUTPUT]
    _evaluate(outcome, rows, split, predictions)
    return outcome


def kinds_of(rows: ChurnRows) -> dict[str, Mask]:
    """Return the rows of each kind that is fitted by itself: of both where labels of both are known, else of all."""
    known = [kind for kind, mask in rows.kinds.items() if (mask & rows.is_known).any()]
    if len(known) > 1 and KIND_FEATURE in rows.data.numbers:
        return rows.kinds
    return {known[0] if len(known) == 1 else LABELLED: np.ones(len(rows.data), bool)}


def time_split(rows: ChurnRows, cutoff: date) -> TimeSplit | None:
    """Split by as-of date with a window between; None where there is too little for three splits."""
    # A date has all customers there are, so one is enough to train on.
    dates = split_dates(rows.data.as_of[rows.is_known], rows.horizon, cutoff, fewest_train_dates=1)
    if dates is None:
        return None
    split = split_rows(rows.data.as_of, np.where(rows.is_known, rows.known_on, NEVER), dates, cutoff)
    return split if all(mask.any() for mask in masks_of(split).values()) else None


def reachable(rows: ChurnRows, cutoff: date) -> dict[str, Decision]:
    """Say by kind how far up the ladder the known labels may climb; nothing is fitted."""
    split = time_split(rows, cutoff)
    return {kind: _reach(rows, mask, split) for kind, mask in kinds_of(rows).items()}


def baselines(rows: ChurnRows, known: Mask) -> dict[str, Floats]:
    """Return what the rate of the kind, the segment's and inactivity alone say of every row, from what was known."""
    data = rows.data
    found = {COMPANY: np.empty(len(data)), SEGMENT: np.empty(len(data))}
    for mask in kinds_of(rows).values():
        for name, rate in zip(found, _rates(rows, known & mask if (known & mask).any() else known), strict=True):
            found[name][mask] = rate.predict(data.segments.take(mask))
    rule = InactivityRule.fit(rows, known)
    return found if rule is None else {**found, INACTIVITY: rule.predict(rows)}


def _rates(rows: ChurnRows, known: Mask) -> tuple[SegmentRate, SegmentRate]:
    """Return one rate for all the rows, and one for each segment of them."""
    then, y = rows.data.take(known), rows.y[known]
    return SegmentRate.prior(y), SegmentRate.shrinkage(then.segments, y, then.entity)


def _features(rows: ChurnRows, train: Mask, seed: int) -> tuple[str, ...]:
    """Choose features; which kind a customer is of has to be among them where there are two."""
    keep = (KIND_FEATURE,) if len(kinds_of(rows)) > 1 else ()
    names = choose_features(rows.data.take(train), rows.y[train], seed, keep=keep)
    return names if set(keep) <= set(names) else (*keep, *names[: MAX_ARGUMENTS - 1])


def _fit_kind(rows: ChurnRows, mask: Mask, split: TimeSplit | None, data: Features, seed: int) -> KindFit:
    """Fit the rate of a kind and, where its history carries one, the model; the test decides between them."""
    learnt = rows.is_known if split is None else split.before_test
    reach = _reach(rows, mask, split)
    prior, shrunk = _rates(rows, learnt & mask if (learnt & mask).any() else learnt)
    rate = prior if _lower_rung(rows, mask, split) == "prior" else shrunk
    if reach.rung != "model" or split is None:
        return KindFit(rate, reach)
    train, validate, test = (part & mask for part in (split.train, split.validate, split.test))
    fitted = fit_on_later(data.take(train), rows.y[train], data.take(validate), rows.y[validate], seed)
    held, y = data.take(test), rows.y[test]
    comparison = compare_levels(y, rate.predict(held.segments), fitted.predict(held), held.entity)
    name = ("company" if rate.rung == "prior" else "segment") + " rate"
    return KindFit(rate, serve(comparison, rate.rung, fitted.model.margins.algorithm, name, WORDS[0]), fitted)


def _lower_rung(rows: ChurnRows, mask: Mask, split: TimeSplit | None) -> str:
    train = rows.is_known if split is None else split.train
    return reachable_rung(*rows.evidence(train & mask), False, WORDS).rung


def _reach(rows: ChurnRows, mask: Mask, split: TimeSplit | None) -> Decision:
    train = mask & (rows.is_known if split is None else split.train)
    reach = reachable_rung(*rows.evidence(train), split is not None, WORDS)
    if reach.rung != "model" or split is None:
        return reach
    lower = reachable_rung(*rows.evidence(train), False, WORDS).rung
    if not differing(rows.data.take(train)):
        return Decision(lower, "no feature differs between customers: a rate is served")
    even = rows.data.entity % 2 == 0
    halves = (split.validate & even, split.validate & ~even, split.test)
    if not all(has_both(rows.y, half & mask) for half in halves):
        return Decision(lower, "in the validation or the test everybody, or nobody, left: a rate is served")
    return reach


def _outcome(rows: ChurnRows, fits: Mapping[str, KindFit], chosen: Features) -> Outcome:
    """Put the kinds together: where one model is better than its rate, the other kind keeps what is better for it."""
    fallback = artefact_of({kind: Side(fit.rate) for kind, fit in fits.items()}, chosen)
    is_prior = all(fit.rate.rung == "prior" for fit in fits.values())
    outcome = Outcome(
        TARGET, fallback, COMPANY if is_prior else SEGMENT, _decision(fits, fallback), rows.horizon, entity=CUSTOMER
    )
    if any(fit.model for fit in fits.values()):
        # Where no model is better than its rate, they are kept to look at: they do not serve.
        is_won = any(fit.is_won for fit in fits.values())
        sides = {kind: Side(fit.rate, fit.model if fit.is_won or not is_won else None) for kind, fit in fits.items()}
        outcome.model = artefact_of(sides, chosen)
    outcome.extra |= {"windows_days": rows.windows, "reasons_skip_unknown": True}
    outcome.notes += [
        f"{count:,} {kind} rows, of which {gone:.1%} left within {days} days"
        for kind, days in rows.windows.items()
        for count, gone in [_count(rows, kind)]
    ]
    return outcome


def _decision(fits: Mapping[str, KindFit], fallback: Artefact) -> Decision:
    if len(fits) == 1:
        return next(iter(fits.values())).decision
    reason = "; ".join(f"{kind}: {fit.decision.reason}" for kind, fit in fits.items())
    return Decision("model" if any(fit.is_won for fit in fits.values()) else fallback.rung, reason)


def _count(rows: ChurnRows, kind: str) -> tuple[int, float]:
    mask = rows.is_known & rows.kinds[kind]
    return int(mask.sum()), float(rows.y[mask].mean())


def _evaluate(outcome: Outcome, rows: ChurnRows, split: TimeSplit, predictions: Mapping[str, Floats]) -> None:
    evaluate_splits(outcome, rows.data, rows.y, masks_of(split), predictions)
    test = rows.take(split.test)
    held = {name: p[split.test] for name, p in predictions.items()}
    outcome.metrics += [*active_metrics("test", test, held), *kind_metrics("test", test, held)]
    outcome.reliability += kind_reliability("test", test, held)
    if outcome.model is not None:
        tiers = KindTiers.of_manifest(outcome.model.extra, test.kinds) or KindTiers({})
        outcome.metrics += kind_tier_metrics("test", test, tiers, held[MODEL])
