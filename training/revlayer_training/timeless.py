"""Win probability from closed deals without any dates: grouped, repeated cross-validation.

Such data cannot show that a model works on later deals, so what is learnt is kept as a candidate with no
temporal evidence and never serves. Exact duplicates stay on one side of every fold.
"""

import hashlib

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from revlayer_training.calibration import Platt
from revlayer_training.cross_validation import cross_validate
from revlayer_training.datasets import Dataset
from revlayer_training.deal_win import OUTPUT, TARGET, WinModel
from revlayer_training.export import check_parity
from revlayer_training.features import fingerprint
from revlayer_training.ladder import Decision, SegmentRate, serve
from revlayer_training.margins import LogisticMargin
from revlayer_training.outcome import MODEL, Outcome
from revlayer_training.preprocessing import Texts
from revlayer_training.probability import rate_artefact
from revlayer_training.splits import Mask, duplicate_groups, grouped_folds
from revlayer_udf import queries
from revlayer_udf.frames import read_table

Floats = NDArray[np.float64]
STRENGTHS = (0.01, 0.1, 1.0)
REPEATS = 5
FEWEST_ROWS = 50


def load_timeless(conn: psycopg.Connection) -> Dataset:
    """Read closed deals without dates from features.ftr_deal_attributes; empty where there are none."""
    statements = queries.load("revlayer_training", "queries/timeless.sql")
    found = conn.execute(statements["has_attributes"]).fetchone()
    if found is None or not found[0]:
        return pivot(pa.table({"deal_id": [], "attribute_name": [], "attribute_value": [], "is_won": []}))
    return pivot(read_table(conn, sql.SQL(statements["attributes"])))


def pivot(table: pa.Table) -> Dataset:
    """Turn rows of (deal, attribute, value, is_won) into one row per deal; every attribute is a text."""
    ids = np.array(sorted(set(table["deal_id"].to_pylist())), dtype=object)
    position = {deal: row for row, deal in enumerate(ids.tolist())}
    rows = [position[deal] for deal in table["deal_id"].to_pylist()]
    names = sorted(set(table["attribute_name"].to_pylist()))
    columns: dict[str, list[str | None]] = {name: [None] * len(ids) for name in names}
    won = np.zeros(len(ids), bool)
    values = zip(rows, *(table[c].to_pylist() for c in ("attribute_name", "attribute_value", "is_won")),
                 strict=True)  # fmt: skip
    for row, name, value, is_won in values:
        columns[name][row] = value
        won[row] = is_won
    texts = {name: Texts.of(column) for name, column in columns.items()}
    never = np.full(len(ids), np.datetime64("NaT", "D"))
    return Dataset(
        numbers={}, texts={**texts, "segment_id": Texts.of([""] * len(ids))},
        number_features=(), text_features=tuple(names),
        entity=np.arange(len(ids)), entity_ids=ids, as_of=never, created_on=never, closed_on=never,
        closed_known_on=never, is_won=won, won_amount=np.full(len(ids), np.nan),
        fingerprint=fingerprint(table) if len(ids) else hashlib.sha256(b"").hexdigest(),
    )  # fmt: skip


def fit_without_time(data: Dataset, seed: int = 1) -> Outcome:
    """Evaluate by grouped, repeated 5-fold cross-validation, then fit on all rows.

    The figures are those of the procedure; the artefact is fitted once more on everything.
    """
    y = data.is_won.astype(np.float64)
    groups = duplicate_groups(*(data.texts[name].values() for name in data.text_features))
    prior = SegmentRate.prior(y)
    fallback = rate_artefact(prior, OUTPUT)
    duplicates = len(y) - len(np.unique(groups))
    notes = [f"{len(y):,} closed deals without dates, {duplicates:,} of them exact duplicates, kept in one fold"]
    few = Decision("prior", f"{len(y)} deals without dates, {int(y.sum())} of them won, are too few for a model")
    outcome = Outcome(TARGET, fallback, "company_prior", few, 0, is_temporal_evidence=False, notes=notes)
    if len(y) < FEWEST_ROWS or min(y.sum(), len(y) - y.sum()) < 10:
        return outcome

    def predict(fit: Mask, held: Mask) -> dict[str, Floats]:
        fitted = WinModel(_fit(data.take(fit), y[fit], groups[fit], seed), Platt(name="none"))
        rate = SegmentRate.prior(y[fit])
        return {MODEL: fitted.predict(data.take(held)), "company_prior": rate.predict(data.segments.take(held))}

    crossed = cross_validate(y, grouped_folds(groups, repeats=REPEATS, seed=seed), predict)
    model = WinModel(_fit(data, y, groups, seed), Platt(name="none"))
    artefact = model.artefact(data)
    artefact.extra.update(check_parity(artefact, data))
    outcome.model = artefact
    verdict = serve(crossed.compare("company_prior", groups), "prior", artefact.algorithm, "overall rate")
    found = "better than the overall rate in cross-validation" if verdict.rung == "model" else (
        "no better than the overall rate in cross-validation"
    )  # fmt: skip
    outcome.decision = Decision(
        "model", f"{artefact.algorithm} is {found}, but without dates there is no evidence on later deals"
    )
    crossed.record(outcome, len(y))
    return outcome


def _fit(data: Dataset, y: Floats, groups: NDArray[np.int64], seed: int) -> LogisticMargin:
    """Choose the penalty by folds inside the rows given, then fit on them."""
    plain, losses = Platt(), dict.fromkeys(STRENGTHS, 0.0)
    for fit, held in grouped_folds(groups, folds=3, repeats=1, seed=seed):
        for strength in STRENGTHS:
            fitted = LogisticMargin.fit(data.take(fit), y[fit], strength)
            error = plain.apply(fitted.margin(data.take(held))[:, 0]) - y[held]
            losses[strength] += float(np.sum(error**2))
    return LogisticMargin.fit(data, y, min(STRENGTHS, key=lambda strength: losses[strength]))
