"""A registered model of customers on labels that became known after it was trained, beside its baselines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.churn import baselines
from revlayer_training.churn_figures import active_metrics, kind_metrics, kind_reliability, kind_tier_metrics
from revlayer_training.churn_model import OUTPUT
from revlayer_training.churn_rows import ChurnRows
from revlayer_training.customers import CustomerDataset, load_customers
from revlayer_training.expansion import OUTPUTS as GROWTH_OUTPUTS
from revlayer_training.expansion import growth_baselines, growth_figures
from revlayer_training.export import score
from revlayer_training.features import Features
from revlayer_training.outcome import MODEL
from revlayer_training.splits import Mask
from revlayer_training.tiers import KindTiers
from revlayer_training.value_evaluation import value_metrics
from revlayer_training.value_forecaster import SIMPLE, ZERO
from revlayer_training.value_formula import FormulaValue, simple_formula
from revlayer_udf.errors import RevlayerError
from revlayer_udf.manifest import Manifest
from revlayer_udf.registry import Metric, Model, ReliabilityBin

Floats = NDArray[np.float64]
SPLIT = "later"


class NothingLaterError(RevlayerError):
    """No label became known since the model was trained, or there is no telling which."""


@dataclass
class LaterEvaluation:
    """What later labels say of a model.

    Attributes:
        trained_through: nothing known later was learnt from.
        cutoff: labels known by then.
        entity_count: different customers among the rows; None where nobody counted.
        first_date: first as-of date of the rows.
        notes: sentences on the figures.
    """

    model_version: str
    target: str
    trained_through: date
    cutoff: date
    row_count: int
    entity_count: int | None
    first_date: date
    notes: list[str] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    reliability: list[ReliabilityBin] = field(default_factory=list)


def trained_through(manifest: Manifest) -> date:
    """Return the day after which labels are news to a model.

    Raises:
        NothingLaterError: it learnt from data without dates.
    """
    if manifest.trained_through_date is None:
        raise NothingLaterError(
            f"{manifest.model_version} learnt from data without dates, so no label is known to be later",
            "Its figures of cross-validation: revlayer models show " + manifest.model_version,
        )
    return manifest.trained_through_date


def evaluate_customers(conn: psycopg.Connection, model: Model, cutoff: date) -> LaterEvaluation:
    """Evaluate a model of customers.

    Args:
        cutoff: labels that became known later are not looked at.

    Raises:
        NothingLaterError: no label became known after it was trained.
        RevlayerError: the features it needs are not there.
    """
    evaluate = EVALUATED[model.manifest.target]
    return evaluate(model, load_customers(conn, cutoff), cutoff)


def evaluate_churn(model: Model, data: CustomerDataset, cutoff: date) -> LaterEvaluation:
    """Evaluate churn probabilities and their tiers."""
    rows = ChurnRows.of(data).known_by(np.datetime64(cutoff, "D"))
    later, before = _parts(model.manifest, rows.known_on, rows.is_known, cutoff)
    made = _described(model.manifest, data, later, cutoff)
    y, held, segments = rows.y[later], data.take(later), data.segments.take(later)
    predictions = {MODEL: _scores(model, held, OUTPUT)}
    if before.any():
        predictions |= {name: p[later] for name, p in baselines(rows, before).items()}
    for name, p in predictions.items():
        made.metrics += evaluation.by_segment(SPLIT, name, segments, _probabilities(y, p))
        made.reliability += evaluation.reliability_table(SPLIT, name, segments, y, p)
    since = rows.take(later)
    made.metrics += [*active_metrics(SPLIT, since, predictions), *kind_metrics(SPLIT, since, predictions)]
    made.reliability += kind_reliability(SPLIT, since, predictions)
    tiers = KindTiers.of_manifest(model.manifest.extra, since.kinds)
    if tiers is not None:
        made.metrics += kind_tier_metrics(SPLIT, since, tiers, predictions[MODEL])
    return made


def evaluate_value(model: Model, data: CustomerDataset, cutoff: date) -> LaterEvaluation:
    """Evaluate values and their interval."""
    known = np.isfinite(data.forward_revenue) & (data.value_known_on <= np.datetime64(cutoff, "D"))
    later, before = _parts(model.manifest, data.value_known_on, known, cutoff)
    days, horizon = int(np.min(data.value_known_on[later] - data.as_of[later]).astype(int)), _horizon(model.manifest)
    if horizon != days:
        raise NothingLaterError(
            f"{model.manifest.model_version} forecasts {horizon} days, labels are of {days}",
            "Set customer_value_window_days to its horizon, and build the features again.",
        )
    made = _described(model.manifest, data, later, cutoff)
    held, revenue, segments = data.take(later), data.forward_revenue[later], data.segments.take(later)
    predictions = {
        MODEL: _scores(model, held, "value"), SIMPLE: simple_formula(held, days), ZERO: np.zeros(len(held)),
    }  # fmt: skip
    if before.any():
        formula = FormulaValue.fit(data.take(before), data.forward_revenue[before], days)
        predictions["scaled_simple_formula"] = formula.predict(held)["value"]
    low, high = (_scores(model, held, name) for name in ("value_p10", "value_p90"))
    for name, values in predictions.items():

        def figures(rows: Mask, name: str = name, values: Floats = values) -> dict[str, float | None]:
            found = value_metrics(revenue[rows], values[rows])
            if name == MODEL:
                found["coverage_80"] = evaluation.interval_coverage(revenue[rows], low[rows], high[rows])
            return found

        made.metrics += evaluation.by_segment(SPLIT, name, segments, figures)
    return made


def evaluate_expansion(model: Model, data: CustomerDataset, cutoff: date) -> LaterEvaluation:
    """Evaluate probabilities of growth and what they are expected to bring, beside the rates known before."""
    known = np.isfinite(data.is_expanded) & (data.expansion_known_on <= np.datetime64(cutoff, "D"))
    later, before = _parts(model.manifest, data.expansion_known_on, known, cutoff)
    made = _described(model.manifest, data, later, cutoff)
    held, segments = data.take(later), data.segments.take(later)
    predictions = {MODEL: {name: _scores(model, held, name) for name in GROWTH_OUTPUTS}}
    if before.any():
        predictions |= growth_baselines(data, before, held)
    for name, found in predictions.items():
        probability = found[GROWTH_OUTPUTS[0]]
        made.metrics += evaluation.by_segment(SPLIT, name, segments, growth_figures(held, found))
        made.reliability += evaluation.reliability_table(SPLIT, name, segments, held.is_expanded, probability)
    return made


EVALUATED: dict[str, Callable[[Model, CustomerDataset, date], LaterEvaluation]] = {
    "customer_churn": evaluate_churn,
    "customer_value": evaluate_value,
    "customer_expansion": evaluate_expansion,
}


def _parts(manifest: Manifest, known_on: NDArray[np.datetime64], known: Mask, cutoff: date) -> tuple[Mask, Mask]:
    """Return the rows whose label is news to the model, and those whose label it could have known."""
    end = trained_through(manifest)
    later = known & (known_on > np.datetime64(end, "D"))
    if not later.any():
        raise NothingLaterError(
            f"no label became known between {end}, through which {manifest.model_version} was trained, and {cutoff}",
            "Load later data and build features of a later day: revlayer run. A label needs its window to pass."
            " Or train a model as of an earlier day and evaluate that: revlayer train TARGET --as-of DAY.",
        )
    return later, known & ~later


def _described(manifest: Manifest, data: Features, later: Mask, cutoff: date) -> LaterEvaluation:
    dates = data.as_of[later]
    return LaterEvaluation(
        manifest.model_version, manifest.target, trained_through(manifest), cutoff, int(later.sum()),
        len(np.unique(data.entity[later])), dates.min().astype(object),
    )  # fmt: skip


def _scores(model: Model, data: Features, output: str) -> Floats:
    manifest = model.manifest
    missing = [name for name in manifest.numbers if name not in data.numbers]
    missing += [name for name in manifest.texts if name not in data.texts]
    if missing:
        raise RevlayerError(
            f"features.ftr_customers has no {', '.join(missing)}, which {manifest.model_version} needs",
            "Build the features of the version it was trained with, or train again.",
        )
    found = score(model.artefact, manifest.numbers, manifest.texts, [output], data)
    return found[output][:, 0].astype(np.float64)


def _horizon(manifest: Manifest) -> int:
    days: Any = manifest.extra.get("horizon_days", manifest.label_horizon_days)
    return int(days)


def _probabilities(y: Floats, p: Floats) -> Callable[[Mask], Mapping[str, float | None]]:
    return lambda rows: evaluation.probability_metrics(y[rows], p[rows])
