"""Contracts and shops in one artefact: each kind of customer has a model, or a rate, of its own.

The kind is read off one feature, so a model never learns it from what only the other kind has, and neither its
predictions nor its reasons are measured against customers of the other kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from revlayer_training.churn_model import OUTPUT, ChurnModel
from revlayer_training.churn_rows import CONTRACTUAL, LABELLED, NONCONTRACTUAL
from revlayer_training.export import RAW_SCORE, Artefact
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.ladder import Decision, Rung, SegmentRate
from revlayer_training.probability import rate_artefact
from revlayer_training.tiers import KindTiers, Tiers
from revlayer_udf.manifest import RUNG_OUTPUT, RUNGS

# Above 0 for contracts, as the marts have it too.
KIND_FEATURE = "plan_value"
RATES = {"prior": "overall_rate", "shrinkage": "segment_rate"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KindFit:
    """What one kind came to.

    Attributes:
        rate: the rung below the model.
        model: None where its history carries none.
        decision: which of the two serves this kind and why.
    """

    rate: SegmentRate
    decision: Decision
    model: ChurnModel | None = None

    @property
    def is_won(self) -> bool:
        """Whether the model serves."""
        return self.model is not None and self.decision.rung == "model"


@dataclass(frozen=True)
class Side:
    """What scores one kind: the model, or the rate where there is none."""

    rate: SegmentRate
    model: ChurnModel | None = None

    @property
    def tiers(self) -> Tiers:
        """Its thresholds; a rate has none of its own."""
        return Tiers() if self.model is None else self.model.tiers

    @property
    def rung(self) -> Rung:
        """Its rung of the ladder."""
        return self.rate.rung if self.model is None else "model"

    @property
    def algorithm(self) -> str:
        """Its name."""
        return RATES[self.rung] if self.model is None else self.model.model.margins.algorithm

    @property
    def constant(self) -> float:
        """Raw score of a rate, to which nothing contributes: the log-odds of the kind's rate."""
        overall = self.rate.encoder.default
        return float(np.float32(np.log(overall / (1 - overall))))

    def outputs(self, data: Features) -> tuple[Floats, Floats]:
        """Return probabilities and raw scores, each [N]."""
        if self.model is None:
            return self.rate.predict(data.segments), np.full(len(data), self.constant)
        found = self.model.model.outputs(data)
        return found[OUTPUT], found[RAW_SCORE]

    def add_nodes(self, graph: Graph) -> tuple[str, str]:
        """Return the tensors [N, 1] of both; a rate's raw score is a constant."""
        if self.model is None:
            rate = self.rate.encoder.add_nodes(graph, graph.text("segment_id"))
            return rate, graph.constant([[self.constant]])
        margin = self.model.model.margins.add_nodes(graph)
        return self.model.model.calibration.add_nodes(graph, margin), margin


def artefact_of(sides: Mapping[str, Side], data: Features) -> Artefact:
    """Export one side, or both of them with the choice between them.

    Args:
        sides: by kind; ``LABELLED`` where nobody says which kind a row is of.
        data: its features are those of the models, ``KIND_FEATURE`` among them where there are two kinds.
    """
    first = next(iter(sides.values()))
    if len(sides) > 1:
        made = _both(sides, data)
    else:
        made = rate_artefact(first.rate, OUTPUT) if first.model is None else first.model.artefact(data)
    tiers = {kind: side.tiers for kind, side in sides.items()}
    made.extra.update(first.tiers.extra if LABELLED in sides else KindTiers(tiers).extra)
    return made


def is_contract(data: Features) -> NDArray[np.bool_]:
    """Return which rows the artefact scores as contracts, [N]."""
    return np.asarray(np.nan_to_num(data.numbers[KIND_FEATURE]) > 0)


def _both(sides: Mapping[str, Side], data: Features) -> Artefact:
    kinds = (CONTRACTUAL, NONCONTRACTUAL)
    contract, other = (sides[kind] for kind in kinds)
    has_model = contract.model is not None or other.model is not None
    numbers, texts = (data.number_features, data.text_features) if has_model else ((KIND_FEATURE,), ())
    texts = (*texts, "segment_id") if contract.model is None or other.model is None else texts
    graph = Graph(numbers, texts)
    condition = graph.add("Greater", graph.number(KIND_FEATURE), graph.constant([[0.0]]))
    probabilities, raws = zip(contract.add_nodes(graph), other.add_nodes(graph), strict=True)
    outputs = {OUTPUT: (graph.add("Where", condition, *probabilities), 1)}
    if has_model:
        outputs[RAW_SCORE] = (graph.add("Where", condition, *raws), 1)
    if contract.rung != other.rung:
        rungs = (graph.constant([[RUNGS.index(side.rung)]], np.int64) for side in (contract, other))
        outputs[RUNG_OUTPUT] = (graph.add("Where", condition, *rungs), 1)

    def predict(rows: Features) -> dict[str, Floats]:
        contracts = is_contract(rows)
        found = [np.where(contracts, *pair) for pair in zip(contract.outputs(rows), other.outputs(rows), strict=True)]
        places = np.where(contracts, RUNGS.index(contract.rung), RUNGS.index(other.rung))
        every = {OUTPUT: found[0], RAW_SCORE: found[1], RUNG_OUTPUT: places}
        return {name: every[name] for name in outputs}

    extra: dict[str, Any] = {"rungs": {kind: sides[kind].rung for kind in kinds}}
    if has_model:
        extra["calibration"] = {kind: m.model.calibration.name for kind in kinds if (m := sides[kind].model)}
    return Artefact(
        graph.serialize(outputs, integers={RUNG_OUTPUT}), predict,
        ", ".join(f"{kind}: {sides[kind].algorithm}" for kind in kinds),
        max((contract.rung, other.rung), key=RUNGS.index), numbers, texts, tuple(outputs), extra,
        RAW_SCORE if has_model else None,
    )  # fmt: skip
