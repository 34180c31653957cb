"""Models of real size score alike in their library, ONNX Runtime, compiled SQL and PL/Python, on every row."""

import numpy as np
import parity_models
import pytest
from parity_models import KINDS, TASKS, ParityModel

from revlayer_udf import certificate, engines, registry

ROWS = 20_000
FEW = 400


@pytest.fixture(scope="module", params=[(kind, task) for kind in KINDS for task in TASKS], ids="-".join)
def fitted(request) -> ParityModel:
    return parity_models.fit(*request.param)


@pytest.fixture(scope="module")
def rows(fitted: ParityModel):
    return parity_models.adversarial_rows(fitted.ensemble, ROWS, np.random.default_rng(5))


@pytest.fixture(scope="module")
def empty_database(make_database):
    return make_database("parity")


def assert_equal(fitted: ParityModel, rows, **answers) -> None:
    """Every pair agrees on every row, and every score is finite."""
    answers |= {"trained": fitted.answer(rows), "onnxruntime": engines.score_onnxruntime(None, fitted.model, rows)}
    everywhere = np.ones(rows.num_rows, bool)
    found = list(certificate.compare(fitted.model.manifest, answers, everywhere))
    assert len(found) == len(answers) * (len(answers) - 1) // 2
    for pair in found:
        assert (pair.status, pair.row_count) == ("equal", rows.num_rows), pair
    assert all(np.isfinite(values).all() for answer in answers.values() for values in answer.values())


def test_rows_are_what_they_should_be(fitted: ParityModel, rows) -> None:
    numbers = np.column_stack([rows[name].to_numpy() for name in parity_models.NUMBERS])
    assert np.isinf(numbers).any() and (np.abs(numbers[np.isfinite(numbers)]) > 1e299).any()
    assert all({"", "never seen", None} <= set(rows[name].to_pylist()) for name in parity_models.TEXTS)
    assert all(column.null_count for column in rows.columns)
    at = set(numbers[np.isfinite(numbers)].tolist()) & set(fitted.ensemble.threshold.astype(float).tolist())
    assert len(at) > 300


def test_models_are_of_real_size(fitted: ParityModel) -> None:
    trees, size = fitted.ensemble, (len(fitted.ensemble.roots), fitted.ensemble.depth)
    if fitted.model.manifest.algorithm == parity_models.TITLES["lightgbm"]:
        assert (len(trees.roots), trees.leaf_count) == (300, 300 * 31)
    else:
        assert size in {(100, 5), (100, 10)}


def test_library_onnxruntime_and_case_agree(fitted: ParityModel, rows, empty_database) -> None:
    with empty_database.connect("scorer") as conn:
        assert_equal(fitted, rows, sql=engines.score_sql(conn, fitted.model, rows, "case"))


def test_the_table_of_trees_agrees(fitted: ParityModel, rows, empty_database) -> None:
    few = rows.slice(ROWS - FEW)
    with empty_database.connect("scorer") as conn:
        assert_equal(fitted, few, sql=engines.score_sql(conn, fitted.model, few, "table"))


def test_plpython_agrees(fitted: ParityModel, rows, plpython_database) -> None:
    model = fitted.model
    # One call a row takes its time: all rows for one task of each kind, a tenth for the other.
    held = rows if model.manifest.target == "deal_win" else rows.slice(ROWS - ROWS // 10)
    with plpython_database.connect("scorer") as conn:
        registry.register(conn, model.artefact, model.manifest)
        assert_equal(fitted, held, plpython=engines.score_plpython(conn, model, held))
        conn.rollback()
