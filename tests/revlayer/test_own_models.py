"""An ONNX file made elsewhere becomes a candidate that every engine scores, or is refused with what to change."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from revlayer import own_models
from revlayer.own_models import OwnModelError
from revlayer_training.datasets import load_dataset
from revlayer_training.deal_win import win_labels
from revlayer_udf import certificate, frames, jobs, registry
from revlayer_udf.errors import PredictionError, RegistryError
from revlayer_udf.runtime import Scorer

NUMBERS = ("stage_crm_probability", "activity_count_30d", "days_since_last_activity", "deal_age_days")
TEXTS = ("stage_name", "deal_type")
TRAINED_THROUGH = np.datetime64("2024-12-31")
HORIZON = 90


@pytest.fixture(scope="module")
def own_company(make_database, company):
    """A copy of the company that these tests may write to."""
    return make_database("own", company)


@pytest.fixture
def conn(own_company):
    with own_company.connect("scorer") as conn:
        yield conn
        conn.rollback()


@pytest.fixture(scope="module")
def cutoff(company):
    with company.connect("scorer") as conn:
        return conn.execute("select max(as_of_date) from features.ftr_deals").fetchone()[0]


@pytest.fixture(scope="module")
def learnt(company, cutoff):
    """Rows that someone outside could have learnt from: seen and resolved by TRAINED_THROUGH."""
    with company.connect("scorer") as conn:
        data = load_dataset(conn, cutoff)
    y, known_on = win_labels(data, HORIZON)
    rows = known_on <= TRAINED_THROUGH
    return data.take(rows), y[rows]


@pytest.fixture(scope="module")
def pipeline(learnt):
    """A scikit-learn pipeline with imputation, scaling and one-hot texts, fitted on separate named columns."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    data, y = learnt
    columns = [data.numbers[name].astype(object) for name in NUMBERS]
    columns += [data.texts[name].values() for name in TEXTS]
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0, 1, 2, 3]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), [4, 5]),
        ]
    )
    labels = np.where(y > 0, "won", "lost")
    return make_pipeline(prepared, LogisticRegression(max_iter=500)).fit(np.column_stack(columns), labels)


def exported(model, zipmap):
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    types = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    types += [(name, StringTensorType([None, 1])) for name in TEXTS]
    step = model.steps[-1][1]
    options = {id(step): {"zipmap": zipmap}}
    return to_onnx(model, initial_types=types, options=options, target_opset={"": 17, "ai.onnx.ml": 3})


def written(folder, model, **fields):
    """Write model and manifest; return their paths."""
    file, description = folder / "model.onnx", folder / "manifest.yml"
    file.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    known = {"target": "deal_win", "trained_through_date": TRAINED_THROUGH.item(), "label_horizon_days": HORIZON}
    description.write_text(yaml.safe_dump(known | fields, sort_keys=False))
    return file, description


def separate_inputs():
    return {name: name for name in (*NUMBERS, *TEXTS)}


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_scikit_learn_pipeline_is_judged_certified_and_serves(own_company, conn, cutoff, pipeline, tmp_path, zipmap):
    model = pipeline
    name = "output_probability" if zipmap else "probabilities"
    paths = written(
        tmp_path, exported(model, zipmap), algorithm="scikit-learn logistic regression", inputs=separate_inputs(),
        outputs={"win_probability": {"output": name, "class": "won"}}, labels={"deal_age_days": "Age in days"},
    )  # fmt: skip
    added = own_models.add(conn, *paths, cutoff)
    manifest, artefact = registry.get(conn, added.model_version)
    assert added.is_new and added.may_serve and added.judgement.is_temporal_evidence
    assert manifest.beats_baseline and manifest.rung == "model" and manifest.label_horizon_days == HORIZON
    assert {feature.label for feature in manifest.features} >= {"Age in days", "stage name"}
    assert manifest.metrics["model_brier"] < manifest.metrics["segment_prior_brier"]
    assert {c.status for c in added.certificate.comparisons if "plpython" not in (c.first_engine, c.second_engine)} == {
        "equal"
    }
    assert not own_models.add(conn, *paths, cutoff).is_new
    registry.promote(conn, added.model_version)
    conn.commit()
    with own_company.connect("scorer") as read_conn:
        [summary] = jobs.score_deals(conn, cutoff, ["deal_win"], read_conn=read_conn)
    assert (summary.status, summary.model_version) == ("published", added.model_version)
    check_scores(conn, model, manifest, artefact, cutoff)


def check_scores(conn, model, manifest, artefact, cutoff):
    rows = frames.read_table(conn, "select * from features.ftr_deals where as_of_date = %s", [cutoff])
    served = Scorer(artefact, manifest).score(rows)["win_probability"][:, 0]
    columns = [rows[name].to_numpy().astype(np.float32).astype(object) for name in NUMBERS]
    columns += [np.array([text or "" for text in rows[name].to_pylist()], object) for name in TEXTS]
    expected = model.predict_proba(np.column_stack(columns))[:, list(model.classes_).index("won")]
    np.testing.assert_allclose(served, expected, atol=1e-5)


def test_no_evidence_before_later_outcomes_are_known(conn, cutoff, pipeline, tmp_path):
    paths = written(
        tmp_path, exported(pipeline, False), inputs=separate_inputs(), trained_through_date=cutoff,
        outputs={"win_probability": "probabilities[1]"},
    )  # fmt: skip
    added = own_models.add(conn, *paths, cutoff)
    assert not added.judgement.is_temporal_evidence and "no outcome is known yet" in added.judgement.reason
    with pytest.raises(RegistryError, match="no evidence on later data"):
        registry.promote(conn, added.model_version)


def test_the_wrong_class_is_named(conn, cutoff, pipeline, tmp_path):
    paths = written(
        tmp_path, exported(pipeline, False), inputs=separate_inputs(),
        outputs={"win_probability": "probabilities[0]"},
    )  # fmt: skip
    added = own_models.add(conn, *paths, cutoff)
    assert not added.may_serve and "is win_probability the other class?" in added.judgement.reason


def hand_made(nodes, inputs, outputs, constants=(), opset=17, **options):
    """A graph of any shape; inputs and outputs are (name, type, shape)."""
    graph = helper.make_graph(
        nodes, "hand", [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset), *options.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **options)


def mixed_graph():
    """Doubles [N, 2], whole numbers [N, 1] and a text [N, 1] into a flat probability and a constant one."""
    nodes = [
        helper.make_node("Cast", ["count"], ["count_double"], to=TensorProto.DOUBLE),
        helper.make_node("Concat", ["figures", "count_double"], ["x"], axis=1),
        helper.make_node("MatMul", ["x", "weights"], ["linear"]),
        helper.make_node("LabelEncoder", ["kind"], ["number"], domain="ai.onnx.ml", keys_strings=["nothing told"],
                         values_floats=[1.5], default_float=0.0),
        helper.make_node("Cast", ["number"], ["number_double"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["linear", "number_double"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["column"]),
        helper.make_node("Reshape", ["column", "flat"], ["probability"]),
    ]  # fmt: skip
    return hand_made(
        nodes,
        [("figures", TensorProto.DOUBLE, [None, 2]), ("count", TensorProto.INT64, ["n", 1]),
         ("kind", TensorProto.STRING, [None, 1])],
        [("probability", TensorProto.DOUBLE, [None])],
        [("weights", np.array([[1e-3], [-0.01], [0.05]])), ("flat", np.array([-1]))],
        opsets=[helper.make_opsetid("ai.onnx.ml", 3)],
    )  # fmt: skip


MIXED = {
    "inputs": {"figures": ["deal_age_days", "days_in_stage"], "count": "activity_count_30d", "kind": "lead_source"},
    "null_defaults": {"deal_age_days": 33.3, "activity_count_30d": 0, "lead_source": "nothing told"},
    "outputs": {"win_probability": "probability"},
}


def test_types_shapes_and_null_defaults_are_handled_around_the_graph(conn, cutoff, tmp_path):
    paths = written(tmp_path, mixed_graph(), **MIXED)
    added = own_models.add(conn, *paths, cutoff)
    manifest, artefact = registry.get(conn, added.model_version)
    assert manifest.numbers == ("deal_age_days", "days_in_stage", "activity_count_30d")
    assert {node.name for node in onnx.load_model_from_string(artefact).graph.input} == {"numeric", "categorical"}
    session = ort.InferenceSession(artefact)
    numeric = np.array([[np.nan, 4, np.nan], [10, 4, 2]], np.float32)
    [found] = session.run(None, {"numeric": numeric, "categorical": np.array([[""], ["web"]], object)})
    margins = np.array([33.3e-3 - 0.04 + 1.5, 0.01 - 0.04 + 0.1])
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(-margins)), rtol=1e-6)
    status, note = added.certificate.engine_status("trained")
    assert status == "equal", note


def test_several_outputs_and_parts_fill_a_wider_target(conn, cutoff, tmp_path):
    nodes = [
        helper.make_node("Mul", ["amount", "factors"], ["values"]),
        helper.make_node("ReduceMax", ["values"], ["high"], axes=[1], keepdims=0),
    ]
    graph = hand_made(
        nodes, [("amount", TensorProto.FLOAT, [None, 1])],
        [("values", TensorProto.FLOAT, [None, 3]), ("high", TensorProto.FLOAT, [None])],
        [("factors", np.array([[1.0, 0.5, 2.0]], np.float32))],
    )  # fmt: skip
    paths = written(
        tmp_path, graph, target="deal_value", inputs={"amount": "amount_reporting"},
        null_defaults={"amount_reporting": 1000.0},
        outputs={"value": "values[0]", "value_p10": "values[1]", "value_p90": "high"},
    )  # fmt: skip
    added = own_models.add(conn, *paths, cutoff)
    manifest = registry.get(conn, added.model_version).manifest
    assert manifest.outputs == ("value", "value_p10", "value_p90")
    assert manifest.extra[certificate.SCALE] > 1000
    assert added.judgement.is_temporal_evidence and "model_wape" in manifest.metrics
    timing = hand_made(
        [helper.make_node("Mul", ["age", "nothing"], ["zero"]), helper.make_node("Add", ["zero", "curve"], ["curves"])],
        [("age", TensorProto.FLOAT, [None, 1])], [("curves", TensorProto.FLOAT, [None, 10])],
        [("nothing", np.float32(0)), ("curve", np.linspace(0.05, 0.95, 10, dtype=np.float32)[None])],
    )  # fmt: skip
    paths = written(
        tmp_path, timing, target="deal_close_month", inputs={"age": "deal_age_days"},
        null_defaults={"deal_age_days": 0}, outputs={"within": [f"curves[{i}]" for i in range(10)]},
    )  # fmt: skip
    added = own_models.add(conn, *paths, cutoff)
    assert added.judgement.metrics and not added.may_serve


IDENTITY = [helper.make_node("Sigmoid", ["x"], ["p"])]


def simple(nodes=IDENTITY, kind=TensorProto.FLOAT, shape=(None, 1), opset=17, **options):
    return hand_made(nodes, [("x", kind, list(shape))], [("p", kind, list(shape))], opset=opset, **options)


def external():
    graph = simple([helper.make_node("Add", ["x", "w"], ["p"])])
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="weights.bin")
    graph.graph.initializer.append(tensor)
    return graph


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        (b"not a model", {}, "no valid ONNX model"),
        (external(), {}, "keeps its weights in another file"),
        (simple([helper.make_node("Magic", ["x"], ["p"], domain="com.example")],
                opsets=[helper.make_opsetid("com.example", 1)]), {}, "custom operator com.example.Magic"),
        (simple(opset=8), {}, "has opset 8; 9 or later is needed"),
        (simple(opset=9999), {}, "opset 9999"),
        (simple(kind=TensorProto.FLOAT16), {}, "of type float16"),
        (simple(shape=(None,)), {}, "not \\[rows, columns\\]"),
        (simple(shape=(1, 1)), {}, "not \\[rows, columns\\]"),
        (simple(), {"inputs": {"y": "deal_age_days"}}, "has no input y"),
        (simple(), {"inputs": {"x": ["deal_age_days", "days_in_stage"]}}, "has 1 columns, the manifest gives it 2"),
        (simple(), {"inputs": {"x": "no_such_column"}}, "has no column no_such_column"),
        (simple(), {"inputs": {"x": "stage_name"}}, "takes float, and stage_name is a text"),
        (simple(), {"inputs": {"x": "created_on"}}, "neither number nor text"),
        (simple(), {"null_defaults": {"deal_age_days": "none"}}, "not of its type"),
        (simple(), {"null_defaults": {"lead_source": "none"}}, "lead_source, which no input uses"),
        (simple(), {"outputs": {"win_probability": "q"}}, "has no output q"),
        (simple(), {"outputs": {"win_probability": "p[1]"}}, "there is no \\[1\\]"),
        (simple(), {"outputs": {"win_probability": {"output": "p", "class": "won"}}}, "0 class labels are known"),
        (simple(), {"outputs": {"value": "p"}}, "deal_win needs win_probability \\(1 column\\)"),
        (simple(), {"target": "deal_lost"}, "target: Input should be"),
        (simple(), {"colour": "red"}, "colour: Extra inputs"),
        (simple(), {"trained_through_date": "2999-01-01"}, "after .*, the last day of the data"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_with_the_reason(conn, cutoff, tmp_path, model, fields, message):
    known = {"inputs": {"x": "deal_age_days"}, "null_defaults": {"deal_age_days": 0},
             "outputs": {"win_probability": "p"}}  # fmt: skip
    if "inputs" in fields:
        known["null_defaults"] = {}
    before = len(registry.list_models(conn))
    with pytest.raises(OwnModelError, match=message):
        own_models.add(conn, *written(tmp_path, model, **(known | fields)), cutoff)
    assert len(registry.list_models(conn)) == before


def test_whole_numbers_need_a_null_default(conn, cutoff, tmp_path):
    graph = hand_made(
        [helper.make_node("Cast", ["x"], ["p"], to=TensorProto.FLOAT)],
        [("x", TensorProto.INT64, [None, 1])], [("p", TensorProto.FLOAT, [None, 1])],
    )  # fmt: skip
    paths = written(tmp_path, graph, inputs={"x": "deal_age_days"}, outputs={"win_probability": "p"})
    with pytest.raises(OwnModelError, match="cannot say null"):
        own_models.add(conn, *paths, cutoff)


def test_predictions_out_of_bounds_are_refused(conn, cutoff, tmp_path):
    graph = simple([helper.make_node("Identity", ["x"], ["p"])])
    paths = written(
        tmp_path, graph, inputs={"x": "deal_age_days"}, null_defaults={"deal_age_days": 0},
        outputs={"win_probability": "p"},
    )  # fmt: skip
    with pytest.raises(PredictionError, match="not between 0 and 1"):
        own_models.add(conn, *paths, cutoff)


@pytest.mark.parametrize("text", ["- a list", "{", "target: deal_win"])
def test_a_malformed_manifest_names_what_is_missing(conn, cutoff, tmp_path, text):
    file, description = written(tmp_path, simple(), inputs={"x": "deal_age_days"}, outputs={"win_probability": "p"})
    Path(description).write_text(text)
    with pytest.raises(OwnModelError, match=r"no mapping|no YAML|trained_through_date: Field required"):
        own_models.add(conn, file, description, cutoff)
