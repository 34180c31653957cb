"""Promotion keeps to its rules in SQL and in Python alike, and every change is on record."""

import threading

import certifying
import psycopg
import pytest

from revlayer_udf import certificate, registry
from revlayer_udf.errors import ArtefactError, NoChampion, RegistryError
from revlayer_udf.registry import Metric, ReliabilityBin


@pytest.fixture
def conn(database):
    with database.connect("scorer") as conn:
        yield conn


@pytest.fixture
def add(conn, graphs, manifest_of):
    """Register a model; each bias makes another artefact."""

    def register(bias, **changes):
        artefact = graphs["win"](bias=bias)
        manifest = manifest_of(artefact, **changes)
        return certifying.register(conn, artefact, manifest)

    return register


@pytest.fixture(params=["python", "sql"])
def ways(request, conn):
    """Promote and roll back through either door."""
    if request.param == "python":
        return (
            lambda version: registry.promote(conn, version, "because"),
            lambda target: registry.rollback(conn, target, "because"),
        )

    def call(statement, argument):
        try:
            with conn.transaction():
                return conn.execute(statement, [argument]).fetchone()[0]
        except psycopg.errors.RaiseException as error:
            raise RegistryError(str(error)) from error

    return (
        lambda version: call("select scoring.promote(%s, 'because')", version),
        lambda target: call("select scoring.rollback(%s, 'because')", target),
    )


def test_a_registered_model_is_a_candidate_with_its_figures(conn, graphs, manifest_of):
    artefact = graphs["win"]()
    manifest = manifest_of(artefact, metrics={"brier": 0.1})
    metrics = [
        Metric("test", "model", "(all)", "brier", 0.1, 500),
        Metric("test", "prior", "A, b", "auc", None, 3),
    ]
    bins = [ReliabilityBin("test", "model", "(all)", 1, 50, 0.25, 0.24)]
    assert registry.register(conn, artefact, manifest, metrics, bins)
    assert registry.champion(conn, "deal_win") is None
    assert registry.get(conn, manifest.model_version) == (manifest, artefact)
    [listed] = registry.list_models(conn, "deal_win")
    assert (listed.status, listed.rung, listed.algorithm) == ("candidate", "model", "logistic")
    assert registry.list_models(conn, "deal_value") == []
    found = conn.execute("select segment, value, row_count from scoring.model_metrics order by segment").fetchall()
    assert found == [("(all)", 0.1, 500), ("A, b", None, 3)]
    assert conn.execute("select predicted_mean from scoring.model_reliability").fetchall() == [(0.25,)]
    assert [event.action for event in registry.history(conn, "deal_win")] == ["register"]


def test_registering_again_changes_nothing_but_mends_damage(conn, graphs, manifest_of):
    artefact = graphs["win"]()
    manifest = manifest_of(artefact)
    metric = Metric("test", "model", "(all)", "brier", 0.1, 500)
    assert registry.register(conn, artefact, manifest, [metric])
    certificate.certify(conn, manifest.model_version)
    registry.promote(conn, manifest.model_version, "first")
    conn.execute("update scoring.models set artefact = '\\x00'")
    assert not registry.register(conn, artefact, manifest, [metric])
    assert registry.champion(conn, "deal_win") == (manifest, artefact)
    assert len(registry.history(conn, "deal_win")) == 2


@pytest.mark.parametrize("what", ["features", "outputs", "feature_relation", "entity_key", "artefact_sha256"])
def test_a_version_does_not_stand_for_two_manifests(conn, graphs, manifest_of, what):
    """Else the second would be scored with the columns of the first."""
    artefact = graphs["value"]()
    manifest = manifest_of(artefact, "deal_value")
    assert registry.register(conn, artefact, manifest)
    amount, score, stage = manifest.features
    stored = {
        "features": (score, amount, stage),
        "outputs": manifest.outputs[::-1],
        "feature_relation": "features.ftr_customers",
        "entity_key": "account_id",
        "artefact_sha256": manifest.artefact_sha256[:8] + "0" * 56,
    }
    other = manifest.model_copy(update={what: stored[what]})
    conn.execute("update scoring.models set manifest = %s::jsonb", [other.to_json()])
    with pytest.raises(RegistryError, match=f"registered with another manifest: its {what} differ"):
        registry.register(conn, artefact, manifest)
    labelled = (amount.model_copy(update={"label": "Sum"}), score, stage)
    conn.execute("update scoring.models set manifest = %s::jsonb", [manifest.to_json()])
    assert not registry.register(conn, artefact, manifest.model_copy(update={"features": labelled}))


def test_what_does_not_load_is_not_registered(conn, graphs, manifest_of):
    with pytest.raises(ArtefactError):
        registry.register(conn, graphs["win"](bias=1), manifest_of(graphs["win"]()))
    assert registry.list_models(conn) == []


def test_promotion_retires_the_champion_and_is_on_record(conn, add, ways):
    promote, _ = ways
    first, second = add(0.0), add(1.0)
    promote(first)
    promote(second)
    promote(second)  # changes nothing
    assert registry.champion(conn, "deal_win").manifest.model_version == second
    events = [(e.model_version, e.from_status, e.to_status) for e in registry.history(conn, "deal_win")]
    assert events[2:] == [
        (first, "candidate", "champion"),
        (first, "champion", "retired"),
        (second, "candidate", "champion"),
    ]
    assert {e.reason for e in registry.history(conn, "deal_win")[2:]} == {"because"}
    assert {e.changed_by for e in registry.history(conn, "deal_win")} == {"revlayer_scorer"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"is_temporal_evidence": False}, "no evidence on later data"),
        ({"is_temporal_evidence": False, "rung": "prior"}, "no evidence on later data"),
        ({"beats_baseline": False}, "did not beat its baseline"),
    ],
)
def test_the_gate_refuses(conn, add, ways, changes, message):
    promote, _ = ways
    with pytest.raises(RegistryError, match=message):
        promote(add(0.0, **changes))
    assert registry.champion(conn, "deal_win") is None


@pytest.mark.parametrize("rung", ["prior", "shrinkage"])
def test_lower_rungs_need_not_beat_a_baseline(conn, add, ways, rung):
    version = add(0.0, rung=rung, beats_baseline=False)
    ways[0](version)
    assert registry.champion(conn, "deal_win").manifest.rung == rung


def test_each_rollback_goes_one_model_further_back(conn, add, ways):
    promote, rollback = ways
    versions = [add(float(bias)) for bias in range(4)]
    for version in versions[:3]:
        promote(version)
    assert rollback("deal_win") == versions[1]
    assert rollback("deal_win") == versions[0]
    with pytest.raises(RegistryError, match="no model served deal_win before"):
        rollback("deal_win")
    promote(versions[3])
    assert rollback("deal_win") == versions[0]
    statuses = {m.model_version: m.status for m in registry.list_models(conn)}
    assert list(statuses.values()).count("champion") == 1 and statuses[versions[0]] == "champion"


def test_a_model_promoted_again_rolls_back_to_the_one_between(add, ways):
    promote, rollback = ways
    first, second = add(0.0), add(1.0)
    for version in (first, second, first):
        promote(version)
    assert rollback("deal_win") == second
    assert rollback("deal_win") == first


def test_changed_artefacts_are_neither_promoted_nor_rolled_back_to(conn, add, ways):
    promote, rollback = ways
    first, second, third = add(0.0), add(1.0), add(2.0)
    promote(first)
    promote(second)
    for damaged in (first, third):
        conn.execute("update scoring.models set artefact = '\\x00' where model_version = %s", [damaged])
    with pytest.raises(RegistryError, match="was changed after it was registered"):
        rollback("deal_win")
    with pytest.raises(RegistryError, match="was changed after it was registered"):
        promote(third)
    assert registry.champion(conn, "deal_win").manifest.model_version == second


@pytest.mark.parametrize("name", ["nothing", "x'; drop table scoring.models; --", "", None, '"', "%s"])
def test_names_are_values(conn, add, ways, name):
    promote, rollback = ways
    add(0.0)
    with pytest.raises(RegistryError, match="there is no model"):
        promote(name)
    with pytest.raises(RegistryError, match="no model served"):
        rollback(name)
    assert registry.champion(conn, str(name)) is None
    with pytest.raises(RegistryError, match="there is no model"):
        registry.get(conn, str(name))
    assert len(registry.list_models(conn)) == 1


def test_a_target_without_champion_says_what_to_run(conn):
    with pytest.raises(NoChampion, match="Run: revlayer train"):
        registry.require_champion(conn, "deal_win")


def test_a_manifest_edited_in_the_table_is_refused(conn, add):
    version = add(0.0)
    edited = """update scoring.models set manifest = manifest || '{"feature_relation": "raw.deals; --"}'"""
    conn.execute(edited)
    with pytest.raises(ArtefactError, match="malformed"):
        registry.get(conn, version)
    conn.execute("update scoring.models set artefact_sha256 = repeat('0', 64), manifest = manifest")
    with pytest.raises(ArtefactError):
        registry.get(conn, version)


def test_promotions_at_once_leave_one_champion_and_a_straight_history(database, conn, add):
    versions = [add(float(bias)) for bias in range(6)]

    def promote(version):
        with database.connect("scorer") as other:
            registry.promote(other, version, "race")

    threads = [threading.Thread(target=promote, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [m.status for m in registry.list_models(conn)].count("champion") == 1
    changes = [(e.to_status, e.model_version) for e in registry.history(conn, "deal_win")[6:]]
    served = [version for status, version in changes if status == "champion"]
    assert sorted(served) == sorted(versions)
    assert [version for status, version in changes if status == "retired"] == served[:-1]


def test_a_change_joins_the_callers_transaction(conn, add):
    version = add(0.0)
    with pytest.raises(ZeroDivisionError), conn.transaction():
        registry.promote(conn, version, "undone")
        raise ZeroDivisionError
    assert registry.champion(conn, "deal_win") is None
