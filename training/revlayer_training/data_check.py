"""What there is to learn from, before anything is trained: rows, labels, and what is wrong with features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.churn import kinds_of, reachable, time_split
from revlayer_training.churn_rows import LABELLED, NEVER, ChurnRows
from revlayer_training.churn_snapshots import SnapshotDataset, load_snapshots
from revlayer_training.customers import CustomerDataset, load_customers
from revlayer_training.feature_choice import differing
from revlayer_training.features import Features
from revlayer_training.preprocessing import TextEncoder, Texts
from revlayer_training.splits import Mask

Floats = NDArray[np.float64]
Level = Literal["error", "warning", "note"]
# A single feature that tells the label nearly alone as a rule was written after it.
LEAK_AUC = 0.97
MOSTLY_MISSING = 0.95
FEWEST_TO_SUSPECT = 20


class Finding(NamedTuple):
    """Something to know: an error makes a model wrong or impossible, a warning weaker."""

    level: Level
    text: str


class DateRow(NamedTuple):
    """Rows of one as-of date: how many labels are known, and their mean."""

    as_of: date
    row_count: int
    known_count: int
    label_rate: float | None


class FeatureRow(NamedTuple):
    """One feature: what of it is missing, its different values, and how well it tells the label alone (0.5: not).

    Attributes:
        auc_by_kind: AUC among the rows of each kind with known labels. Pooled, a feature would be worth what it says
            of the kind.
    """

    name: str
    missing_rate: float
    value_count: int
    auc_by_kind: dict[str, float | None]

    @property
    def auc_alone(self) -> float | None:
        """How well it tells the label in the kind where it tells most."""
        return max((value for value in self.auc_by_kind.values() if value is not None), default=None)


@dataclass(frozen=True)
class DataCheck:
    """Everything that was found.

    Attributes:
        source: the relation the rows are of.
        features: in the order of how well they tell the label alone.
        is_trainable: no finding is an error.
    """

    target: str
    source: str
    row_count: int
    customer_count: int
    findings: tuple[Finding, ...]
    dates: tuple[DateRow, ...]
    features: tuple[FeatureRow, ...]

    @property
    def is_trainable(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.level != "error" for finding in self.findings)


def check_target(conn: psycopg.Connection, target: str, cutoff: date, max_rows: int | None = None) -> DataCheck:
    """Check what a target would be trained on; nothing is trained.

    Args:
        target: one of ``CHECKED``.
        cutoff: nothing that became known after this day is looked at.
    """
    data = load_customers(conn, cutoff, max_rows=max_rows)
    rows = CHECKED[target](data).known_by(np.datetime64(cutoff, "D"))
    if target == "customer_churn" and not rows.is_known.any():
        snapshots = load_snapshots(conn, cutoff)
        if snapshots is not None and len(snapshots):
            known = snapshots.rows.known_by(np.datetime64(cutoff, "D"))
            return check_rows(target, "features.ftr_customer_snapshots", known, cutoff)
    return check_rows(target, "features.ftr_customers", rows, cutoff)


def check_rows(target: str, source: str, rows: ChurnRows, cutoff: date) -> DataCheck:
    """Check rows whose labels known later than the cutoff are forgotten."""
    data, known = rows.data, rows.is_known
    kinds = kinds_of(rows) if known.any() else {LABELLED: known}
    features = _features(data, rows.y, {kind: mask & known for kind, mask in kinds.items()})
    findings = [*_labels(rows, cutoff), *_duplicates(data), *_about(features, data, known), *_segments(rows)]
    dates = tuple(
        DateRow(day.astype(object), int(of.sum()), int((of & known).sum()), _mean(rows.y[of & known]))
        for day in np.unique(data.as_of)
        for of in [data.as_of == day]
    )
    order = sorted(features, key=lambda row: (-(row.auc_alone or 0.0), row.name))
    customers = len(np.unique(data.entity))
    return DataCheck(target, source, len(data), customers, tuple(findings), dates, tuple(order))


def _value_rows(data: CustomerDataset) -> ChurnRows:
    """The label that matters most of a value: whether there is any."""
    known = np.isfinite(data.forward_revenue)
    spends = np.where(known, data.forward_revenue > 0, np.nan)
    return ChurnRows(data, spends, np.where(known, data.value_known_on, NEVER), np.zeros(len(data), bool), False)


def _expansion_rows(data: CustomerDataset) -> ChurnRows:
    return ChurnRows(data, data.is_expanded, data.expansion_known_on, np.ones(len(data), bool), False)


CHECKED: dict[str, Callable[[CustomerDataset], ChurnRows]] = {
    "customer_churn": ChurnRows.of,
    "customer_value": _value_rows,
    "customer_expansion": _expansion_rows,
}


def _labels(rows: ChurnRows, cutoff: date) -> list[Finding]:
    known = rows.is_known
    if not len(rows.data):
        return [Finding("error", "no customer has features yet: build them with revlayer run (data come before that)")]
    if not known.any():
        return [Finding("error", f"no label is known by {cutoff}: no window has ended, or no customer has one")]
    found = [Finding("note", f"{int((~known).sum()):,} of {len(known):,} rows have no label that is known by {cutoff}")]
    for kind, days in rows.windows.items():
        mask = known & rows.kinds[kind]
        rate = rows.y[mask].mean()
        found.append(Finding("note", f"{int(mask.sum()):,} {kind} rows, known after {days} days, {rate:.1%} are 1"))
    if len(np.unique(rows.y[known])) == 1:
        found.append(Finding("error", f"every known label is {rows.y[known][0]:.0f}: there is nothing to tell apart"))
        return found
    if isinstance(rows.data, SnapshotDataset) and time_split(rows, cutoff) is None:
        found.append(
            Finding("warning", "snapshots of one time: a model is judged by folds only, and stays a candidate")
        )
        return found
    reach = reachable(rows, cutoff)
    for kind, decision in reach.items():
        if decision.rung != "model":
            of = f" of {kind} customers" if len(reach) > 1 else ""
            found.append(Finding("warning", f"no model{of} can be reached: {decision.reason}"))
    return found


def _duplicates(data: Features) -> list[Finding]:
    if not len(data):
        return []
    days = data.as_of.astype(np.int64)
    found = []
    again = len(data) - len(np.unique(np.column_stack([data.entity, days]), axis=0))
    if again:
        found.append(Finding("error", f"{again:,} rows repeat a customer and as-of date"))
    codes = [data.texts[name].codes.astype(np.float32) for name in data.text_features]
    matrix = np.column_stack(
        [days.astype(np.float32), np.nan_to_num(data.numeric(data.number_features), nan=-9e37), *codes]
    )
    twins = len(data) - len(np.unique(np.ascontiguousarray(matrix).view(f"V{4 * matrix.shape[1]}")))
    if twins:
        share = twins / len(data)
        text = f"{twins:,} rows ({share:.1%}) equal another of their date in every feature"
        found.append(Finding("warning" if share > 0.05 else "note", text))
    return found


def _features(data: Features, y: Floats, kinds: Mapping[str, Mask]) -> list[FeatureRow]:
    rows = []
    for name in data.number_features:
        column = data.numbers[name]
        missing = np.isnan(column)
        alone = {kind: _auc(y[of], column[of].astype(np.float64)) for kind, of in kinds.items()}
        values = len(np.unique(column[~missing]))
        rows.append(FeatureRow(name, _mean(missing.astype(float)) or 0.0, values, alone))
    for name in data.text_features:
        texts = data.texts[name]
        missing = texts.values() == ""
        alone = {kind: _auc(y[of], _rates(texts.take(of), y[of])) for kind, of in kinds.items()}
        rows.append(FeatureRow(name, _mean(missing.astype(float)) or 0.0, len(texts.seen()), alone))
    return rows


def _rates(texts: Texts, y: Floats) -> Floats:
    """Rate of the category where it has rows enough; else the overall rate, since a rare one tells its own label."""
    values = TextEncoder.target(texts, y, 0.001).transform(texts).astype(np.float64)
    common = texts.counts()[texts.codes] >= FEWEST_TO_SUSPECT if len(texts) else np.zeros(0, bool)
    return np.where(common, values, y.mean() if len(y) else 0.0)


def _auc(y: Floats, column: Floats) -> float | None:
    """How well a column tells the label alone, whichever way round: by its values, or by being there at all."""
    has = ~np.isnan(column)
    found = [evaluation.auc(y, has.astype(np.float64))] if len(y) else []
    if has.sum() >= FEWEST_TO_SUSPECT:
        found.append(evaluation.auc(y[has], column[has]))
    sides = [max(value, 1 - value) for value in found if value is not None]
    return max(sides, default=None)


def _about(features: list[FeatureRow], data: Features, known: NDArray[np.bool_]) -> list[Finding]:
    found = []
    used = set(differing(data.take(known)))
    never = [row.name for row in features if row.missing_rate == 1.0]
    constant = [row.name for row in features if row.name not in used and row.missing_rate < 1.0]
    mostly = [row.name for row in features if MOSTLY_MISSING <= row.missing_rate < 1.0]
    if known.any():
        leaks = [row for row in features if row.auc_alone is not None and row.auc_alone >= LEAK_AUC]
        for row in leaks:
            text = f"{row.name} alone tells the label (AUC {row.auc_alone:.3f}): was it written after the fact?"
            found.append(Finding("error", text))
        if constant:
            found.append(Finding("note", f"constant, so left out: {', '.join(constant)}"))
        if not used:
            found.append(Finding("error", "no feature differs between customers"))
    if never:
        found.append(Finding("note", f"never known, so left out: {', '.join(never)}"))
    if mostly:
        found.append(Finding("warning", f"missing in {MOSTLY_MISSING:.0%} of rows or more: {', '.join(mostly)}"))
    return found


def _segments(rows: ChurnRows) -> list[Finding]:
    segments = rows.data.segments.take(rows.is_known)
    counts = segments.counts()
    small = [
        segments.names[code] or "(none)" for code in segments.seen() if counts[code] < evaluation.FEWEST_SEGMENT_ROWS
    ]
    if not small:
        return []
    shown = ", ".join(small[:8]) + (" …" if len(small) > 8 else "")
    return [Finding("note", f"segments under {evaluation.FEWEST_SEGMENT_ROWS} labels, without figures: {shown}")]


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
