"""Deals without dates: a candidate by cross-validation, and no leak between folds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from revlayer import dbt
from revlayer.importing import import_mapping
from revlayer_training import timeless
from revlayer_training.timeless import fit_without_time, load_timeless, pivot

MAPPING = Path(__file__).parents[2] / "mappings" / "salvirt_b2b.yml"


def deals(count: int, signal: float) -> pa.Table:
    rng = np.random.default_rng(2)
    source = rng.choice(["Referral", "Cold", "Event"], count)
    won = rng.random(count) < np.where(source == "Referral", 0.5 + signal, 0.5 - signal / 2)
    ids = [f"d{number:04}" for number in range(count)]
    return pa.table({
        "deal_id": ids + ids,
        "attribute_name": ["source"] * count + ["size"] * count,
        "attribute_value": source.tolist() + rng.choice(["Big", "Mid", None], count).tolist(),
        "is_won": won.tolist() * 2,
    })  # fmt: skip


def test_deals_without_dates_give_a_candidate_without_evidence() -> None:
    outcome = fit_without_time(pivot(deals(300, 0.4)))
    assert not outcome.is_temporal_evidence
    assert outcome.model is not None
    assert {row.split for row in outcome.metrics} == {"cross_validation"}
    better = outcome.value("brier", "model", "cross_validation")
    assert better < outcome.value("brier", "company_prior", "cross_validation")
    assert "exact duplicates" in outcome.notes[0]
    assert "no evidence on later deals" in outcome.decision.reason


def test_a_handful_of_deals_has_no_model() -> None:
    assert fit_without_time(pivot(deals(12, 0.4))).model is None


def test_nothing_pivots_to_nothing() -> None:
    assert len(pivot(deals(300, 0.4).slice(0, 0))) == 0


@pytest.fixture(scope="module")
def salvirt(make_database, test_data, tmp_path_factory):
    """The 448 real deals, through the mapping and the models of dbt."""
    database = make_database("salvirt")
    with database.connect("loader") as conn:
        import_mapping(conn, MAPPING, test_data / "salvirt_b2b")
        conn.commit()
    folder = tmp_path_factory.mktemp("target")
    dbt.run(database.settings, ["run", "--select", "+ftr_deal_attributes"], {"as_of_date": "2017-01-01"},
            target_path=folder)  # fmt: skip
    with database.connect("scorer") as conn:
        return load_timeless(conn)


@pytest.fixture
def crossed(monkeypatch):
    """Return a function that fits, and gives each fold's (fit, held) and every row's predictions."""
    monkeypatch.setattr(timeless, "REPEATS", 1)
    usual = timeless.cross_validate

    def fit(data):
        folds, found = [], []

        def kept(y, splits, predict):
            folds.extend(splits)
            found.append(usual(y, folds, predict))
            return found[0]

        monkeypatch.setattr(timeless, "cross_validate", kept)
        fit_without_time(data)
        return folds, found[0]

    return fit


def test_salvirt_duplicates_do_not_cross_folds(salvirt, crossed):
    rows = list(zip(*(salvirt.texts[name].values() for name in salvirt.text_features), strict=True))
    assert len(rows) == 448 and 448 - len(set(rows)) > 50
    folds, _ = crossed(salvirt)
    assert len(folds) == 5
    for fit, held in folds:
        seen, asked = ({rows[place] for place in np.flatnonzero(mask)} for mask in (fit, held))
        assert not seen & asked and fit.sum() + held.sum() == 448


def test_salvirt_predictions_do_not_know_the_outcome_they_are_for(salvirt, crossed):
    """Encodings, penalty and weights are fitted without the fold: whoever won, or lost, in it changes none of it."""
    folds, before = crossed(salvirt)
    held = folds[0][1]
    _, after = crossed(replace(salvirt, is_won=np.where(held, ~salvirt.is_won, salvirt.is_won)))
    for name, p in before.folds[0].predictions.items():
        np.testing.assert_array_equal(p, after.folds[0].predictions[name])
    assert not np.array_equal(before.folds[1].predictions["model"], after.folds[1].predictions["model"])
