"""An ONNX file made elsewhere becomes a candidate that every engine scores, or is refused with what to change."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper
from own_graphs import HORIZON, TRAINED_THROUGH, hand_made, written

from revlayer import own_models
from revlayer_training.datasets import load_dataset
from revlayer_training.deal_win import win_labels
from revlayer_udf import certificate, frames, jobs, registry
from revlayer_udf.errors import RegistryError
from revlayer_udf.runtime import Scorer

NUMBERS = ("stage_crm_probability", "activity_count_30d", "days_since_last_activity", "deal_age_days")
TEXTS = ("stage_name", "deal_type")


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


def separate_inputs():
    return {name: name for name in (*NUMBERS, *TEXTS)}


@pytest.mark.parametrize(
    "name", ["GradientBoostingClassifier", "RandomForestClassifier", "HistGradientBoostingClassifier"]
)
def test_trees_of_scikit_learn_are_scored_alike_by_every_engine(conn, cutoff, learnt, tmp_path, name):
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn import ensemble

    data, y = learnt
    sizes = {"max_iter": 20} if name.startswith("Hist") else {"n_estimators": 20}
    model = getattr(ensemble, name)(max_depth=5, random_state=1, **sizes)
    model.fit(np.nan_to_num(data.numeric(NUMBERS), nan=-1.0), y.astype(int))
    graph = to_onnx(model, initial_types=[("x", FloatTensorType([None, 4]))], target_opset={"": 17, "ai.onnx.ml": 3})
    paths = written(
        tmp_path, graph, inputs={"x": list(NUMBERS)}, null_defaults=dict.fromkeys(NUMBERS, -1),
        outputs={"win_probability": {"output": "output_probability", "class": 1}},
    )  # fmt: skip
    added = own_models.add(conn, *paths, cutoff)
    for engine in ("trained", "sql"):
        status, note = added.certificate.engine_status(engine)
        assert status == "equal", note
    assert added.judgement.metrics


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
        [summary] = jobs.score_targets(conn, cutoff, ["deal_win"], read_conn=read_conn)
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


def test_the_same_file_with_a_corrected_manifest_is_another_model(conn, cutoff, tmp_path):
    """Else the first manifest, wrong columns and all, would stand for good."""
    nodes = [
        helper.make_node("Gather", ["x", "place"], ["picked"], axis=1),
        helper.make_node("Sigmoid", ["picked"], ["p"]),
    ]
    inputs, outputs = [("x", TensorProto.FLOAT, [None, 2])], [("p", TensorProto.FLOAT, [None, 1])]
    graph = hand_made(nodes, inputs, outputs, [("place", np.array([0]))])
    columns = ["deal_age_days", "days_since_last_activity"]
    manifests = [
        {"inputs": {"x": columns}},
        {"inputs": {"x": columns[::-1]}},
        {"inputs": {"x": columns}, "labels": {"deal_age_days": "Age"}},
    ]
    defaults = dict.fromkeys(columns, 0)
    added = [
        own_models.add(
            conn, *written(tmp_path, graph, outputs={"win_probability": "p"}, null_defaults=defaults, **fields), cutoff
        )
        for fields in manifests
    ]
    assert [each.is_new for each in added] == [True] * 3
    kept = [registry.get(conn, each.model_version).manifest.features for each in added]
    assert [feature.name for feature in kept[1]] == columns[::-1] and kept[2][0].label == "Age"


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
