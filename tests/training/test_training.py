"""Training against a database: a small company simulated, built and trained by the session's fixture."""

from datetime import date

import numpy as np
import pytest

from revlayer_training import TARGETS, report, train, train_all
from revlayer_training.acceptance import truth_gap
from revlayer_training.datasets import load_dataset
from revlayer_udf import registry


@pytest.fixture
def cutoff(company) -> date:
    with company.connect("scorer") as conn:
        row = conn.execute("select max(as_of_date) from features.ftr_deals").fetchone()
    return row[0]


def test_training_twice_gives_the_same_version_and_promotes_it(company, cutoff) -> None:
    with company.connect("scorer") as conn:
        first = train(conn, "deal_win", cutoff)
        second = train(conn, "deal_win", cutoff)
        assert first.model_version == second.model_version
        assert registry.champion(conn, "deal_win").manifest.model_version == first.model_version
        stored = registry.get(conn, first.model_version).manifest
        conn.rollback()
    assert stored.is_temporal_evidence
    assert stored.extra["test_from_date"]
    assert len(stored.data_fingerprint) == 64


def test_features_of_before_an_upgrade_are_read_without_what_they_lack(company, cutoff) -> None:
    with company.connect() as conn:
        whole = load_dataset(conn, cutoff)
        conn.execute("alter table features.ftr_deals drop column list_value_reporting cascade")
        found = load_dataset(conn, cutoff)
        conn.rollback()
    assert len(found) == len(whole) and not np.isnan(whole.numbers["list_value_reporting"]).all()
    assert np.isnan(found.numbers["list_value_reporting"]).all()


def test_value_alone_has_a_horizon_of_its_own(company, cutoff) -> None:
    with company.connect("scorer") as conn:
        with pytest.raises(ValueError, match="horizon"):
            train(conn, "deal_win", cutoff, horizon_days=365)
        result = train(conn, "customer_value", cutoff, max_rows=2000, horizon_days=365)
        manifest = registry.get(conn, result.model_version).manifest
        conn.rollback()
    assert (manifest.label_horizon_days, manifest.extra["horizon_days"]) == (365, 365)


def test_all_targets_are_trained_and_reported(company, cutoff) -> None:
    with company.connect("scorer") as conn:
        results = train_all(conn, cutoff, max_rows=2000)
        conn.rollback()
    assert [result.target for result in results] == list(TARGETS)
    for result in results:
        text = report.markdown(result)
        assert result.model_version in text and result.target in text
        assert result.row_count < 2600


def test_the_model_comes_nearer_to_truth_than_the_prior(company, cutoff) -> None:
    with company.connect("scorer") as conn:
        result = train(conn, "deal_win", cutoff)
        conn.commit()
    with company.connect() as conn:
        gap = truth_gap(conn, result.registered[0])
    assert gap.brier_truth < gap.brier_prior
    assert gap.brier_model < gap.brier_prior


def test_an_unknown_target_is_refused(database) -> None:
    with database.connect("scorer") as conn, pytest.raises(ValueError, match="no target"):
        train(conn, "deal_luck", date(2025, 12, 31))
