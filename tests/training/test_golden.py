"""Golden rows: which values they hold, and that they carry what the trained model makes of them."""

import numpy as np
import onnx
import pytest

from revlayer_training.deal_close_month import fit_deal_close_month
from revlayer_training.deal_value import fit_deal_value
from revlayer_training.deal_win import fit_deal_win
from revlayer_training.golden import as_dataset, golden
from revlayer_training.training import make_manifest
from revlayer_udf import certificate, engines, golden_rows
from revlayer_udf.certificate import SCALE
from revlayer_udf.ensemble import Ensemble
from revlayer_udf.onnx_nodes import attributes
from revlayer_udf.registry import Model


@pytest.fixture(scope="module", params=[fit_deal_win, fit_deal_value, fit_deal_close_month])
def fitted(request, make_history):
    data, cutoff = make_history(deals=2000)
    outcome = request.param(data, cutoff)
    assert outcome.model is not None
    return data, [(each, make_manifest(outcome, each, data, cutoff)) for each in (outcome.model, outcome.fallback)]


def test_trained_and_exported_model_agree_on_them(fitted) -> None:
    data, models = fitted
    for artefact, manifest in models:
        rows = golden(artefact, manifest, data)
        model = Model(manifest, artefact.content)
        answers = {name: engines.ENGINES[name](None, model, rows) for name in ("trained", "onnxruntime")}
        pairs = list(certificate.compare(manifest, answers, np.ones(rows.num_rows, bool)))
        assert [pair.output for pair in pairs] == list(manifest.outputs)  # the raw score too
        assert all(pair.status == "equal" and pair.row_count == rows.num_rows for pair in pairs), pairs
        assert golden_rows.from_bytes(golden_rows.to_bytes(rows)).equals(rows)


def test_they_hold_what_engines_part_on(fitted) -> None:
    data, ((artefact, manifest), _) = fitted
    rows = golden(artefact, manifest, data)
    assert 300 < rows.num_rows < 1500
    assert rows.select(manifest.numbers + manifest.texts).slice(rows.num_rows - 1).to_pylist() == [
        dict.fromkeys(manifest.numbers + manifest.texts)
    ]
    for name in manifest.numbers:
        values = rows[name].to_numpy()
        assert rows[name].null_count and np.isfinite(values).any()
    numbers = np.column_stack([rows[name].to_numpy() for name in manifest.numbers])
    assert {np.inf, -np.inf, 1e300, 1e-45, 3.4028234663852886e38} <= set(numbers.ravel().tolist())
    for name in manifest.texts:
        assert {"", "a value never seen", None} <= set(rows[name].to_pylist())


def test_thresholds_stand_in_the_column_they_cut(fitted) -> None:
    data, ((artefact, manifest), _) = fitted
    rows = golden(artefact, manifest, data)
    nodes = [n for n in onnx.load_model_from_string(artefact.content).graph.node if "nodes_values" in attributes(n)]
    if not nodes:
        pytest.skip("the model that won has no trees")
    ensemble, near = Ensemble.from_onnx(nodes[0]), 0
    for place, name in enumerate(manifest.numbers):
        cuts = ensemble.threshold[ensemble.feature == place]
        given = rows[name].to_numpy()
        given = given[np.abs(given) < 1e38].astype(np.float32)
        for side in (cuts, np.nextafter(cuts, np.float32(np.inf)), np.nextafter(cuts, np.float32(-np.inf))):
            near += len(np.intersect1d(side, given))
    assert near >= 60


def test_numbers_are_rounded_once_and_texts_keep_null(fitted) -> None:
    data, ((artefact, manifest), _) = fitted
    rows = golden(artefact, manifest, data)
    held = as_dataset(rows, manifest, data)
    assert len(held) == rows.num_rows
    assert all(held.numbers[name].dtype == np.float32 for name in manifest.numbers)
    for name in manifest.texts:
        assert held.texts[name].values().tolist() == [text or "" for text in rows[name].to_pylist()]


def test_amounts_say_how_far_the_target_spreads(fitted) -> None:
    data, models = fitted
    for _, manifest in models:
        assert (SCALE in manifest.extra) == (manifest.target == "deal_value")
        if manifest.target == "deal_value":
            assert 0.3 * np.nanstd(data.won_amount) < manifest.extra[SCALE] < 3 * np.nanstd(data.won_amount)
