"""What a compiled function meets outside its model: renamed features, old snapshots, collations, malformed graphs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import psycopg
import pytest
from onnx import TensorProto, helper, numpy_helper

from revlayer_training.graph import Graph
from revlayer_udf.compiler import compile_model, install, uninstall
from revlayer_udf.compiler.program import translate
from revlayer_udf.errors import FeatureError, RegistryError, UnsupportedOperator
from revlayer_udf.manifest import Feature, Manifest
from tests.conftest import Database
from tests.udf.compiler.running import run_onnx, run_sql
from tests.udf.reasons.boosted import boosted, ensemble_of, finished, sample


def trees_model(seed: int = 0) -> tuple[bytes, Manifest]:
    """Sigmoid of twenty boosted trees over n0 to n3, with a raw score."""
    x, y = sample(600, 4, seed)
    graph = Graph([f"n{place}" for place in range(4)], [])
    return finished(graph, graph.add_node(ensemble_of(boosted(x, y, 20)).to_onnx(), "numeric"))


def renamed(manifest: Manifest, names: tuple[str, ...]) -> Manifest:
    features = tuple(
        Feature(name=name, type=old.type, label=old.label) for name, old in zip(names, manifest.features, strict=True)
    )
    return manifest.model_copy(update={"features": features})


def test_features_that_change_places_or_names_are_called_by_their_names(conn: psycopg.Connection) -> None:
    conn.execute("select 1")
    artefact, manifest = trees_model()
    for names in (("n0", "n1", "n2", "n3"), ("n1", "n0", "n3", "n2"), ("a", "b", "c", "d")):
        assert len(install(conn, compile_model(artefact, renamed(manifest, names)))) == 3
        call = ", ".join(f"{name} => {place}" for place, name in enumerate(names))
        by_name = f"select win_probability from scoring.predict_deal_win({call})".encode()
        in_order = "select win_probability from scoring.predict_deal_win(0, 1, 2, 3)"
        assert conn.execute(by_name).fetchone() == conn.execute(in_order).fetchone()


def test_a_view_over_a_function_whose_features_are_renamed_is_named(conn: psycopg.Connection) -> None:
    conn.execute("select 1")
    artefact, manifest = trees_model()
    install(conn, compile_model(artefact, manifest))
    conn.execute("create view pg_temp.live as select * from scoring.predict_deal_win(1)")
    with pytest.raises(RegistryError, match=r"view .*live depends"):
        install(conn, compile_model(artefact, renamed(manifest, ("a", "b", "c", "d"))))


@pytest.mark.parametrize("name", ["é" * 32, "x" * 62 + "é"])
def test_a_name_that_postgresql_would_cut_is_refused(name: str) -> None:
    artefact, manifest = trees_model()
    with pytest.raises(FeatureError, match="cuts names at 63 bytes"):
        compile_model(artefact, renamed(manifest, (name, "b", "c", "d")))


def test_a_target_named_like_another_ones_set_function_is_refused(manifest_of: Any) -> None:
    artefact = codes_model()
    manifest = manifest_of(artefact, "deal_win_rows", features=(Feature(name="city", type="text", label="City"),))
    with pytest.raises(FeatureError, match="set function of another target, deal_win"):
        compile_model(artefact, manifest)


@pytest.fixture(scope="module", params=["make_database", "make_plpython_database"], ids=["embedded", "system"])
def server(request: pytest.FixtureRequest) -> Iterator[Database]:
    yield request.getfixturevalue(request.param)("surroundings")


def test_a_snapshot_older_than_the_trees_raises_an_error(server: Database) -> None:
    """It sees the new function but none of its rows, whose sum would be a score of nothing."""
    artefact, manifest = trees_model()
    with server.connect("scorer") as conn, server.connect("reader") as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("select from pg_catalog.pg_class limit 1")
        install(conn, compile_model(artefact, manifest, form="table"))
        conn.commit()
        for call in ("predict_deal_win(1)", "explain_deal_win(1)", "predict_deal_win_rows(array[1])"):
            with (
                pytest.raises(psycopg.errors.InvalidTextRepresentation, match="20 trees, this transaction sees 0"),
                old.transaction(),
            ):
                old.execute(f"select * from scoring.{call}".encode())
        old.rollback()
        assert old.execute("select * from scoring.predict_deal_win(1)").fetchone()
        old.rollback()
        uninstall(conn, "deal_win")
        conn.commit()


def codes_model() -> bytes:
    """The code of a text among thirty, -1 of others."""
    texts = [*(f"berlin {place}" for place in range(29)), "Berlin"]
    graph = Graph([], ["city"])
    code = graph.add("LabelEncoder", "categorical", domain="ai.onnx.ml", keys_strings=texts,
                     values_floats=[float(place) for place in range(30)], default_float=-1.0)  # fmt: skip
    return graph.serialize({"code": (code, 1)})


def install_codes(conn: psycopg.Connection, manifest_of: Any) -> None:
    artefact = codes_model()
    features = (Feature(name="city", type="text", label="City"),)
    install(conn, compile_model(artefact, manifest_of(artefact, features=features)))


def test_texts_are_compared_by_bytes_whatever_the_columns_collation(server: Database, manifest_of: Any) -> None:
    with server.connect() as conn:
        try:
            conn.execute(
                "create collation public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            )
        except psycopg.errors.FeatureNotSupported:
            assert conn.info.server_version >= 180000  # the embedded server is built without ICU, the other is not
            return
        install_codes(conn, manifest_of)
        found = conn.execute(
            "select code from (values ('BERLIN' collate public.any_case), ('Berlin'), ('berlin 7'), ('berlin 7 '))"
            " as v (city) cross join lateral scoring.predict_deal_win(city)"
        ).fetchall()
        assert found == [(-1.0,), (29.0,), (7.0,), (-1.0,)]
        conn.rollback()


def test_texts_of_two_collations_put_together_are_compared(server: Database, manifest_of: Any) -> None:
    with server.connect() as conn:
        install_codes(conn, manifest_of)
        found = conn.execute(
            """select code from (values ('berlin ' collate "C", '7' collate "POSIX")) as v (a, b)"""
            " cross join lateral scoring.predict_deal_win(a || b)"
        ).fetchall()
        assert found == [(7.0,)]
        conn.rollback()


def graph_of(nodes: list[onnx.NodeProto], width: int, constants: dict[str, Any] | None = None) -> onnx.ModelProto:
    made = helper.make_graph(
        nodes, "given", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in (constants or {}).items()],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=imports, ir_version=8)


def test_a_step_after_a_scaler_sees_what_onnxruntime_sees(conn: psycopg.Connection) -> None:
    random = np.random.default_rng(0)
    offset, scale = random.normal(size=4) * 3, 1 / random.uniform(0.1, 9, 4)
    scaler = helper.make_node(
        "Scaler", ["x"], ["scaled"], domain="ai.onnx.ml", offset=offset.tolist(), scale=scale.tolist()
    )
    nodes = [scaler, helper.make_node("Mul", ["scaled", "large"], ["wide"]), helper.make_node("Floor", ["wide"], ["y"])]
    model = graph_of(nodes, 4, {"large": np.float32(2**22)})
    feeds = {"x": random.normal(size=(300, 4)).astype(np.float32)}
    np.testing.assert_array_equal(run_sql(conn, model, feeds)[0].astype(np.float32), run_onnx(model, feeds)[0])


def sparse_constant() -> onnx.ModelProto:
    model = graph_of([helper.make_node("MatMul", ["x", "w"], ["y"])], 2)
    values = numpy_helper.from_array(np.array([2.0], np.float32), "w")
    places = numpy_helper.from_array(np.array([1], np.int64), "places")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [2, 1]))
    return model


def node_of(operator: str, **attributes: Any) -> onnx.ModelProto:
    return graph_of([helper.make_node(operator, ["x"], ["y"], domain="ai.onnx.ml", **attributes)], 1)


# All but the last load in ONNX Runtime.
ODD = {
    "MatMul": sparse_constant(),
    "Identity": graph_of([helper.make_node("Identity", ["z"], ["y"]), helper.make_node("Neg", ["x"], ["z"])], 1),
    "TreeEnsembleRegressor": node_of("TreeEnsembleRegressor", n_targets=1),
    "Binarizer": node_of("Binarizer", threshold=float("nan")),
    "LabelEncoder": node_of("LabelEncoder", keys_floats=[1.0], values_strings=[b"\xff"]),
    "Gather": graph_of([helper.make_node("Gather", ["x", "i"], ["y"], axis=1)], 1, {"i": np.array([5])}),
}


@pytest.mark.parametrize("operator", ODD)
def test_a_graph_that_does_not_fit_is_refused_by_the_name_of_the_operator(operator: str) -> None:
    with pytest.raises(UnsupportedOperator, match=f"^{operator} cannot be compiled"):
        translate(ODD[operator])
