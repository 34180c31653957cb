"""Low, medium and high: from which probability on a customer belongs to a tier, each kind of customer by its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAMES = ("low", "medium", "high")
DEFAULTS = (0.4, 0.7)
# Shares of the validation rows below medium and below high.
QUANTILES = (0.7, 0.9)
FEWEST_ROWS, FEWEST_OF_EACH_CLASS = 200, 20


@dataclass(frozen=True)
class Tiers:
    """Below ``medium_from`` is low, from ``high_from`` on high; medium_from < high_from.

    Attributes:
        source: where the thresholds come from, in words.
    """

    medium_from: float = DEFAULTS[0]
    high_from: float = DEFAULTS[1]
    source: str = "defaults"

    @classmethod
    def fit(cls, p: Floats, y: Floats) -> "Tiers":
        """Take quantiles of the predictions for rows that the model was not fitted on.

        The defaults stay where there are few rows, where predictions hardly differ, or where what happened to the
        tiers does not rise with them.

        Args:
            p, y: predictions and 0/1 labels [N].
        """
        if len(y) < FEWEST_ROWS or min(y.sum(), len(y) - y.sum()) < FEWEST_OF_EACH_CLASS:
            return cls()
        medium, high = (float(value) for value in np.quantile(p, QUANTILES, method="higher"))
        if not float(p.min()) < medium < high:
            return cls()
        found = cls(medium, high, "quantiles {:g} and {:g} of validation".format(*QUANTILES))
        rates = found.observed(p, y)
        return found if rates["low"] < rates["medium"] < rates["high"] else cls()

    def of(self, p: Floats) -> NDArray[np.int64]:
        """Return 0 for low, 1 for medium, 2 for high, [N]."""
        return np.digitize(p, [self.medium_from, self.high_from]).astype(np.int64)

    def observed(self, p: Floats, y: Floats) -> dict[str, float]:
        """Return the observed rate of each tier; NaN of one without rows."""
        tier = self.of(p)
        return {name: float(y[tier == i].mean()) if (tier == i).any() else float("nan") for i, name in enumerate(NAMES)}

    @property
    def extra(self) -> dict[str, object]:
        """What the manifest holds."""
        thresholds = {"medium_from": self.medium_from, "high_from": self.high_from}
        return {"tiers": thresholds, "tiers_source": self.source}


@dataclass(frozen=True)
class KindTiers:
    """Thresholds by kind of customer; a kind that is not there has the defaults."""

    by_kind: Mapping[str, Tiers]

    @classmethod
    def of_manifest(cls, extra: Mapping[str, Any], kinds: Iterable[str]) -> "KindTiers | None":
        """Read what a manifest holds: thresholds by kind, or one pair for every kind; None where there are none.

        Args:
            extra: of the manifest.
            kinds: that are asked for.
        """
        held = extra.get("tiers")
        if not isinstance(held, Mapping) or not held:
            return None
        every = _thresholds(held)
        own = {kind: _thresholds(held.get(kind)) or every for kind in kinds}
        return cls({kind: tiers for kind, tiers in own.items() if tiers})

    def of(self, p: Floats, masks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
        """Return 0 for low, 1 for medium, 2 for high, [N].

        Args:
            masks: rows of each kind, [N]; every row is of one.
        """
        found = np.zeros(len(p), np.int64)
        for kind, rows in masks.items():
            found[rows] = self.by_kind.get(kind, Tiers()).of(p[rows])
        return found

    @property
    def extra(self) -> dict[str, object]:
        """What the manifest holds."""
        made = {kind: tiers.extra for kind, tiers in self.by_kind.items()}
        return {name: {kind: found[name] for kind, found in made.items()} for name in ("tiers", "tiers_source")}


def _thresholds(held: object) -> Tiers | None:
    if not isinstance(held, Mapping):
        return None
    match held.get("medium_from"), held.get("high_from"):
        case (float() | int()) as medium, (float() | int()) as high if medium < high:
            return Tiers(float(medium), float(high))
    return None
