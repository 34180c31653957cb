"""LightGBM boosters whose Python and ONNX predictions agree row by row.

LightGBM compares in float64, ONNX in float32. For a float32 ``x``, ``x <= t`` holds exactly when ``x <= t'``
with ``t'`` the largest float32 not above ``t``; so the thresholds of the booster itself are rewritten after
fitting, and both sides compare the same numbers.
"""

import lightgbm as lgb
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from revlayer_training.graph import Graph


def floor_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return, for each value, the largest float32 not above it."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    return np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near)


def with_float32_thresholds(booster: lgb.Booster) -> lgb.Booster:
    """Return the booster, cut at its best iteration, with every threshold a float32."""
    lines = []
    for line in booster.model_to_string(num_iteration=booster.best_iteration).split("\n"):
        if line.startswith("tree_sizes="):
            continue  # byte counts of the old text; without them LightGBM reads tree by tree
        if line.startswith("threshold=") and len(line) > len("threshold="):
            numbers = np.array(line.partition("=")[2].split(), dtype=np.float64)
            line = "threshold=" + " ".join(repr(float(number)) for number in floor_float32(numbers))
        lines.append(line)
    return lgb.Booster(model_str="\n".join(lines))


def tree_nodes(graph: Graph, booster: lgb.Booster, matrix: str) -> str:
    """Add the booster's trees and return its raw margins, float32 [N, classes].

    The converter ends a classifier in label and probability; margins are wanted, because calibration follows,
    so its node is taken over with the class weights as targets.
    """
    shape = [("matrix", FloatTensorType([None, booster.num_feature()]))]
    converted = convert_lightgbm(booster, initial_types=shape, zipmap=False, target_opset=9)
    (node,) = [node for node in converted.graph.node if node.op_type.startswith("TreeEnsemble")]
    renamed = onnx.NodeProto(op_type="TreeEnsembleRegressor", domain="ai.onnx.ml")
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels") or attribute.name in {"post_transform", "n_targets"}:
            continue
        copy = renamed.attribute.add()
        copy.CopyFrom(attribute)
        if copy.name.startswith("class_"):
            copy.name = copy.name.replace("class_", "target_", 1)
    renamed.attribute.append(helper.make_attribute("post_transform", "NONE"))
    renamed.attribute.append(helper.make_attribute("n_targets", booster.num_model_per_iteration()))
    return graph.add_node(renamed, matrix)


def margins(booster: lgb.Booster, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return raw margins, float64 [N, classes]."""
    raw = np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))
    return raw.reshape(len(matrix), -1)
