"""The kernel scores what its manifest says, and refuses everything else by name."""

import numpy as np
import onnx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from revlayer_udf.errors import ArtefactError, FeatureError, PredictionError
from revlayer_udf.manifest import Feature
from revlayer_udf.runtime import Scorer, numeric_matrix, text_matrix


@pytest.fixture
def scorer(graphs, manifest_of):
    artefact = graphs["win"]()
    return Scorer(artefact, manifest_of(artefact))


def test_scores_equal_the_formula_and_nulls_are_imputed_in_the_graph(scorer):
    batch = pa.table(
        {
            "deal_id": ["a", "b", "c"],
            "amount": pa.array([1000, None, 0], pa.int64()),
            "lead_score": [50.0, 10.0, None],
            "stage_name": ["proposal", "negotiation", None],
        }
    )
    margins = np.array([1.0 + 1.0 + 1.0, 0.2 + 2.0, 0.0])
    found = scorer.score(batch)["win_probability"]
    assert found.shape == (3, 1) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(-margins)), rtol=1e-6)


def test_batch_size_does_not_change_a_bit(scorer, make_deals):
    data = make_deals(997)
    whole = scorer.score(data)["win_probability"]
    parts = [scorer.score(batch)["win_probability"] for batch in data.to_batches(max_chunksize=13)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_no_rows_give_no_scores(scorer, make_deals):
    assert scorer.score(make_deals(0))["win_probability"].shape == (0, 1)


@given(st.lists(st.none() | st.floats(allow_nan=True), min_size=1, max_size=20))
@settings(deadline=None)
def test_numbers_are_rounded_to_float32_once(values):
    matrix = numeric_matrix(pa.table({"a": pa.array(values, pa.float64())}), ("a",))
    with np.errstate(over="ignore"):
        expected = np.array([np.nan if value is None else value for value in values]).astype(np.float32)
    assert np.array_equal(matrix[:, 0], expected, equal_nan=True)


@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=20))
def test_missing_text_is_the_empty_string(values):
    column = pa.array(values, pa.string())
    for data in (column, column.dictionary_encode(), pa.chunked_array([column, column])[: len(values)]):
        matrix = text_matrix(pa.table({"a": data}), ("a",))
        assert matrix[:, 0].tolist() == [value or "" for value in values]


def test_integers_flags_and_decimals_are_numbers():
    data = pa.table({"a": [2**24 + 1], "b": [True], "c": pa.array(["1.50"]).cast(pa.decimal128(9, 2))})
    assert numeric_matrix(data, ("a", "b", "c")).tolist() == [[2.0**24, 1.0, 1.5]]


def test_a_tampered_artefact_is_refused_with_the_way_out(graphs, manifest_of):
    artefact = graphs["win"]()
    with pytest.raises(ArtefactError, match=r"was changed after.*\n.*revlayer train.*scoring\.rollback\('deal_win'"):
        Scorer(graphs["win"](bias=0.1), manifest_of(artefact))


def test_a_missing_feature_is_named(scorer, make_deals):
    with pytest.raises(FeatureError, match=r"ftr_deals has no column lead_score, .*number\nRun: revlayer build"):
        scorer.score(make_deals(3).drop_columns("lead_score"))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("amount", ["1"], r"amount has type string; \S+ was trained with number\n.*revlayer build"),
        ("stage_name", [1], r"stage_name has type int64; \S+ was trained with text\n.*revlayer train"),
        ("amount", pa.array([0], pa.timestamp("us")), "amount has type timestamp"),
    ],
)
def test_a_feature_of_another_type_is_named(scorer, make_deals, column, values, message):
    data = make_deals(1)
    data = data.set_column(data.schema.get_field_index(column), column, pa.array(values))
    with pytest.raises(FeatureError, match=message):
        scorer.score(data)


def test_scores_that_are_no_numbers_name_the_deal(graphs, manifest_of, make_deals):
    artefact = graphs["log"]()
    scorer = Scorer(artefact, manifest_of(artefact))
    data = make_deals(5)
    assert np.isfinite(scorer.score(data)["win_probability"]).all()
    for bad in (-1.0, 0.0):  # NaN and infinite
        wrong = data.set_column(3, "lead_score", pa.array([1.0, 2.0, 3.0, bad, bad]))
        message = r"win_probability is not finite for 2 of 5 rows, first for deal_id 'crm:00003'.*\n.*rollback"
        with pytest.raises(PredictionError, match=message):
            scorer.score(wrong)


@pytest.mark.parametrize(
    "changes",
    [
        {"features": (Feature(name="amount", type="number", label="A"),)},
        {"features": tuple(Feature(name=name, type="number", label=name) for name in "abc")},
        {"outputs": ("win",)},
        {"outputs": ("win_probability", "more")},
    ],
)
def test_a_manifest_that_differs_from_the_graph_is_refused(graphs, manifest_of, changes):
    artefact = graphs["win"]()
    with pytest.raises(ArtefactError, match="its manifest says"):
        Scorer(artefact, manifest_of(artefact, **changes))


def test_an_output_that_is_not_float32_is_refused(build_graph, manifest_of):
    cast = helper.make_node("Cast", ["x"], ["win_probability"], to=TensorProto.DOUBLE)
    artefact = build_graph([cast], [], {"win_probability": 2}, output_type=TensorProto.DOUBLE)
    with pytest.raises(ArtefactError, match=r"tensor\(double\)"):
        Scorer(artefact, manifest_of(artefact))


def refused_graph(kind, graphs):
    model = onnx.load_model_from_string(graphs["win"]())
    if kind == "custom":
        model.graph.node[2].domain = "com.example"
        model.opset_import.append(helper.make_opsetid("com.example", 1))
    elif kind == "nested custom":
        body = helper.make_graph([helper.make_node("Leak", [], ["y"], domain="com.example")], "body", [], [])
        model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body))
    elif kind == "opset":
        model.opset_import[0].version = 999
    else:
        tensor = model.graph.initializer[1]
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("custom", "custom operator com.example"),
        ("nested custom", r"custom operator com.example\.Leak"),
        ("opset", "needs opset 999"),
        ("external", "in another file"),
    ],
)
def test_graphs_that_reach_outside_are_refused(graphs, manifest_of, kind, message):
    artefact = refused_graph(kind, graphs)
    with pytest.raises(ArtefactError, match=message):
        Scorer(artefact, manifest_of(artefact))


@pytest.mark.parametrize("artefact", [b"", b"no graph at all", b"\x00" * 64])
def test_bytes_that_are_no_graph_are_refused(artefact, graphs, manifest_of):
    shape = manifest_of(graphs["win"]())
    known = {"trained_on": shape.trained_through_date, "target": "deal_win"}
    computed = {"model_version", "target", "artefact_sha256"}
    manifest = type(shape).of(artefact, **known, **{k: v for k, v in shape if k not in computed})
    with pytest.raises(ArtefactError, match=r"not an ONNX model|does not load"):
        Scorer(artefact, manifest)


def rung_graph(build_graph, keys):
    nodes = [
        helper.make_node("Gather", ["x", "first"], ["win_probability"], axis=1),
        helper.make_node(
            "LabelEncoder", ["categorical"], ["rung"], domain="ai.onnx.ml",
            keys_strings=["proposal"], values_strings=[keys[0]], default_string=keys[1],
        ),
    ]  # fmt: skip
    first = onnx.numpy_helper.from_array(np.array([0], dtype=np.int64), "first")
    model = onnx.load_model_from_string(build_graph(nodes, [first], {"win_probability": 1, "rung": 1}))
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.STRING
    return model.SerializeToString()


def test_a_rung_per_row(build_graph, manifest_of, make_deals):
    artefact = rung_graph(build_graph, ("shrinkage", "prior"))
    found = Scorer(artefact, manifest_of(artefact)).score(make_deals(3))["rung"]
    assert found.tolist() == ["shrinkage", "prior", "prior"]


def test_unknown_rungs_are_refused(build_graph, manifest_of, make_deals):
    artefact = rung_graph(build_graph, ("shrinkage", "guess"))
    with pytest.raises(PredictionError, match="unknown rungs: guess"):
        Scorer(artefact, manifest_of(artefact)).score(make_deals(3))
