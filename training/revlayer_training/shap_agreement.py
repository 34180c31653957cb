"""How often the reasons that are published agree with exact TreeSHAP: figures of each model that has reasons."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from revlayer_training.evaluation import ALL
from revlayer_training.features import Features
from revlayer_training.outcome import MODEL
from revlayer_udf.forecast.honesty import FIRST_HONEST_DATE
from revlayer_udf.manifest import Manifest
from revlayer_udf.reasons import ReasonScorer, UnexplainedError, exact_contributions
from revlayer_udf.registry import Metric

ROWS = 1000


@dataclass(frozen=True)
class Agreement:
    """Shares of rows, and the distance of the contributions.

    Attributes:
        reasons_top_1: the same feature stands first.
        reasons_top_3_as_set: the same three features, in any order.
        reasons_top_3_in_order: the same three features in the same order.
        reasons_first_in_top_3: the exact first feature is among the three.
        reasons_distance: sum of absolute differences over the sum of absolute exact contributions.
    """

    reasons_top_1: float
    reasons_top_3_as_set: float
    reasons_top_3_in_order: float
    reasons_first_in_top_3: float
    reasons_distance: float


def compare(exact: NDArray[np.floating], quick: NDArray[np.floating]) -> Agreement:
    """Compare contributions [N, F] by size; equal ones stand in the order of the features."""
    first, second = (np.argsort(-np.abs(part), axis=1, kind="stable")[:, :3] for part in (exact, quick))
    same = np.sort(first, axis=1) == np.sort(second, axis=1)
    return Agreement(
        reasons_top_1=float((first[:, 0] == second[:, 0]).mean()),
        reasons_top_3_as_set=float(same.all(axis=1).mean()),
        reasons_top_3_in_order=float((first == second).all(axis=1).mean()),
        reasons_first_in_top_3=float((first[:, :1] == second).any(axis=1).mean()),
        reasons_distance=float(np.abs(exact - quick).sum() / max(np.abs(exact).sum(), 1e-300)),
    )


def measure(artefact: bytes, manifest: Manifest, rows: pa.Table) -> Agreement | None:
    """Explain rows both ways; None where the model has no reasons."""
    try:
        quick = ReasonScorer(artefact, manifest).score(rows, ()).contributions
    except UnexplainedError:
        return None
    return compare(exact_contributions(artefact, manifest, rows)[1], quick)


def agreement_metrics(artefact: bytes, manifest: Manifest, data: Features) -> list[Metric]:
    """Measure on up to 1,000 rows of the test period, evenly spread; none without rows or reasons."""
    splits: Any = manifest.extra.get("splits", {})
    first = splits.get("test", {}).get("first_date", manifest.extra.get(FIRST_HONEST_DATE, "0001-01-01"))
    held = np.flatnonzero(data.as_of >= np.datetime64(str(first)))
    if not len(held):
        return []
    chosen = np.zeros(len(data), bool)
    chosen[held[np.linspace(0, len(held) - 1, min(len(held), ROWS)).astype(np.int64)]] = True
    found = measure(artefact, manifest, frame(data.take(chosen), manifest))
    figures: Mapping[str, float] = {} if found is None else asdict(found)
    return [Metric("test", MODEL, ALL, name, value, int(chosen.sum())) for name, value in figures.items()]


def frame(data: Features, manifest: Manifest) -> pa.Table:
    """Return a dataset's features as the table that a scorer reads; NaN and '' are null."""
    columns = {name: pa.array(data.numbers[name], from_pandas=True) for name in manifest.numbers}
    for name in manifest.texts:
        column = data.texts[name]
        names = pa.array([text or None for text in column.names], pa.string())
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(column.codes), names).cast(pa.string())
    return pa.table(columns)
