"""What a churn model learns from: features of customers at past dates, and whether they had left a window later."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from revlayer_training.customers import CustomerDataset
from revlayer_training.features import Days, Features
from revlayer_training.ladder import SegmentRate
from revlayer_training.preprocessing import Texts
from revlayer_training.splits import Mask

Floats = NDArray[np.float64]
NEVER = np.datetime64("NaT", "D")
CONTRACTUAL, NONCONTRACTUAL, LABELLED = "contractual", "noncontractual", "labelled"
# Days since a sign of life: of a contract its use, of a shop a purchase, else the other one.
LIFE_SIGNS = {
    CONTRACTUAL: ("time_since_last_use_days", "days_since_last_order"),
    NONCONTRACTUAL: ("days_since_last_order", "time_since_last_use_days"),
}


@dataclass(frozen=True)
class ChurnRows:
    """Rows [N] with one label each.

    Attributes:
        y: 1 where the customer left within the window, else 0; NaN while that is not known.
        known_on: from when it is known; NaT while it is not.
        is_contractual: whether leaving means the end of recurring revenue; else it means buying nothing.
        has_kinds: False where nobody says what leaving meant, as of labelled snapshots.
    """

    data: Features
    y: Floats
    known_on: Days
    is_contractual: Mask
    has_kinds: bool = True

    @classmethod
    def of(cls, data: CustomerDataset) -> "ChurnRows":
        """Give each customer the label of its kind: of contracts where it had recurring revenue on the date.

        A window of contracts that is not over leaves the label unknown, whatever the customer has ordered since; so
        does recurring revenue without an exchange rate, by which nobody scores the customer as a contract.
        """
        plan, ended = data.numbers.get("plan_value"), np.isfinite(data.is_churned_contractual)
        pays = ended if plan is None else np.nan_to_num(plan) > 0
        return cls(
            data,
            np.where(pays, data.is_churned_contractual, np.where(ended, np.nan, data.is_churned_noncontractual)),
            np.where(pays, data.contractual_known_on, data.noncontractual_known_on),
            pays,
        )

    @property
    def is_known(self) -> Mask:
        """Rows with a label."""
        return np.isfinite(self.y)

    @property
    def kinds(self) -> dict[str, Mask]:
        """Rows of each kind that has any."""
        kinds = {CONTRACTUAL: self.is_contractual, NONCONTRACTUAL: ~self.is_contractual}
        kinds = kinds if self.has_kinds else {LABELLED: np.ones(len(self.data), bool)}
        return {kind: mask for kind, mask in kinds.items() if mask.any()}

    @property
    def windows(self) -> dict[str, int]:
        """Days after which a label is usually known, by kind."""
        known = {kind: mask & self.is_known for kind, mask in self.kinds.items()}
        days = (self.known_on - self.data.as_of).astype(np.float64)
        return {kind: int(np.median(days[rows])) for kind, rows in known.items() if rows.any()}

    @property
    def horizon(self) -> int:
        """The longest of the windows; 0 without a label."""
        return max(self.windows.values(), default=0)

    @property
    def is_active(self) -> Mask:
        """Rows whose customer had not left before: it pays, or bought something in the window up to the date."""
        days, window = self.data.numbers.get("days_since_last_order"), self.windows.get(NONCONTRACTUAL)
        if days is None or window is None:
            return np.ones(len(self.data), bool)
        return np.asarray(self.is_contractual | ~(days >= window))

    def known_by(self, cutoff: np.datetime64) -> "ChurnRows":
        """Forget the labels that became known later."""
        late = ~(self.known_on <= cutoff)
        return replace(self, y=np.where(late, np.nan, self.y), known_on=np.where(late, NEVER, self.known_on))

    def take(self, rows: Mask) -> "ChurnRows":
        """Return the rows of a mask."""
        columns = (self.y[rows], self.known_on[rows], self.is_contractual[rows])
        return ChurnRows(self.data.take(rows), *columns, self.has_kinds)

    def evidence(self, rows: Mask) -> tuple[int, int, int]:
        """Return different customers, those of them who left, and different segments among the rows."""
        customers = len(np.unique(self.data.entity[rows]))
        left = len(np.unique(self.data.entity[rows & (self.y > 0)]))
        return customers, left, len(self.data.segments.take(rows).seen())


@dataclass(frozen=True)
class InactivityRule:
    """The simplest rule there is: the rate of customers whose last sign of life is as long ago."""

    edges: dict[str, Floats]
    rate: SegmentRate

    @classmethod
    def fit(cls, rows: ChurnRows, known: Mask, bins: int = 10) -> "InactivityRule | None":
        """Fit on rows with a label; None where no customer has a sign of life."""
        edges: dict[str, Floats] = {}
        for kind, mask in _kinds(rows):
            days = _inactive_days(rows.data, kind)[mask & known]
            days = days[np.isfinite(days)]
            edges[kind] = np.unique(np.quantile(days, np.arange(1, bins) / bins)) if len(days) else np.empty(0)
        if not any(len(found) for found in edges.values()):
            return None
        rule = cls(edges, SegmentRate.prior(rows.y[known]))
        groups = rule._groups(rows).take(known)
        rate = SegmentRate.shrinkage(groups, rows.y[known], rows.data.entity[known])
        return replace(rule, rate=rate)

    def predict(self, rows: ChurnRows) -> Floats:
        """Return probabilities [N]."""
        return self.rate.predict(self._groups(rows))

    def _groups(self, rows: ChurnRows) -> Texts:
        names = np.full(len(rows.data), "", dtype=object)
        for kind, mask in _kinds(rows):
            days = _inactive_days(rows.data, kind)
            place = np.digitize(days, self.edges[kind])
            named = [f"{kind} unknown" if np.isnan(d) else f"{kind} {p}" for d, p in zip(days, place, strict=True)]
            names[mask] = np.array(named, dtype=object)[mask]
        return Texts.of(names.tolist())


def _kinds(rows: ChurnRows) -> tuple[tuple[str, Any], ...]:
    return ((CONTRACTUAL, rows.is_contractual), (NONCONTRACTUAL, ~rows.is_contractual))


def _inactive_days(data: Features, kind: str) -> Floats:
    days = np.full(len(data), np.nan)
    for name in LIFE_SIGNS[kind]:
        if name in data.numbers:
            days = np.where(np.isnan(days), data.numbers[name].astype(np.float64), days)
    return days
