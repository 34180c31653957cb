"""Rows into predictions: one block of features to the columns of a prediction table."""

import numpy as np
import pyarrow as pa

from revlayer_udf.copying import Block
from revlayer_udf.errors import ArtefactError
from revlayer_udf.manifest import RUNG_OUTPUT
from revlayer_udf.reasons import Explained, ReasonScorer, UnexplainedError
from revlayer_udf.registry import Model
from revlayer_udf.runtime import Inputs, Scorer, refuse_rows
from revlayer_udf.streaming import as_inputs
from revlayer_udf.targets import TARGETS

REASONS = 3


class TargetScorer:
    """Makes the prediction columns of a target with its model; threads may share it.

    Args:
        model: manifest and artefact.
        target: one of ``TARGETS``.
        reasons: with the largest contributions of every row, where the model's raw score can be split.

    Attributes:
        has_reasons: whether the columns hold reasons.

    Raises:
        ArtefactError: see ``Scorer``; or an output that the target needs is missing.
    """

    def __init__(self, model: Model, target: str, *, reasons: bool = True) -> None:
        self.manifest = model.manifest
        self._target = TARGETS[target]
        self._scorer = _load(model, reasons and self._target.has_reasons)
        self.has_reasons = isinstance(self._scorer, ReasonScorer)
        missing = set(self._target.outputs) - set(self.manifest.outputs)
        if missing:
            names = ", ".join(sorted(missing))
            raise ArtefactError(f"{self.manifest.model_version} does not return {names}", "Run: revlayer train")

    @property
    def numbers(self) -> tuple[str, ...]:
        """Number columns that are described by the statistics of a run."""
        return (*self._target.numbers, *(("raw_score",) if self.has_reasons else ()))

    def __call__(self, block: Block) -> pa.RecordBatch:
        """Return what ``predict`` does."""
        return self.predict(as_inputs(block))

    def predict(self, batch: Inputs) -> pa.RecordBatch:
        """Score rows into columns of the prediction table; ids, dates, version and hash are left out.

        Raises:
            PredictionError: see ``Scorer.score``; or a prediction outside its bounds.
            ArtefactError: an output is wider or narrower than the table.
        """
        scored = self._scorer.score(batch)
        outputs = scored.outputs if isinstance(scored, Explained) else scored
        self._check(outputs, batch)
        columns = {name: pa.array(np.ascontiguousarray(v)) for name, v in self._target.columns(outputs).items()}
        columns["rung"] = _rungs(outputs, self.manifest.rung, batch.num_rows)
        if isinstance(scored, Explained):
            columns["raw_score"] = pa.array(scored.raw_score)
            columns["base_score"] = pa.array(np.ascontiguousarray(scored.base_score))
            columns |= scored.top(REASONS).columns()
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _check(self, outputs: dict[str, np.ndarray], batch: Inputs) -> None:
        for name, width in self._target.outputs.items():
            if outputs[name].shape[1] != width:
                raise ArtefactError(
                    f"{self.manifest.model_version}: {name} has {outputs[name].shape[1]} columns, not {width}",
                    "Run: revlayer train",
                )
        for reason, rows in self._target.refusals(outputs).items():
            if rows.any():
                refuse_rows(self.manifest, batch, rows, reason)


def _load(model: Model, reasons: bool) -> Scorer | ReasonScorer:
    if reasons:
        try:
            return ReasonScorer(model.artefact, model.manifest)
        except UnexplainedError:
            pass  # predictions without reasons
    return Scorer(model.artefact, model.manifest)


def _rungs(outputs: dict[str, np.ndarray], rung: str, count: int) -> pa.Array:
    if RUNG_OUTPUT in outputs:
        return pa.array(outputs[RUNG_OUTPUT], pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([rung]))
