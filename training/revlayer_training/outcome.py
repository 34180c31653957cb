"""What fitting one target came to: artefacts, evaluation and decision, before anything is registered."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from revlayer_training.datasets import Dataset
from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.ladder import Decision
from revlayer_training.splits import Horizon, Mask, TimeSplit
from revlayer_udf.errors import RevlayerError
from revlayer_udf.registry import Metric, ReliabilityBin
from revlayer_udf.targets import DEAL, Entity

MODEL = "model"


class NothingToLearnError(RevlayerError):
    """No outcome is known yet that a target could be learnt from."""


@dataclass(frozen=True)
class Split:
    """One split in figures."""

    name: str
    first_date: date
    last_date: date
    row_count: int
    entity_count: int


@dataclass
class Outcome:
    """One target, fitted and evaluated.

    Attributes:
        fallback: the rung below the model; always there.
        model: None where the data do not carry one.
        judged: the model as it was judged, where ``model`` is the same fitted again with the test period; else None.
        fallback_predictor: the fallback's name among the predictors of ``metrics``.
        decision: which of the two serves and why.
        is_temporal_evidence: False for data without times.
        entity: what is scored.
    """

    target: str
    fallback: Artefact
    fallback_predictor: str
    decision: Decision
    horizon_days: int
    model: Artefact | None = None
    judged: Artefact | None = None
    is_temporal_evidence: bool = True
    entity: Entity = DEAL
    notes: list[str] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    reliability: list[ReliabilityBin] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def served(self) -> Artefact:
        """The artefact that the decision names."""
        return self.model if self.model is not None and self.decision.rung == "model" else self.fallback

    @property
    def split_extents(self) -> dict[str, dict[str, str | int]]:
        """Dates and counts of each split, as manifests hold them."""
        return {
            split.name: {
                "first_date": split.first_date.isoformat(),
                "last_date": split.last_date.isoformat(),
                "row_count": split.row_count,
                "entity_count": split.entity_count,
            }
            for split in self.splits
        }

    def value(self, metric: str, predictor: str = MODEL, split: str = "test", segment: str = "(all)") -> float | None:
        """Look up one figure; None where it was not computed."""
        for row in self.metrics:
            if (row.metric, row.predictor, row.split, row.segment) == (metric, predictor, split, segment):
                return row.value
        return None


def describe_splits(data: Features, masks: dict[str, Mask]) -> list[Split]:
    """Return dates and counts of each split that has rows."""
    return [
        Split(
            name,
            data.as_of[mask].min().astype(object),
            data.as_of[mask].max().astype(object),
            int(mask.sum()),
            len(np.unique(data.entity[mask])),
        )
        for name, mask in masks.items()
        if mask.any()
    ]


def masks_of(split: TimeSplit) -> dict[str, Mask]:
    """Return the split's masks by name."""
    return {"train": split.train, "validate": split.validate, "test": split.test}


def cycle_days(data: Dataset) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return days from creation to close, one value per closed deal."""
    closed = ~np.isnat(data.closed_on) & ~np.isnat(data.created_on)
    _, first = np.unique(data.entity[closed], return_index=True)
    days = (data.closed_on[closed] - data.created_on[closed])[first].astype(np.float64)
    return np.maximum(days, 0.0)


def describe_horizon(horizon: Horizon) -> str:
    """One sentence for notes."""
    return f"label horizon {horizon.note}"
