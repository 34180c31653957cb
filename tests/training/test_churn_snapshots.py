"""Labelled snapshots: typed features, duplicates in one fold, dated ones in time, telco at its thresholds."""

from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from revlayer import dbt
from revlayer.importing import import_mapping
from revlayer_training import churn_snapshots, evaluation, report, train
from revlayer_training.churn_snapshots import (
    RELATION,
    belonging,
    cross,
    fit_snapshots,
    fit_without_dates,
    from_arrow,
    load_snapshots,
)
from revlayer_training.data_check import check_rows
from revlayer_training.outcome import MODEL, NothingToLearnError
from revlayer_training.splits import stratified_folds
from revlayer_udf import registry
from revlayer_udf.errors import FeatureError
from revlayer_udf.targets import CUSTOMER

MAPPING = Path(__file__).parents[2] / "mappings" / "telco_churn.yml"
DAY, CUTOFF = date(2024, 1, 31), date(2024, 12, 31)


def snapshots(count=600, days=(DAY,), own=True, signal=1.5, seed=1):
    """Snapshots of customers; each day has ``count``. Every tenth repeats the one before."""
    rng = np.random.default_rng(seed)
    total = count * len(days)
    use, late = rng.gamma(2, 4, total).round(), rng.poisson(1.0, total).astype(float)
    plan = rng.choice(["month", "year"], total)
    twins = np.arange(9, total, 10)
    for column in (use, late, plan):
        column[twins] = column[twins - 1]
    margin = -1 + signal * ((use - 8) / 6 + np.where(plan == "month", 0.5, -0.5) * own)
    ids = [f"s{number:05}" for number in range(total)]
    customers = [f"c{number % count}" for number in range(total)] if len(days) > 1 else ids
    as_of = np.repeat(np.array(days, "datetime64[D]"), count)
    window = np.timedelta64(30 if len(days) > 1 else 0, "D")
    table = pa.table({
        "snapshot_id": ids, "customer_id": customers,
        "as_of_date": pa.array(as_of), "time_since_last_use_days": use, "failed_renewals_30d": late,
        "usage_score": pa.nulls(total, pa.float64()), "region": pa.array(rng.choice(["N", "S", None], total)),
        "is_churned": (rng.random(total) < 1 / (1 + np.exp(-margin))).astype(float),
        "label_known_on": pa.array(as_of + window),
    })  # fmt: skip
    names, empty = ["contract"] * total, [None] * total
    further = pa.table({
        "snapshot_id": ids + ids[:-1], "feature_name": names + ["age"] * (total - 1),
        "number_value": pa.array(empty + [float(v) for v in range(total - 1)], pa.float64()),
        "text_value": pa.array(plan.tolist() + empty[:-1], pa.string()),
    })  # fmt: skip
    return from_arrow(table, further if own else further.slice(0, 0))


DAYS = [date(2024, month, 1) for month in range(1, 9)]


def test_further_features_keep_their_type_and_what_is_not_known():
    data = snapshots()
    assert "contract" in data.text_features and "age" in data.number_features
    assert data.own_features == ("age", "contract")
    assert np.isnan(data.numbers["age"][-1]) and data.numbers["age"][5] == 5
    assert set(data.texts["contract"].names) == {"month", "year"}


@pytest.mark.parametrize("name", ["segment_id", "customer_id", "source_name"])
def test_a_feature_called_as_what_every_row_has_is_refused(name):
    table = pa.table({"snapshot_id": ["a"], "customer_id": ["c"], "as_of_date": [DAY], "region": ["N"],
                      "is_churned": [1.0], "label_known_on": [DAY]})  # fmt: skip
    further = pa.table({"snapshot_id": ["a"], "feature_name": [name], "number_value": [None], "text_value": ["x"]})
    with pytest.raises(FeatureError, match=f"is called {name}, as every row has that"):
        from_arrow(table, further)


def test_duplicates_and_snapshots_of_one_customer_belong_together():
    data = snapshots(own=False)
    data.numbers["failed_renewals_30d"][:] = 0
    groups = belonging(data)
    for fit, held in stratified_folds(groups, data.is_churned, 5, 2):
        assert not set(groups[fit]) & set(groups[held])
    assert groups[9] == groups[8] or data.texts["region"].values()[9] != data.texts["region"].values()[8]
    several = snapshots(200, DAYS)
    groups = belonging(several)
    for customer in range(20):
        assert len(set(groups[several.entity == customer])) == 1


def test_folds_have_like_shares():
    y = (np.arange(1000) % 7 == 0).astype(float)
    shares = [y[held].mean() for _, held in stratified_folds(np.arange(1000), y, 5, 3)]
    assert len(shares) == 15 and max(shares) - min(shares) <= 0.01


def test_snapshots_of_one_day_give_a_candidate_without_evidence():
    outcome = fit_without_dates(snapshots(), repeats=1)
    assert outcome.model is not None and not outcome.is_temporal_evidence
    assert outcome.entity.relation == RELATION
    figures = {name: outcome.value("brier", name, "cross_validation") for name in (MODEL, "company_prior")}
    assert figures[MODEL] < figures["company_prior"]
    assert "no evidence on later customers" in outcome.decision.reason
    assert "repeat another" in outcome.notes[0]
    assert "usage_score" not in outcome.model.numbers  # nothing was known of it


@pytest.mark.parametrize(("count", "signal"), [(12, 1.5), (60, 1.5)])
def test_a_handful_of_snapshots_has_no_model(count, signal):
    outcome = fit_snapshots(snapshots(count, signal=signal), CUTOFF)
    assert outcome.model is None and "too few" in outcome.decision.reason
    assert f"{count} snapshots" in outcome.decision.reason


def test_the_check_says_that_one_time_is_no_evidence():
    check = check_rows("customer_churn", RELATION, snapshots(300).rows, CUTOFF)
    said = [finding.text for finding in check.findings]
    assert check.is_trainable and any("stays a candidate" in text for text in said)
    assert any("300 labelled rows, known after 0 days" in text for text in said)


def test_a_single_class_has_no_model():
    data = snapshots(300)
    outcome = fit_snapshots(replace(data, is_churned=np.ones(len(data))), CUTOFF)
    assert outcome.model is None and "300 of customers who left" in outcome.decision.reason


def test_labels_of_the_future_are_not_known():
    with pytest.raises(NothingToLearnError, match="no label"):
        fit_snapshots(snapshots(300), date(2024, 1, 1))


def test_dated_snapshots_are_trained_in_time_and_serve_where_customers_have_the_features():
    outcome = fit_snapshots(snapshots(300, DAYS, own=False), CUTOFF)
    assert outcome.is_temporal_evidence and outcome.decision.rung == "model"
    assert outcome.entity == CUSTOMER
    train_split, validate, test = outcome.splits
    assert train_split.last_date < validate.first_date < test.first_date
    own = fit_snapshots(snapshots(300, DAYS), CUTOFF)
    assert own.entity.relation == RELATION and "contract" in own.notes[-1]


def metrics_of(crossed):
    p, y = crossed.predictions[MODEL], crossed.truth
    return crossed.mean(evaluation.auc), crossed.mean(evaluation.brier), evaluation.expected_calibration_error(y, p)


@pytest.fixture(scope="module")
def telco(make_database, test_data, tmp_path_factory):
    database = make_database("telco")
    with database.connect("loader") as conn:
        import_mapping(conn, MAPPING, test_data / "telco_churn")
        conn.commit()
    select = ["run", "--select", "+ftr_customer_snapshots", "+ftr_customer_snapshot_features"]
    dbt.run(database.settings, select, {"as_of_date": "2018-09-30"}, target_path=tmp_path_factory.mktemp("target"))
    return database


@pytest.mark.slow
def test_telco_by_folds(telco):
    """A part of the customers, once; the whole is in make verify."""
    with telco.connect("scorer") as conn:
        data = load_snapshots(conn, date(2018, 9, 30))
    assert len(data) == 7043 and data.is_churned.sum() == 1869
    assert len(data.own_features) == 18 and np.isnan(data.numbers["total_charges"]).sum() == 11
    part = data.take(np.random.default_rng(1).permutation(len(data)) < 2500)
    crossed, tiers = cross(part, part.is_churned, belonging(part), repeats=1)
    auc, brier, ece = metrics_of(crossed)
    assert auc > 0.83 and brier < 0.145 and ece < 0.03
    for fold, found in zip(crossed.folds, tiers, strict=True):
        rates = found.observed(fold.predictions[MODEL], fold.truth)
        assert rates["low"] < rates["medium"] < rates["high"]


def test_telco_folds_share_no_duplicate_and_know_no_label_of_theirs(telco, monkeypatch):
    with telco.connect("scorer") as conn:
        data = load_snapshots(conn, date(2018, 9, 30))
    part = data.take(np.random.default_rng(2).permutation(len(data)) < 700)
    contents = [*(part.numbers[name].tolist() for name in part.number_features),
                *(part.texts[name].values().tolist() for name in part.text_features)]  # fmt: skip
    rows = [tuple(None if value != value else value for value in row) for row in zip(*contents, strict=True)]
    groups = belonging(part)
    [(fit, held), *others] = list(stratified_folds(groups, part.is_churned, 5, 1))
    for one, other in ((fit, held), *others):
        assert not {rows[i] for i in np.flatnonzero(one)} & {rows[i] for i in np.flatnonzero(other)}
    monkeypatch.setattr(churn_snapshots, "stratified_folds", lambda *_: [(fit, held)])
    turned = np.where(held, 1 - part.is_churned, part.is_churned)
    first, second = (cross(part, y, groups, repeats=1)[0].predictions[MODEL] for y in (part.is_churned, turned))
    np.testing.assert_array_equal(first, second)


def test_without_a_history_snapshots_are_trained(make_database, monkeypatch):
    """Through the registry: what has no dates is kept, and does not serve."""
    monkeypatch.setattr(churn_snapshots, "FOLDS", 2)
    monkeypatch.setattr(churn_snapshots, "fit_without_dates", partial(fit_without_dates, repeats=1))
    database = make_database("snapshots")
    data = snapshots(200)
    with database.connect() as conn:
        conn.execute("create schema if not exists features")
        conn.execute(
            "create table features.ftr_customer_snapshots (snapshot_id text, customer_id text, source_name text,"
            " as_of_date date, known_on date, time_since_last_use_days double precision, is_churned boolean,"
            " label_known_on date)"
        )
        conn.execute(
            "create table features.ftr_customer_snapshot_features (snapshot_id text, feature_name text,"
            " number_value double precision, text_value text)"
        )
        use = data.numbers["time_since_last_use_days"] + np.arange(len(data)) / 1000
        rows = zip(use.tolist(), (data.is_churned > 0).tolist(), strict=True)
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into features.ftr_customer_snapshots values (%s, %s, 't', %s, %s, %s, %s, %s)",
                [(str(i), str(i), DAY, DAY, use, gone, DAY) for i, (use, gone) in enumerate(rows)],
            )
            cursor.execute("grant usage on schema features to public")
            cursor.execute("grant select on all tables in schema features to public")
        result = train(conn, "customer_churn", CUTOFF)
        assert result.model_version is None and len(result.registered) == 1
        manifest = registry.get(conn, result.registered[0]).manifest
        assert not manifest.is_temporal_evidence and manifest.feature_relation == RELATION
        assert manifest.numbers == ("time_since_last_use_days",)
        assert "a candidate, which does not serve (no temporal evidence)" in report.markdown(result)
