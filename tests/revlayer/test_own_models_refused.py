"""What is wrong with a model of one's own is said before anything is registered."""

from pathlib import Path

import pytest
from onnx import TensorProto, helper
from own_graphs import hand_made, written

from revlayer import own_models
from revlayer.own_models import OwnModelError
from revlayer_udf import registry
from revlayer_udf.errors import PredictionError

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
        (simple(), {"inputs": {"x": "no_such_column"}, "labels": {"deal_age_days": "Age"}}, "no column no_such_column"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trained_through_date: 2024-13-45", "trained_through_date: Input should be a valid date"),
        ("trained_from_date: 2024-02-30", "trained_from_date: Input should be a valid date"),
        ("trained_through_date: !!timestamp 2024-13-45", "no YAML: month must be"),
        ("label_horizon_days: !!int ten", "no YAML"),
    ],
)
def test_a_wrong_value_in_a_manifest_is_named(conn, cutoff, tmp_path, text, message):
    file, description = written(tmp_path, simple(), inputs={"x": "deal_age_days"}, outputs={"win_probability": "p"})
    lines = [line for line in Path(description).read_text().splitlines() if line.split(":")[0] != text.split(":")[0]]
    Path(description).write_text("\n".join([*lines, text]))
    with pytest.raises(OwnModelError, match=message):
        own_models.add(conn, file, description, cutoff)


@pytest.mark.parametrize("text", ["- a list", "{", "target: deal_win"])
def test_a_malformed_manifest_names_what_is_missing(conn, cutoff, tmp_path, text):
    file, description = written(tmp_path, simple(), inputs={"x": "deal_age_days"}, outputs={"win_probability": "p"})
    Path(description).write_text(text)
    with pytest.raises(OwnModelError, match=r"no mapping|no YAML|trained_through_date: Field required"):
        own_models.add(conn, file, description, cutoff)
