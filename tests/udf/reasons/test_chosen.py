"""Chosen deals are read from the feature table and explained exactly."""

import onnx
import pytest
from onnx import TensorProto, helper

from revlayer_udf import registry
from revlayer_udf.errors import FeatureError
from revlayer_udf.reasons import UnexplainedError
from revlayer_udf.reasons.chosen import explain_exactly


@pytest.fixture
def model(graphs, manifest_of):
    """sigmoid(bias + 0.001 amount + 0.02 lead score + stage), with its margin as the raw score."""
    graph = onnx.load_model_from_string(graphs["win"](0.5))
    graph.graph.output.append(helper.make_tensor_value_info("margin", TensorProto.FLOAT, [None, 1]))
    artefact = graph.SerializeToString()
    return registry.Model(manifest_of(artefact, raw_output="margin"), artefact)


def test_reasons_of_chosen_deals(feature_database, model, make_deals):
    day = make_deals(1)["as_of_date"][0].as_py()
    with feature_database.connect("scorer") as conn:
        found = explain_exactly(conn, model, day, ["crm:00004", "crm:00001"])
    assert found.entities == ["crm:00001", "crm:00004"]
    assert found.base_score == pytest.approx(0.5)
    # Lead score 2 and 5, stage negotiation twice, amount 1.5 and 6.
    ranked = found.ranked(1, 3)
    assert [label for label, _, _ in ranked] == ["Stage", "Lead score", "Amount"]
    assert [value for _, value, _ in ranked] == ["negotiation", 5.0, 6.0]
    assert [contribution for *_, contribution in ranked] == pytest.approx([2.0, 0.1, 0.006])
    assert len(found.ranked(0, 2)) == 2


def test_a_deal_that_is_not_open_is_named(feature_database, model, make_deals):
    day = make_deals(1)["as_of_date"][0].as_py()
    with feature_database.connect("scorer") as conn, pytest.raises(FeatureError, match="crm:nobody"):
        explain_exactly(conn, model, day, ["crm:nobody"])


def test_a_model_without_a_raw_score_says_so(feature_database, model, make_deals):
    day = make_deals(1)["as_of_date"][0].as_py()
    plain = model._replace(manifest=model.manifest.model_copy(update={"raw_output": None}))
    with feature_database.connect("scorer") as conn, pytest.raises(UnexplainedError, match="has no reasons: the manif"):
        explain_exactly(conn, plain, day, ["crm:00001"])
