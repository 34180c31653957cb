"""Small models for the tests of reasons: LightGBM read without a converter, and graphs around it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import lightgbm as lgb
import numpy as np

from revlayer_training.graph import Graph
from revlayer_udf.ensemble import Ensemble, floor_float32
from revlayer_udf.manifest import Feature, Manifest


def ensemble_of(booster: lgb.Booster) -> Ensemble:
    """Read every node of a booster; thresholds are rounded down to float32."""
    rows: list[list[Any]] = []

    def add(node: dict[str, Any]) -> int:
        index = len(rows)
        if "split_feature" not in node:
            rows.append([-1, 0.0, index, index, False, node["leaf_value"], node.get("leaf_count", 1)])
            return index
        missing = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        rows.append([node["split_feature"], node["threshold"], 0, 0, missing, 0.0, node["internal_count"]])
        rows[index][2], rows[index][3] = add(node["left_child"]), add(node["right_child"])
        return index

    roots = [add(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
    feature, threshold, left, right, missing, value, cover = zip(*rows, strict=True)
    return Ensemble(
        np.array(roots), np.array(feature), floor_float32(np.array(threshold, float)), np.array(left),
        np.array(right), np.array(missing, bool), np.array(value)[:, None], np.array(cover, float), "SUM", np.zeros(1),
    )  # fmt: skip


def sample(rows: int, columns: int, seed: int = 0, missing: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 features with correlations, steps and gaps, and 0/1 labels that depend on some of them."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns))
    x[:, 1] += 0.6 * x[:, 0]
    x[:, 2] = np.round(x[:, 2] * 2)
    weights = random.normal(size=columns) * np.exp(-np.arange(columns) / 6)
    score = x @ weights + x[:, 0] * x[:, 2] + np.sin(2 * x[:, 3])
    y = (score + random.logistic(size=rows) > 0).astype(float)
    x[random.random(x.shape) < missing] = np.nan
    return x.astype(np.float32), y


def boosted(x: np.ndarray, y: np.ndarray, trees: int, leaves: int = 31, **parameters: Any) -> lgb.Booster:
    """Fit a binary LightGBM model on one thread."""
    settings = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.05, "verbosity": -1,
                "num_threads": 1, "deterministic": True}  # fmt: skip
    return lgb.train(settings | parameters, lgb.Dataset(x, y), trees)


def tree_artefact(ensemble: Ensemble, columns: int) -> tuple[bytes, Manifest]:
    """Return sigmoid(trees(numeric)) with its raw score."""
    graph = Graph([f"n{i}" for i in range(columns)], [])
    raw = graph.add_node(ensemble.to_onnx(), "numeric")
    return finished(graph, raw)


def finished(graph: Graph, raw: str) -> tuple[bytes, Manifest]:
    """Add the probability and return artefact and manifest."""
    artefact = graph.serialize({"win_probability": (graph.add("Sigmoid", raw), 1), "raw_score": (raw, 1)})
    return artefact, manifest_of(artefact, graph.numbers, graph.texts)


def manifest_of(artefact: bytes, numbers: Sequence[str], texts: Sequence[str], **fields: Any) -> Manifest:
    """Return a manifest in which texts stand between numbers, as they may."""
    features = [Feature(name=name, type="number", label=f"Number {name}") for name in numbers]
    for place, name in enumerate(texts):
        features.insert(2 * place, Feature(name=name, type="text", label=f"Text {name}"))
    known: dict[str, Any] = {
        "algorithm": "test", "rung": "model", "feature_relation": "features.ftr_deals", "entity_key": "deal_id",
        "features": features, "outputs": ("win_probability", "raw_score"), "raw_output": "raw_score",
        "trained_from_date": None, "trained_through_date": None, "data_fingerprint": "none",
        "is_temporal_evidence": True, "beats_baseline": True,
    }  # fmt: skip
    return Manifest.of(artefact, target="deal_win", trained_on=date(2025, 1, 31), **(known | fields))
