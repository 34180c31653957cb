"""How a registered model did on labels that became known after it was trained, whatever its target."""

from dataclasses import replace
from datetime import date

import numpy as np
import psycopg

from revlayer.errors import WrongUseError
from revlayer.own_models.evaluation import horizon_of, judge
from revlayer_training.datasets import load_dataset
from revlayer_training.export import score
from revlayer_training.later import (
    EVALUATED,
    SPLIT,
    LaterEvaluation,
    NothingLaterError,
    evaluate_customers,
    trained_through,
)
from revlayer_udf import registry
from revlayer_udf.registry import Model
from revlayer_udf.targets import DEAL, TARGETS


def evaluate(conn: psycopg.Connection, name: str, cutoff: date) -> LaterEvaluation:
    """Evaluate a model.

    Args:
        conn: of the role scorer.
        name: a target, for the model that serves it, or a version.
        cutoff: labels that became known later are not looked at.

    Raises:
        RegistryError: there is no such model.
        NothingLaterError: no label became known after it was trained.
        WrongUseError: models of its target are not evaluated here.
    """
    model = registry.find(conn, name)
    target = model.manifest.target
    if target in EVALUATED:
        return evaluate_customers(conn, model, cutoff)
    if target in TARGETS and TARGETS[target].entity is DEAL:
        return _evaluate_deals(conn, model, cutoff)
    deals = [other for other in TARGETS if TARGETS[other].entity is DEAL]
    known = ", ".join([*deals, *EVALUATED])
    raise WrongUseError(f"models of {target} cannot be evaluated on later labels yet", f"Those of {known} can.")


def _evaluate_deals(conn: psycopg.Connection, model: Model, cutoff: date) -> LaterEvaluation:
    manifest = model.manifest
    end = trained_through(manifest)
    data = load_dataset(conn, cutoff)
    later = data.as_of >= np.datetime64(end, "D")
    scored = score(model.artefact, manifest.numbers, manifest.texts, manifest.predictions, data.take(later))
    predictions = {}
    for output, values in scored.items():
        predictions[output] = np.full((len(data), values.shape[1]), np.nan)
        predictions[output][later] = values
    horizon = horizon_of(data, cutoff, manifest.label_horizon_days, None)
    judged = judge(manifest.target, data, predictions, end, cutoff, horizon, manifest.algorithm)
    if judged.test_from is None:
        raise NothingLaterError(judged.reason, "Load later data and build features of a later day: revlayer run")
    return LaterEvaluation(
        manifest.model_version, manifest.target, end, cutoff, judged.row_count, None, judged.test_from, [judged.reason],
        [replace(row, split=SPLIT) for row in judged.metrics],
        [replace(row, split=SPLIT) for row in judged.reliability],
    )  # fmt: skip
