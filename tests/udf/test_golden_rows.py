"""Golden rows are kept as they were made, and hold what engines may part on."""

import numpy as np
import pyarrow as pa
import pytest

from revlayer_udf import golden_rows
from revlayer_udf.errors import ArtefactError


@pytest.fixture
def model(graphs, manifest_of):
    artefact = graphs["win"]()
    return artefact, manifest_of(artefact)


@pytest.mark.parametrize("values", [np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)])
def test_golden_rows_come_back_as_they_were(values, model):
    manifest = model[1].model_copy(update={"outputs": ("out", "rung")})
    features = pa.table({"amount": [1.0, None], "stage_name": ["", None]})
    rows = golden_rows.with_expected(features, {"out": values, "rung": np.array(["prior", "model"], object)})
    read = golden_rows.from_bytes(golden_rows.to_bytes(rows))
    assert read == rows
    found = golden_rows.expected_outputs(read, manifest)
    np.testing.assert_array_equal(found["out"], values.reshape(2, -1))
    assert found["rung"].tolist() == ["prior", "model"]


def test_made_rows_try_nulls_extremes_unseen_and_known_texts(model):
    rows = golden_rows.make_rows(*model)
    assert rows["amount"].null_count and rows["stage_name"].null_count
    assert {1e30, -1e30, 0.0} <= set(rows["lead_score"].to_pylist())
    assert {"proposal", "negotiation", "a value never seen"} <= set(rows["stage_name"].to_pylist())


def test_malformed_golden_rows_are_named():
    with pytest.raises(ArtefactError, match="golden rows are malformed"):
        golden_rows.from_bytes(b"nonsense")
