"""Real ONNX graphs, small enough to read, and deals to score with them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import onnx
import psycopg
import pyarrow as pa
import pytest
from certifying import serve
from onnx import TensorProto, helper, numpy_helper
from psycopg import sql

from revlayer_udf import frames
from revlayer_udf.manifest import Feature, Manifest
from revlayer_udf.targets import CLOSE_DAYS

AS_OF = date(2025, 6, 30)
FEATURES = (
    Feature(name="amount", type="number", label="Amount"),
    Feature(name="lead_score", type="number", label="Lead score"),
    Feature(name="stage_name", type="text", label="Stage"),
)
STAGES = ("proposal", "negotiation", None)
Graph = Callable[..., bytes]


def constant(name: str, values: Any, dtype: Any = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def model_bytes(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    outputs: dict[str, int],
    *,
    output_type: int = TensorProto.FLOAT,
    opsets: tuple[tuple[str, int], ...] = (("", 17), ("ai.onnx.ml", 3)),
) -> bytes:
    """A graph over two numbers and one text, imputing missing numbers with 0 into ``x``."""
    inputs = [
        helper.make_tensor_value_info("numeric", TensorProto.FLOAT, [None, 2]),
        helper.make_tensor_value_info("categorical", TensorProto.STRING, [None, 1]),
    ]
    made = [helper.make_tensor_value_info(name, output_type, [None, width]) for name, width in outputs.items()]
    impute = [
        helper.make_node("IsNaN", ["numeric"], ["is_missing"]),
        helper.make_node("Where", ["is_missing", "zero", "numeric"], ["x"]),
    ]
    graph = helper.make_graph([*impute, *nodes], "test", inputs, made, [constant("zero", 0.0), *constants])
    imports = [helper.make_opsetid(*opset) for opset in opsets]
    return helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()


def win_graph(bias: float = 0.0, *, output: str = "win_probability") -> bytes:
    """sigmoid(bias + 0.001 amount + 0.02 lead score + stage), stage: proposal 1, negotiation 2, others 0."""
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["linear"]),
        helper.make_node(
            "LabelEncoder", ["categorical"], ["stage"], domain="ai.onnx.ml",
            keys_strings=["proposal", "negotiation"], values_floats=[1.0, 2.0], default_float=0.0,
        ),
        helper.make_node("Add", ["linear", "stage"], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], [output]),
    ]  # fmt: skip
    return model_bytes(nodes, [constant("weights", [[0.001], [0.02]]), constant("bias", bias)], {output: 1})


def log_graph() -> bytes:
    """log(lead score): NaN below 0, infinite at 0."""
    nodes = [
        helper.make_node("Gather", ["x", "second"], ["score"], axis=1),
        helper.make_node("Log", ["score"], ["win_probability"]),
    ]
    return model_bytes(nodes, [constant("second", [1], np.int64)], {"win_probability": 1})


def value_graph(low: float = 0.5, high: float = 2.0) -> bytes:
    """The amount, and a low and a high multiple of it."""
    factors = {"value": 1.0, "value_p10": low, "value_p90": high}
    nodes = [helper.make_node("Gather", ["x", "first"], ["amount"], axis=1)]
    nodes += [helper.make_node("Mul", ["amount", f"factor_{name}"], [name]) for name in factors]
    constants = [constant(f"factor_{name}", factor) for name, factor in factors.items()]
    return model_bytes(nodes, [*constants, constant("first", [0], np.int64)], dict.fromkeys(factors, 1))


def close_graph(width: int = len(CLOSE_DAYS)) -> bytes:
    """The same rising curve for every deal."""
    nodes = [
        helper.make_node("Gather", ["x", "first"], ["amount"], axis=1),
        helper.make_node("Mul", ["amount", "nothing"], ["base"]),
        helper.make_node("Add", ["base", "curve"], ["within"]),
    ]
    constants = [
        constant("first", [0], np.int64),
        constant("nothing", 0.0),
        constant("curve", [np.linspace(0.05, 0.95, width)]),
    ]
    return model_bytes(nodes, constants, {"within": width})


def make_manifest(artefact: bytes, target: str = "deal_win", **changes: Any) -> Manifest:
    outputs = [node.name for node in onnx.load_model_from_string(artefact).graph.output]
    fields: dict[str, Any] = {
        "algorithm": "logistic",
        "rung": "model",
        "feature_relation": "features.ftr_deals",
        "entity_key": "deal_id",
        "features": FEATURES,
        "outputs": outputs,
        "trained_from_date": date(2023, 1, 31),
        "trained_through_date": date(2025, 3, 31),
        "label_horizon_days": 180,
        "data_fingerprint": "0" * 16,
        "is_temporal_evidence": True,
        "beats_baseline": True,
    }
    return Manifest.of(artefact, target=target, trained_on=date(2025, 3, 31), **(fields | changes))


def deals(count: int, as_of: date = AS_OF) -> pa.Table:
    index = np.arange(count)
    return pa.table(
        {
            "deal_id": pa.array([f"crm:{number:05d}" for number in index], pa.string()),
            "as_of_date": pa.repeat(pa.scalar(as_of), count),
            "amount": pa.array(index * 1.5, mask=index % 7 == 3),
            "lead_score": pa.array((index % 100).astype(float) + 1),
            "stage_name": pa.array([STAGES[number % 3] for number in index], pa.string()),
        }
    )


def create_features(conn: psycopg.Connection, data: pa.Table | None = None) -> None:
    """Make features.ftr_deals as the transformer does, with 100 deals unless given others."""
    conn.execute(
        "create table features.ftr_deals (deal_id text, as_of_date date, amount double precision,"
        " lead_score double precision, stage_name text)"
    )
    frames.copy_in(conn, sql.Identifier("features", "ftr_deals"), deals(100) if data is None else data)
    conn.commit()


@pytest.fixture(scope="session")
def graphs() -> dict[str, Graph]:
    return {"win": win_graph, "log": log_graph, "value": value_graph, "close": close_graph}


@pytest.fixture(scope="session")
def manifest_of() -> Callable[..., Manifest]:
    return make_manifest


@pytest.fixture
def make_deals() -> Callable[..., pa.Table]:
    return deals


@pytest.fixture(scope="session")
def build_graph() -> Callable[..., bytes]:
    return model_bytes


@pytest.fixture
def feature_database(database):
    """A database with features.ftr_deals of 100 deals."""
    with database.connect("transformer") as conn:
        create_features(conn)
    return database


@pytest.fixture
def scored_database(feature_database):
    """A database in which one model serves each target."""
    artefacts = {"deal_win": win_graph(), "deal_value": value_graph(), "deal_close_month": close_graph()}
    with feature_database.connect("scorer") as conn:
        for target, artefact in artefacts.items():
            serve(conn, artefact, make_manifest(artefact, target), "first")
    return feature_database
