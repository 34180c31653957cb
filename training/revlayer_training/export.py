"""Artefacts: ONNX bytes with what a manifest says of them, and the check that they equal the Python model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from revlayer_training.features import Features
from revlayer_training.ladder import Rung
from revlayer_udf.certificate import SCALE, TOLERANCE
from revlayer_udf.errors import ArtefactError

RAW_SCORE = "raw_score"
Predict = Callable[[Features], dict[str, NDArray[np.float64]]]
PARITY_ROWS = 20_000


@dataclass(frozen=True)
class Artefact:
    """What is registered.

    Attributes:
        content: ONNX bytes.
        predict: the model that was exported, in Python: every output [N] or [N, width] by name.
        numbers, texts: feature names in input order.
        outputs: output names in graph order.
        raw_output: which of them is the score before calibration or link; reasons add up to it.
        extra: goes into the manifest: calibration, parity, notes.
    """

    content: bytes
    predict: Predict = field(compare=False, repr=False)
    algorithm: str
    rung: Rung
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    outputs: tuple[str, ...]
    extra: dict[str, Any] = field(default_factory=dict)
    raw_output: str | None = None


def run(artefact: Artefact, data: Features) -> dict[str, NDArray[np.float32]]:
    """Score rows with ONNX Runtime on one thread; outputs are float32 [N, width]."""
    return score(artefact.content, artefact.numbers, artefact.texts, artefact.outputs, data)


def score(
    content: bytes, numbers: Sequence[str], texts: Sequence[str], outputs: Sequence[str], data: Features
) -> dict[str, NDArray[np.float32]]:
    """Do what ``run`` does with an artefact that was read back."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    feeds: dict[str, Any] = {}
    if numbers:
        feeds["numeric"] = data.numeric(numbers)
    if texts:
        feeds["categorical"] = data.categorical(texts)
    return dict(zip(outputs, session.run(list(outputs), feeds), strict=True))


def check_parity(artefact: Artefact, data: Features) -> dict[str, Any]:
    """Compare the artefact with the Python model on held-out rows.

    Args:
        data: rows that the model was not fitted on.

    Returns:
        Rows compared and the largest difference, in units of max(|b|, the target's standard deviation, or 1 where
        the target is no amount).

    Raises:
        ArtefactError: a difference is above 1e-5.
    """
    held = data.take(np.arange(len(data)) < PARITY_ROWS)
    scored, largest = run(artefact, held), 0.0
    for name, wanted in artefact.predict(held).items():
        unit = 1.0 if name == artefact.raw_output else artefact.extra.get(SCALE, 1.0)
        distance = np.abs(scored[name] - wanted.reshape(len(held), -1))
        largest = max(largest, float((distance / np.maximum(np.abs(scored[name]), unit)).max(initial=0.0)))
    if not largest <= TOLERANCE:
        raise ArtefactError(
            f"the exported {artefact.algorithm} differs from the fitted one by {largest:.2g}",
            "This is a defect of the export: please report it with the versions of lightgbm and onnxruntime.",
        )
    return {"parity_rows": len(held), "parity_largest_difference": largest}
