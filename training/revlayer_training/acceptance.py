"""How close a win model comes to the simulator's truth. For simulated databases only.

Nothing in training reads ``truth``; the connection needs a login that may.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from revlayer_training import evaluation
from revlayer_training.datasets import Dataset, load_dataset
from revlayer_training.deal_win import OUTPUT, win_labels
from revlayer_training.export import score
from revlayer_training.ladder import SegmentRate
from revlayer_udf import queries, registry
from revlayer_udf.errors import RevlayerError
from revlayer_udf.forecast.honesty import JUDGED_VERSION
from revlayer_udf.frames import read_table
from revlayer_udf.registry import Model

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TruthGap:
    """Brier scores and calibration on the test period of one model version.

    Attributes:
        gap_share: (prior - model) / (prior - truth): 0 is the segment prior, 1 is the truth.
        ece: calibration error of the model against outcomes, ten bins of equal count.
    """

    model_version: str
    rung: str
    row_count: int
    brier_prior: float
    brier_crm: float
    brier_model: float
    brier_truth: float
    gap_share: float
    ece: float
    model_auc: float | None
    truth_auc: float | None

    @property
    def is_accepted(self) -> bool:
        """At least 60 % of the gap closed, better than the CRM, calibration error at most 0.03."""
        return self.gap_share >= 0.6 and self.brier_model < self.brier_crm and self.ece <= 0.03


def truth_gap(conn: psycopg.Connection, model_version: str) -> TruthGap:
    """Score the test period with the registered artefact and hold it against outcomes and truth.

    Of a version that was fitted again with its test period, the one it was judged as is measured, and named.

    Args:
        conn: may read features, scoring and truth.
        model_version: a deal_win version that was tested on later data.

    Raises:
        RevlayerError: the version has no test period, or the database holds no truth for it.
    """
    model = registry.get(conn, model_version)
    if judged := model.manifest.extra.get(JUDGED_VERSION):
        model = registry.get(conn, str(judged))
    manifest = model.manifest
    splits: Any = manifest.extra.get("splits", {})
    if "test" not in splits or manifest.trained_through_date is None or manifest.label_horizon_days is None:
        raise RevlayerError(f"{model_version} was not tested on later data", "Train on a longer history.")
    data = load_dataset(conn, manifest.trained_through_date)
    y, known_on = win_labels(data, manifest.label_horizon_days)
    train = _rows(data, splits["train"]) & (known_on <= np.datetime64(splits["validate"]["first_date"]))
    validate = _rows(data, splits["validate"]) & (known_on <= np.datetime64(splits["test"]["first_date"]))
    known_then = train | validate
    test = _rows(data, splits["test"]) & (known_on <= np.datetime64(manifest.trained_through_date))
    truth = _truth(conn, data.take(test), splits["test"])
    known = ~np.isnan(truth)
    if not known.any():
        raise RevlayerError(f"truth holds nothing of the test period of {model_version}", None)
    return _figures(
        model, data.take(known_then), y[known_then], data.take(test).take(known), y[test][known], truth[known]
    )


def _figures(model: Model, then: Dataset, y_then: Floats, test: Dataset, y: Floats, truth: Floats) -> TruthGap:
    manifest = model.manifest
    scored = score(model.artefact, manifest.numbers, manifest.texts, [OUTPUT], test)
    served = scored[OUTPUT][:, 0].astype(np.float64)
    prior = SegmentRate.shrinkage(then.segments, y_then, then.entity).predict(test.segments)
    stage = test.numbers["stage_crm_probability"].astype(np.float64)
    crm = np.where(np.isnan(stage), prior, stage)
    brier_prior, brier_truth = evaluation.brier(y, prior), evaluation.brier(y, truth)
    brier_model = evaluation.brier(y, served)
    return TruthGap(
        model_version=manifest.model_version,
        rung=manifest.rung,
        row_count=len(y),
        brier_prior=brier_prior,
        brier_crm=evaluation.brier(y, crm),
        brier_model=brier_model,
        brier_truth=brier_truth,
        gap_share=(brier_prior - brier_model) / (brier_prior - brier_truth),
        ece=evaluation.expected_calibration_error(y, served),
        model_auc=evaluation.auc(y, served),
        truth_auc=evaluation.auc(y, truth),
    )


def _rows(data: Dataset, split: dict[str, str]) -> Mask:
    first, last = (np.datetime64(date.fromisoformat(split[key])) for key in ("first_date", "last_date"))
    return np.asarray((data.as_of >= first) & (data.as_of <= last))


def _truth(conn: psycopg.Connection, test: Dataset, split: dict[str, str]) -> Floats:
    """Return the truth of each row, NaN where the simulator states none."""
    text = queries.load("revlayer_training", "queries/acceptance.sql")["truth"]
    table = read_table(conn, sql.SQL(text), {"first": split["first_date"], "last": split["last_date"]})
    days = table["as_of_date"].to_numpy().astype("datetime64[D]").astype(int).tolist()
    stated = dict(zip(zip(table["deal_id"].to_pylist(), days, strict=True),
                      table["probability"].to_pylist(), strict=True))  # fmt: skip
    asked = zip(test.entity_ids.tolist(), test.as_of.astype(int).tolist(), strict=True)
    return np.array([stated.get(key, np.nan) for key in asked])
