"""Late payment: is an open invoice paid after its due date, and when?

One law of the day of payment answers both: late is what it leaves unpaid after the due date, given that the invoice
is unpaid now. Rungs: one law for all, one by the payer's own record (drawn to that of all), one by every feature.
Baselines on the same rows: the company's rate and the payer's own late rate. Invoices past due are late already: no
figure of lateness counts them, while the days of payment of all are fitted and tested.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.delay_law import OUTPUTS, SINCE, DelayLaw, Spells, row_losses
from revlayer_training.evaluation import ALL
from revlayer_training.export import Artefact, check_parity
from revlayer_training.invoices import InvoiceDataset
from revlayer_training.ladder import (
    FEWEST_FOR_MODEL,
    FEWEST_FOR_SHRINKAGE,
    FEWEST_OF_EACH_CLASS,
    Decision,
    Rung,
    SegmentRate,
    serve,
)
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome, describe_splits, masks_of
from revlayer_training.probability import evaluate_splits
from revlayer_training.splits import LONGEST_HORIZON, Days, Mask, TimeSplit, split_dates, split_rows
from revlayer_udf.cash.law import HALF, day_unpaid
from revlayer_udf.registry import Metric
from revlayer_udf.targets import INVOICE

TARGET = "invoice_late"
COMPANY, PAYER = "company_rate", "payer_rate"
OVERALL, RECORD = "overall_law", "payer_law"
RECORD_FEATURES = ("payer_days_past_due", "payer_spread_days")
# How old an invoice is, and how late, says when the law begins to hold, not which one.
NOT_OF_THE_LAW = ("age_days", SINCE)
PENALTIES = (1.0, 10.0, 100.0)
# A horizon that all but few invoices' terms are within.
USUAL_SHARE = 0.97
# As-of dates' worth of a shift of this many days that the shift common to all invoices of a date is drawn to.
_PRIOR_SHIFT, _PRIOR_DATES = 1.0, 3.0
# Days that a date's payments may come later, and deviations of them, that are tried.
_SHIFTS, _DEVIATIONS = np.arange(-30, 30.5, 0.5), np.geomspace(0.25, 12, 40)
Floats = NDArray[np.float64]


def fit_invoice_late(data: InvoiceDataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit, evaluate on later dates and decide. Nothing is drawn, so the seed changes nothing.

    Raises:
        NothingToLearnError: no invoice that was open at an as-of date is known to be paid.
    """
    day = np.datetime64(cutoff, "D")
    data = data.take(data.as_of < day)
    if not (data.is_paid & (data.settled_known_on <= day)).any():
        raise NothingToLearnError(
            f"no invoice that was open on a day before {cutoff} is known to be paid",
            "Load invoices with their payments, or wait: docs/cash.md.",
        )
    y, known_on = late_labels(data, day)
    horizon = _horizon(data)
    split = _split(data, known_on, horizon, cutoff)
    learnt = np.ones(len(data), bool) if split is None else data.as_of < split.test_from
    known_by = day if split is None else split.test_from
    reach = _reach(data, y, learnt & (known_on <= known_by), split)
    fallback = _law(data, learnt, known_by, () if reach.rung == "prior" else RECORD_FEATURES, PENALTIES[0])
    name = OVERALL if reach.rung == "prior" else RECORD
    rung: Rung = "prior" if reach.rung == "prior" else "shrinkage"
    outcome = Outcome(TARGET, _artefact(fallback, rung), name, reach, horizon, entity=INVOICE)
    outcome.fallback.extra.update(common_shift(fallback, data.take(learnt), known_by))
    if split is None:
        outcome.splits = describe_splits(data, {"train": learnt})
        return outcome
    outcome.splits = describe_splits(data, masks_of(split))
    laws = {OVERALL: _law(data, learnt, known_by, (), PENALTIES[0]), name: fallback}
    if reach.rung == "model":
        laws[MODEL] = _add_model(outcome, data, split, learnt, day, fallback)
    _evaluate(outcome, data, y, split, day, laws)
    return outcome


def late_labels(data: InvoiceDataset, day: np.datetime64) -> tuple[Floats, Days]:
    """Return whether each invoice was paid late, as known by a day, and from when that is known.

    NaN, and NaT, where it was past due on its as-of date already, is not due yet, or was never to be paid.
    """
    due_on = data.due_on
    settled = data.settled_known_on <= day
    in_time = settled & (data.settled_on <= due_on)
    y = np.where(in_time, np.where(data.is_paid, 0.0, np.nan), 1.0)
    known_on = np.where(in_time, data.settled_known_on, due_on + np.timedelta64(1, "D"))
    unknown = (data.past_due > 0) | np.isnan(y) | (known_on > day)
    return np.where(unknown, np.nan, y), np.where(unknown, np.datetime64("NaT", "D"), known_on)


def common_shift(law: DelayLaw, data: InvoiceDataset, known_by: np.datetime64) -> dict[str, Any]:
    """Return by how many days all payments of a date come earlier or later together (standard deviation).

    Every date has a shift of its own, normal around 0; the deviation is the one under which all dates together are
    likeliest (each integrated over its shift), drawn to a day (empirical Bayes, scaled inverse chi-square prior).
    """
    spells = Spells.of(data, known_by)
    location, scale = law.parameters(data)
    _, index = np.unique(data.as_of, return_inverse=True)
    by_date = -np.stack([np.bincount(index, row_losses(location + s, np.log(scale), spells)) for s in _SHIFTS], axis=1)
    weights = np.exp(-0.5 * (_SHIFTS / _DEVIATIONS[:, None]) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    best = by_date.max(axis=1, keepdims=True)
    # Likelihood of each date under each deviation [D, S].
    together = best + np.log(np.exp(by_date - best) @ weights.T)
    prior = -_PRIOR_DATES * (np.log(_DEVIATIONS) + 0.5 * (_PRIOR_SHIFT / _DEVIATIONS) ** 2)
    return {"payment_law": {"common_shift_days": float(_DEVIATIONS[np.argmax(together.sum(axis=0) + prior)])}}


def _horizon(data: InvoiceDataset) -> int:
    ahead = -data.past_due[data.past_due <= 0]
    return 1 if not len(ahead) else int(min(np.quantile(ahead, USUAL_SHARE) + 1, LONGEST_HORIZON))


def _split(data: InvoiceDataset, known_on: Days, horizon: int, cutoff: date) -> TimeSplit | None:
    dates = split_dates(data.as_of, horizon, cutoff)
    if dates is None:
        return None
    split = split_rows(data.as_of, known_on, dates, cutoff)
    return split if all(mask.any() for mask in masks_of(split).values()) else None


def _reach(data: InvoiceDataset, y: Floats, known: Mask, split: TimeSplit | None) -> Decision:
    invoices = len(np.unique(data.entity[known]))
    late = len(np.unique(data.entity[known & (y > 0)]))
    seen = f"{invoices} invoices of which {late} were paid late"
    if invoices < FEWEST_FOR_SHRINKAGE:
        return Decision("prior", f"{seen} are too few to tell payers apart: one law of payment serves for all")
    if split is None:
        return Decision("shrinkage", "the history is too short to test a model: the payer's own record serves")
    if invoices < FEWEST_FOR_MODEL or min(late, invoices - late) < FEWEST_OF_EACH_CLASS:
        return Decision("shrinkage", f"{seen} are too few for a model: the payer's own record serves")
    return Decision("model", "there is enough history to train, choose and test a model")


def _law(
    data: InvoiceDataset, rows: Mask, known_by: np.datetime64, numbers: Sequence[str], penalty: float
) -> DelayLaw:  # fmt: skip
    held = data.take(rows & (data.as_of < known_by))
    return DelayLaw.fit(held, Spells.of(held, known_by), numbers, penalty)


def _add_model(
    outcome: Outcome, data: InvoiceDataset, split: TimeSplit, learnt: Mask, day: np.datetime64, fallback: DelayLaw
) -> DelayLaw:
    """Choose the penalty on the validation dates, fit on all before the test, compare on the test."""
    numbers = tuple(name for name in data.number_features if name not in NOT_OF_THE_LAW)
    chosen = data.take((data.as_of >= split.validate_from) & learnt)
    spells = Spells.of(chosen, split.test_from)
    losses = {}
    for penalty in PENALTIES:
        law = _law(data, data.as_of < split.validate_from, split.validate_from, numbers, penalty)
        losses[penalty] = float(law.loss(chosen, spells).sum())
    penalty = min(losses, key=lambda found: losses[found])
    law = _law(data, learnt, split.test_from, numbers, penalty)
    artefact = _artefact(law, "model")
    test = data.take(data.as_of >= split.test_from)
    artefact.extra.update(check_parity(artefact, test))
    artefact.extra.update(common_shift(law, data.take(learnt), split.test_from))
    artefact.extra["penalty"] = penalty
    outcome.model = artefact
    known = Spells.of(test, day)
    comparison = evaluation.compare(fallback.loss(test, known), law.loss(test, known), test.entity)
    outcome.decision = serve(
        comparison, outcome.fallback.rung, artefact.algorithm, outcome.fallback_predictor.replace("_", " "), "invoices"
    )
    return law


def _artefact(law: DelayLaw, rung: Rung) -> Artefact:
    numbers = tuple(dict.fromkeys((SINCE, *law.numbers)))
    return Artefact(law.serialize(numbers), law.predict, "logistic_delay", rung, numbers, (), OUTPUTS)


def _evaluate(
    outcome: Outcome, data: InvoiceDataset, y: Floats, split: TimeSplit, day: np.datetime64, laws: dict[str, DelayLaw]
) -> None:
    """Add figures of lateness by predictor and split, and of the day of payment on the test."""
    learnt = split.before_test
    predictions = {
        COMPANY: SegmentRate.prior(y[learnt]).predict(data.segments),
        PAYER: np.nan_to_num(data.numbers["payer_late_rate"].astype(np.float64), nan=float(y[learnt].mean())),
    }
    predictions |= {name: law.predict(data)[OUTPUTS[0]] for name, law in laws.items()}
    evaluate_splits(outcome, data, y, masks_of(split), predictions)
    test = data.take(data.as_of >= split.test_from)
    spells = Spells.of(test, day)
    for name, law in laws.items():
        figures = {"payment_log_loss": float(law.loss(test, spells).mean()), **_day_figures(law, test, spells)}
        outcome.metrics += [Metric("test", name, ALL, metric, value, len(test)) for metric, value in figures.items()]


def _day_figures(law: DelayLaw, test: InvoiceDataset, spells: Spells) -> dict[str, float]:
    """Of invoices paid by now: share within the 80 % interval of the day, and mean distance from its median."""
    paid = test.take(spells.is_paid)
    if not len(paid):
        return {}
    location, scale = law.parameters(paid)
    # A payment stands in the middle of its day, half a day before what is unpaid after it.
    low, middle, high = (
        day_unpaid(np.full(len(paid), share), paid.past_due, location, scale) + HALF for share in (0.9, 0.5, 0.1)
    )
    ended = spells.ended[spells.is_paid]
    inside = evaluation.interval_coverage(ended, low, high)
    return {"coverage_80": inside, "mean_absolute_days": float(np.abs(middle - ended).mean())}
