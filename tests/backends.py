"""What stands in for a backend's plpy, a linear model with a raw score, and rows at every edge of its inputs."""

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

# amount, lead score, stage
EDGES = (
    (1000.0, 50.0, "proposal"),
    (None, None, None),
    (float("nan"), 1.0, "negotiation"),
    (250.5, None, "a stage never seen"),
    (-1e300, 0.1, "proposal"),
    (1e300, 1e-300, ""),
    (float("inf"), 3.0, "negotiation"),
    (float("-inf"), 3.0, None),
    (16777217.0, 3.4028235e38, "proposal"),
    (0.1, -0.0, "  proposal"),
)


class Registry:
    """Stands where plpy stands in a backend, over models held in a dictionary; counts how often they are read."""

    def __init__(self, *models: tuple[bytes, Any]) -> None:
        self.rows = {
            manifest.model_version: {
                "manifest": manifest.to_json(), "artefact": artefact, "artefact_sha256": manifest.artefact_sha256,
            }
            for artefact, manifest in models
        }  # fmt: skip
        self.reads = 0

    def prepare(self, query: str, types: list[str]) -> str:
        return query

    def execute(self, plan: str, arguments: list[str], limit: int) -> list[dict[str, Any]]:
        self.reads += 1
        return [self.rows[name] for name in arguments if name in self.rows]

    def error(self, message: str, **fields: str) -> None:
        raise ReportedError(message, fields)


class ReportedError(Exception):
    """What plpy.error would raise."""


def raw_graph(build_graph, bias: float = 0.0) -> bytes:
    """The win graph of tests/udf with its margin as a second output; infinities are clipped before the weights."""
    limits = {"low": np.float32(-1e6), "high": np.float32(1e6)}
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["clipped"]),
        helper.make_node("MatMul", ["clipped", "weights"], ["linear"]),
        helper.make_node(
            "LabelEncoder", ["categorical"], ["stage"], domain="ai.onnx.ml",
            keys_strings=["proposal", "negotiation"], values_floats=[1.0, 2.0], default_float=0.0,
        ),
        helper.make_node("Add", ["linear", "stage"], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["win_probability"]),
    ]  # fmt: skip
    constants = [numpy_helper.from_array(value, name) for name, value in limits.items()]
    constants += [
        numpy_helper.from_array(np.array([[1e-4], [0.02]], np.float32), "weights"),
        numpy_helper.from_array(np.array(bias, np.float32), "bias"),
    ]
    return build_graph(nodes, constants, {"win_probability": 1, "margin": 1})
