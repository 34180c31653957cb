"""Churn from labelled snapshots that a team has made itself.

Snapshots of several dates are trained on in time like a company's own history. Those of one date show nothing of later
customers: they are evaluated by stratified, repeated folds, duplicates on one side of each, and what is learnt is kept
as a candidate that never serves.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from psycopg import sql
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from revlayer_training.churn import COMPANY, TARGET, WORDS, fit_in_time, time_split
from revlayer_training.churn_figures import tier_metrics
from revlayer_training.churn_model import OUTPUT, ChurnModel, fit_in_folds
from revlayer_training.churn_rows import ChurnRows
from revlayer_training.cross_validation import SPLIT, Crossed, cross_validate
from revlayer_training.export import check_parity
from revlayer_training.feature_choice import choose_features, with_features
from revlayer_training.features import Days, Features, days_of, feature_columns
from revlayer_training.ladder import FEWEST_FOR_SHRINKAGE, Decision, SegmentRate, reachable_rung, serve
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome
from revlayer_training.probability import rate_artefact
from revlayer_training.splits import Mask, duplicate_groups, stratified_folds
from revlayer_training.tiers import Tiers
from revlayer_udf import queries
from revlayer_udf.errors import FeatureError
from revlayer_udf.frames import read_table
from revlayer_udf.targets import CUSTOMER, Entity

Floats = NDArray[np.float64]
RELATION = "features.ftr_customer_snapshots"
SNAPSHOT = Entity("customer", RELATION, RELATION, "no snapshot")
FOLDS, REPEATS = 5, 3
# From so many rows on, one repeat tells as much.
MANY_ROWS = 20_000
# Columns that are no features.
_ABOUT = ("snapshot_id", "customer_id", "source_name", "as_of_date", "known_on", "is_churned", "label_known_on")


@dataclass(frozen=True)
class SnapshotDataset(Features):
    """Labelled snapshots, columns of equal length N.

    Attributes:
        is_churned: 1 or 0, NaN while it is not known.
        label_known_on: from when it is known; NaT while it is not.
        own_features: further features, which need not be what features.ftr_customers has of that name.
    """

    is_churned: Floats
    label_known_on: Days
    own_features: tuple[str, ...] = ()

    @property
    def rows(self) -> ChurnRows:
        """Rows with their label; of a snapshot nobody says whether it has a contract."""
        return ChurnRows(self, self.is_churned, self.label_known_on, np.zeros(len(self), bool), False)


def load_snapshots(conn: psycopg.Connection, cutoff: date) -> SnapshotDataset | None:
    """Read what was known by the cutoff; None where nothing was imported."""
    statements = queries.load("revlayer_training", "queries/snapshots.sql")
    found = conn.execute(statements["exists"]).fetchone()
    if found is None or not found[0]:
        return None
    types: dict[str, str] = dict(conn.execute(statements["columns"]).fetchall())
    names = [name for name in types if name not in _ABOUT]
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL(statements["snapshots"]).format(columns=listed)
    table = read_table(conn, query, {"cutoff": cutoff})
    return from_arrow(table, read_table(conn, sql.SQL(statements["features"]))) if len(table) else None


def from_arrow(snapshots: pa.Table, features: pa.Table) -> SnapshotDataset:
    """Put further features beside the columns that every snapshot has.

    Args:
        snapshots: as the query ``snapshots`` selects them.
        features: as ``features`` selects them; a feature with any text is a text.

    Raises:
        FeatureError: float32 cannot hold a number feature, or one is called as a column that is none.
    """
    if taken := sorted({*_ABOUT, "segment_id"} & set(features["feature_name"].to_pylist())):
        raise FeatureError(
            f"a feature of customer snapshots is called {taken[0]}, as every row has that",
            "Give it another name in raw.customer_snapshot_features, and build the features again.",
        )
    columns = [name for name in snapshots.column_names if name not in _ABOUT]
    places = {name: place for place, name in enumerate(snapshots["snapshot_id"].to_pylist())}
    wide, own = snapshots, []
    for name in sorted(set(features["feature_name"].to_pylist()) - set(columns)):
        part = features.filter(pc.equal(features["feature_name"], name))
        is_text = part["text_value"].null_count < len(part)
        values = [None] * len(snapshots)
        of = (part["snapshot_id"].to_pylist(), part["text_value" if is_text else "number_value"].to_pylist())
        for snapshot, value in zip(*of, strict=True):
            if snapshot in places:
                values[places[snapshot]] = value
        wide = wide.append_column(name, pa.array(values, pa.string() if is_text else pa.float64()))
        own.append(name)
    texts = tuple(name for name in (*columns, *own) if pa.types.is_string(wide[name].type))
    numbers = tuple(name for name in (*columns, *own) if name not in texts)
    segment = wide["region"] if "region" in columns else pa.nulls(len(wide), pa.string())
    wide = wide.append_column("segment_id", segment)
    return SnapshotDataset(
        **feature_columns(wide, "customer_id", numbers, texts, ("segment_id",)),
        is_churned=np.asarray(wide["is_churned"].to_numpy(), np.float64),
        label_known_on=days_of(wide["label_known_on"]),
        own_features=tuple(own),
    )


def fit_snapshots(data: SnapshotDataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit in time where the dates allow, else by folds.

    Raises:
        NothingToLearnError: no label is known.
    """
    rows = data.rows.known_by(np.datetime64(cutoff, "D"))
    if not rows.is_known.any():
        raise NothingToLearnError(f"no label of a customer snapshot is known by {cutoff}", "Import some with labels.")
    if time_split(rows, cutoff) is None:
        return fit_without_dates(data.take(rows.is_known), seed)
    outcome = fit_in_time(rows, cutoff, seed)
    own = sorted({*outcome.served.numbers, *outcome.served.texts} & set(data.own_features))
    # Customers are scored from features.ftr_customers, and only the nine columns are agreed to mean the same there.
    outcome.entity = SNAPSHOT if own else CUSTOMER
    if own:
        outcome.notes.append(
            f"customers are not scored by {', '.join(own)} of the snapshots: the model stays a candidate"
        )
    return outcome


def fit_without_dates(data: SnapshotDataset, seed: int = 1, repeats: int | None = None) -> Outcome:
    """Evaluate by grouped, stratified, repeated 5-fold cross-validation, then fit on all rows.

    The figures are those of the procedure; the artefact is fitted once more on everything.
    """
    y = data.is_churned
    groups = belonging(data)
    prior = rate_artefact(SegmentRate.prior(y), OUTPUT)
    prior.extra.update(Tiers().extra)
    different, customers = len(np.unique(groups)), len(np.unique(data.entity))
    duplicates = len(y) - different
    notes = [f"{len(y):,} snapshots of one time, {duplicates:,} of them repeat another, kept in one fold"]
    left = len(np.unique(data.entity[y > 0]))
    reach = reachable_rung(customers, left, 1, True, WORDS)
    outcome = Outcome(TARGET, prior, COMPANY, reach, 0, is_temporal_evidence=False, entity=SNAPSHOT, notes=notes)
    if reach.rung != "model" or different < FEWEST_FOR_SHRINKAGE or not choose_features(data, y, seed):
        few = f"{len(y)} snapshots of one time, {left} of customers who left, are too few or too alike for a model"
        outcome.decision = Decision("prior", few)
        return outcome
    crossed, _ = cross(data, y, groups, seed, repeats or (REPEATS if len(y) < MANY_ROWS else 1))
    model, artefact_data = _fit(data, y, groups, seed)
    outcome.model = model.artefact(artefact_data)
    outcome.model.extra.update(check_parity(outcome.model, data))
    verdict = serve(crossed.compare(COMPANY, groups), "prior", outcome.model.algorithm, "overall rate", WORDS[0])
    is_better = "better" if verdict.rung == "model" else "no better"
    compared = f"{outcome.model.algorithm} is {is_better} than the overall rate in cross-validation"
    outcome.decision = Decision("model", f"{compared}, but without dates there is no evidence on later customers")
    crossed.record(outcome, len(y))
    outcome.metrics += tier_metrics(SPLIT, model.tiers, crossed.predictions[MODEL], crossed.truth)
    return outcome


def cross(
    data: SnapshotDataset, y: Floats, groups: NDArray[np.int64], seed: int = 1, repeats: int = REPEATS
) -> tuple[Crossed, list[Tiers]]:
    """Predict every row by models that saw neither it nor one that belongs with it; return each fold's tiers as well.

    Features, penalties, calibration and tiers are all chosen inside the fold.
    """
    tiers: list[Tiers] = []

    def predict(fit: Mask, held: Mask) -> dict[str, Floats]:
        fitted, _ = _fit(data.take(fit), y[fit], groups[fit], seed)
        tiers.append(fitted.tiers)
        rest = data.take(held)
        return {MODEL: fitted.predict(rest), COMPANY: SegmentRate.prior(y[fit]).predict(rest.segments)}

    return cross_validate(y, stratified_folds(groups, y, FOLDS, repeats, seed), predict), tiers


def belonging(data: Features) -> NDArray[np.int64]:
    """Number the rows so that those of one customer, and exact duplicates of each other, share a number."""
    numbers = [data.numbers[name].astype(object) for name in data.number_features]
    for column in numbers:
        column[column != column] = None  # NaN, which equals nothing
    twins = duplicate_groups(*numbers, *(data.texts[name].values() for name in data.text_features))
    count = max(int(twins.max(initial=0)), int(data.entity.max(initial=0))) + 1
    # A graph of customers and contents, joined by rows.
    edges = coo_matrix((np.ones(len(data)), (data.entity, count + twins)), shape=(2 * count, 2 * count))
    _, component = connected_components(edges, directed=False)
    return np.asarray(component[data.entity], np.int64)


def _fit(data: SnapshotDataset, y: Floats, groups: NDArray[np.int64], seed: int) -> tuple[ChurnModel, SnapshotDataset]:
    chosen = with_features(data, choose_features(data, y, seed))
    return fit_in_folds(chosen, y, groups, seed), chosen
