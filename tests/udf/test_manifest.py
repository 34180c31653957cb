"""Manifests say all that is needed, in one way only."""

import hashlib
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlayer_udf.errors import ArtefactError
from revlayer_udf.manifest import Feature, Manifest, make_version

ARTEFACT = b"bytes of a graph"


def fields(**changes):
    return {
        "algorithm": "logistic",
        "rung": "prior",
        "feature_relation": "features.ftr_deals",
        "entity_key": "deal_id",
        "features": (Feature(name="amount", type="number", label="Amount"),),
        "outputs": ("win_probability",),
        "trained_from_date": None,
        "trained_through_date": None,
        "data_fingerprint": "f",
        "is_temporal_evidence": True,
        "beats_baseline": False,
        **changes,
    }


def make(artefact=ARTEFACT, target="deal_win", trained_on=date(2025, 3, 31), **changes):
    return Manifest.of(artefact, target=target, trained_on=trained_on, **fields(**changes))


def test_version_comes_from_target_cutoff_and_hash():
    assert make_version("deal_win", date(2025, 3, 31), ARTEFACT) == make().model_version
    assert make().model_version == f"deal_win__20250331__{hashlib.sha256(ARTEFACT).hexdigest()[:8]}"


@given(
    metrics=st.dictionaries(st.text(max_size=5), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    label=st.text(min_size=1, max_size=20),
    through=st.none() | st.just(date(2025, 3, 31)),
    horizon=st.none() | st.integers(1, 900),
    extra=st.dictionaries(st.text(max_size=5), st.lists(st.integers() | st.text(max_size=3), max_size=2)),
)
def test_json_round_trip(metrics, label, through, horizon, extra):
    features = (Feature(name="a", type="text", label=label),)
    manifest = make(
        metrics=metrics,
        features=features,
        trained_through_date=through,
        label_horizon_days=horizon,
        extra=extra,
    )
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surprise": 1}, "surprise"),
        ({"is_temporal_evidence": "yes"}, "is_temporal_evidence"),
        ({"metrics": {"brier": float("nan")}}, "finite"),
        ({"trained_through_date": date(2025, 4, 1)}, "cutoff"),
        ({"features": ()}, "features"),
        ({"features": (Feature(name="a", type="text", label="A"),) * 2}, "twice"),
        ({"features": (Feature(name="deal_id", type="text", label="A"),)}, "no feature"),
        ({"feature_relation": "features.ftr_deals; drop table x"}, "feature_relation"),
        ({"rung": "guess"}, "rung"),
        ({"target": "deal_win'; drop table scoring.models; --"}, "target"),
        ({"target": "deal__win"}, "target"),
    ],
)
def test_malformed_manifests_are_refused(changes, message):
    with pytest.raises(ArtefactError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    "change",
    [
        {"model_version": "deal_win__20250331__00000000"},
        {"target": "deal_value"},
        {"new": 1},
        {"outputs": []},
    ],
)
def test_edited_json_is_refused(change):
    text = json.dumps(json.loads(make().to_json()) | change)
    with pytest.raises(ArtefactError, match="Run: revlayer train"):
        Manifest.from_json(text)
