"""What the functions' bodies call, tested without a server."""

from math import isfinite

import pytest
from backends import EDGES, Registry, ReportedError

from revlayer_udf import plpython
from revlayer_udf.runtime import Scorer


@pytest.fixture
def model(make_model):
    return make_model()


def columns():
    return [list(column) for column in zip(*EDGES, strict=True)]


def test_row_set_and_kernel_give_the_same_bits(model, edges):
    artefact, manifest = model
    expected = Scorer(artefact, manifest).score(edges)["win_probability"][:, 0].astype(float).tolist()
    backend, plpy = {}, Registry(model)
    rows = [plpython.predict(backend, plpy, manifest.model_version, row) for row in EDGES]
    assert rows == expected
    assert plpython.predict_rows(backend, plpy, manifest.model_version, columns()) == expected
    assert all(map(isfinite, expected))


def test_the_model_is_read_once_per_backend(model):
    backend, plpy, version = {}, Registry(model), model[1].model_version
    assert plpython.warm(backend, plpy, version) == version
    for row in EDGES:
        plpython.predict(backend, plpy, version, row)
    plpython.predict_rows(backend, plpy, version, columns())
    assert plpy.reads == 1
    plpython.predict({}, plpy, version, EDGES[0])
    assert plpy.reads == 2


def test_a_new_version_takes_the_place_of_the_old(make_model):
    old, new = make_model(), make_model(0.5)
    backend, plpy = {}, Registry(old, new)
    before = plpython.predict(backend, plpy, old[1].model_version, EDGES[0])
    assert plpython.predict(backend, plpy, new[1].model_version, EDGES[0]) > before
    assert list(backend["revlayer"]) == [new[1].model_version]


def test_a_changed_artefact_is_refused_each_time(model):
    backend, plpy, version = {}, Registry(model), model[1].model_version
    plpy.rows[version]["artefact"] += b"\0"
    for _ in range(2):
        with pytest.raises(ReportedError, match="was changed after it was registered") as caught:
            plpython.predict(backend, plpy, version, EDGES[0])
        assert caught.value.args[1]["sqlstate"] == "P0001"
        assert "scoring.rollback('deal_win'" in caught.value.args[1]["hint"]
    assert plpy.reads == 2


def test_a_model_that_is_gone_is_named(model):
    with pytest.raises(ReportedError, match="there is no model deal_win__"):
        plpython.predict({}, Registry(), model[1].model_version, EDGES[0])


def test_a_swapped_manifest_is_refused(make_model):
    plpy, (one, other) = Registry(make_model()), (make_model()[1], make_model(0.5)[1])
    plpy.rows[one.model_version]["manifest"] = other.to_json()
    with pytest.raises(ReportedError, match="is that of"):
        plpython.predict({}, plpy, one.model_version, EDGES[0])


def test_what_is_not_finite_is_refused_alike(graphs, manifest_of, edges):
    artefact = graphs["log"]()
    model = artefact, manifest_of(artefact)
    with pytest.raises(ReportedError, match="win_probability is not finite for 1 of 1 rows"):
        plpython.predict({}, Registry(model), model[1].model_version, (1.0, -1.0, None))
    with pytest.raises(ReportedError, match="win_probability is not finite for 2 of 3 rows"):
        arrays = [None, [-1.0, 1.0, 0.0], None]
        plpython.predict_rows({}, Registry(model), model[1].model_version, arrays)


def test_wide_outputs_and_features_of_one_kind(graphs, manifest_of):
    artefact = graphs["close"]()
    model = artefact, manifest_of(artefact, "deal_close_month")
    version = model[1].model_version
    row = plpython.predict({}, Registry(model), version, EDGES[0])
    arrays = plpython.predict_rows({}, Registry(model), version, [[value] for value in EDGES[0]])
    assert len(row) == len(arrays) == 10
    assert [column[0] for column in arrays] == list(row)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([[1.0, 2.0], [1.0], None], "1 to 2 elements"),
        ([[[1.0], [2.0]], [1.0, 2.0], None], "amount is no list of numbers"),
        ([[1.0], [2.0], [3.0]], "stage_name is no list of texts"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model, arrays, message):
    with pytest.raises(ReportedError, match=message):
        plpython.predict_rows({}, Registry(model), model[1].model_version, arrays)


def test_arrays_left_out_are_unknown_and_none_are_no_rows(model):
    backend, plpy, version = {}, Registry(model), model[1].model_version
    assert plpython.predict_rows(backend, plpy, version, [None, None, ["proposal"]]) == [
        plpython.predict(backend, plpy, version, (None, None, "proposal"))
    ]
    assert plpython.predict_rows(backend, plpy, version, [None, None, None]) == []
    assert plpython.predict_rows(backend, plpy, version, [[], [], []]) == []


def test_reasons_add_up_to_the_raw_score(model, edges):
    artefact, manifest = model
    raw = Scorer(artefact, manifest).score(edges, ["margin"])["margin"][:, 0]
    backend, plpy = {}, Registry(model)
    for row, expected in zip(EDGES, raw, strict=True):
        base, score, *reasons = plpython.explain(backend, plpy, manifest.model_version, row)
        assert score == expected
        assert base + sum(value or 0.0 for value in reasons[1::2]) == pytest.approx(score, abs=1e-4)
        assert {name for name in reasons[::2] if name} <= {"Amount", "Lead score", "Stage"}
        sizes = [abs(value) for value in reasons[1::2] if value is not None]
        assert sizes == sorted(sizes, reverse=True)
    assert plpy.reads == 1


def test_a_predictor_and_an_explainer_live_side_by_side(model):
    backend, plpy, version = {}, Registry(model), model[1].model_version
    plpython.predict(backend, plpy, version, EDGES[0])
    plpython.explain(backend, plpy, version, EDGES[0])
    plpython.predict(backend, plpy, version, EDGES[0])
    assert plpy.reads == 2 and len(backend["revlayer"]) == 2
