"""Artefacts: ONNX bytes with what a manifest says of them, and the check that they equal the Python model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from revlayer_training.datasets import Dataset
from revlayer_training.ladder import Rung
from revlayer_udf.errors import ArtefactError

RAW_SCORE = "raw_score"
PARITY_ROWS = 20_000
# A slope of 100 in a calibration lifts float32 noise of 6e-8 in a margin to 1e-5.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Artefact:
    """What is registered.

    Attributes:
        content: ONNX bytes.
        numbers, texts: feature names in input order.
        outputs: output names in graph order.
        raw_output: which of them is the score before calibration or link; reasons add up to it.
        extra: goes into the manifest: calibration, parity, notes.
    """

    content: bytes
    algorithm: str
    rung: Rung
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    outputs: tuple[str, ...]
    extra: dict[str, Any] = field(default_factory=dict)
    raw_output: str | None = None


def run(artefact: Artefact, data: Dataset) -> dict[str, NDArray[np.float32]]:
    """Score rows with ONNX Runtime on one thread; outputs are float32 [N, width]."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(artefact.content, options, providers=["CPUExecutionProvider"])
    feeds: dict[str, Any] = {}
    if artefact.numbers:
        feeds["numeric"] = data.numeric(artefact.numbers)
    if artefact.texts:
        feeds["categorical"] = data.categorical(artefact.texts)
    return dict(zip(artefact.outputs, session.run(list(artefact.outputs), feeds), strict=True))


def check_parity(artefact: Artefact, data: Dataset, predictions: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Compare the artefact with the Python model on held-out rows.

    Args:
        data: rows that the model was not fitted on.
        predictions: the Python model's outputs for these rows.

    Returns:
        Rows compared and the largest difference (absolute up to 1, relative above).

    Raises:
        ArtefactError: a difference is above 1e-4.
    """
    rows = np.arange(len(data)) < PARITY_ROWS
    scored = run(artefact, data.take(rows))
    largest = 0.0
    for name, expected in predictions.items():
        wanted = expected[rows].reshape(int(rows.sum()), -1)
        distance = np.abs(scored[name] - wanted) / np.maximum(np.abs(wanted), 1.0)
        largest = max(largest, float(distance.max(initial=0.0)))
    if not largest <= TOLERANCE:
        raise ArtefactError(
            f"the exported {artefact.algorithm} differs from the fitted one by {largest:.2g}",
            "This is a defect of the export: please report it with the versions of lightgbm and onnxruntime.",
        )
    return {"parity_rows": int(rows.sum()), "parity_largest_difference": largest}
