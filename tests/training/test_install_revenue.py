"""Install revenue on a simulated app: what serves, what it is held against, and what small or odd data come to."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from install_rows import END, Installs, simulated
from scipy.stats import norm

from revlayer_training.export import run
from revlayer_training.install_columns import ALIASES, InstallColumns
from revlayer_training.install_evaluation import decile_error, normalised_gini
from revlayer_training.install_law import OUTPUTS
from revlayer_training.install_revenue import LabelledInstalls, Trial, fit_install_revenue
from revlayer_training.install_rivals import RIVALS
from revlayer_training.install_two_part import KINDS
from revlayer_training.installs import InstallDataset, empty
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome
from revlayer_training.preprocessing import Texts

BASELINE = "segment_mean"


@pytest.fixture(scope="module")
def app() -> Installs:
    return simulated(40_000, seed=3)


@pytest.fixture(scope="module")
def data(app) -> InstallDataset:
    return app.data()


@pytest.fixture(scope="module")
def outcome(data) -> Outcome:
    return fit_install_revenue(data, END)


def figures(outcome: Outcome, metric: str) -> dict[str, float]:
    return {row.predictor: row.value for row in outcome.metrics if (row.metric, row.segment) == (metric, "(all)")}


def scored(outcome: Outcome, data: InstallDataset) -> dict[str, np.ndarray]:
    return {name: values[:, 0] for name, values in run(outcome.served, data).items()}


def test_every_predictor_is_reported_side_by_side(outcome):
    everyone = {MODEL, BASELINE, *KINDS, *RIVALS}
    for metric in ("gini", "decile_error", "rmse", "mae", "bias", "tweedie_deviance", "auc"):
        found = figures(outcome, metric)
        assert set(found) == everyone, metric
        assert all(value is not None and np.isfinite(value) for value in found.values())
    tenths = {(row.predictor, row.bin) for row in outcome.reliability}
    assert tenths == {(predictor, number) for predictor in everyone for number in range(1, 11)}


def test_the_model_beats_the_segment_mean_and_no_rival_ranks_better(outcome, app, data):
    assert outcome.decision.rung == "model"
    gini = figures(outcome, "gini")
    assert gini[MODEL] > gini[BASELINE] + 0.05
    assert gini[MODEL] > max(gini[name] for name in RIVALS) - 0.02
    deviance = figures(outcome, "tweedie_deviance")
    assert deviance[MODEL] < min(deviance[name] for name in (*RIVALS, BASELINE))
    # The law of the simulator leaves no chance in it: by how much less the model errs from it than the segments do.
    truth, mean = app.truth[: len(data)], scored(outcome, data)["revenue"]
    segments = outcome.fallback.predict(data)["revenue"]
    assert np.mean((mean - truth) ** 2) < 0.75 * np.mean((segments - truth) ** 2)
    assert abs(mean.sum() / truth.sum() - 1) < 0.1


def test_mean_and_quantiles_are_of_one_law(outcome, data):
    found = scored(outcome, data)
    p, mean = found["payer_probability"].astype(np.float64), found["revenue"].astype(np.float64)
    quantiles = np.column_stack([found[name] for name in OUTPUTS[2:]])
    assert (np.diff(quantiles, axis=1) >= 0).all() and (quantiles >= 0).all()
    for share, column in zip((0.5, 0.9, 0.99), quantiles.T, strict=True):
        assert (column[p < 1 - share - 1e-6] == 0).all()
        assert (column[p > 1 - share + 1e-6] > 0).all()
    assert (quantiles[:, 2] > 0).any()
    extra = outcome.served.extra
    payer_median = mean / p / extra["smearing"]
    certain = p > 0.1
    # The 99th percentile is that of a payer at 1 - 0.01 / p.
    wanted = payer_median * np.exp(extra["sigma"] * norm.ppf(1 - 0.01 / p))
    assert np.allclose(quantiles[certain, 2], wanted[certain], rtol=0.02)
    paid = data.revenue[np.isfinite(data.revenue)] > 0
    assert abs(p.mean() - paid.mean()) < 0.005


def test_a_rows_own_outcome_is_in_none_of_its_columns(data):
    labelled = data.take(np.isfinite(data.revenue))
    _, before = InstallColumns.fit(labelled, labelled.revenue)
    changed = labelled.revenue.copy()
    row = int(np.flatnonzero(changed == 0)[5])
    changed[row] = 5_000.0
    _, after = InstallColumns.fit(labelled, changed)
    assert np.array_equal(before.matrix[row], after.matrix[row], equal_nan=True)
    assert not np.array_equal(before.matrix, after.matrix, equal_nan=True)


def test_earlier_installs_teach_and_later_ones_test(data):
    labelled = LabelledInstalls.of(data, END)
    assert not (labelled.train & labelled.test).any()
    first = data.as_of[labelled.test].min()
    assert data.revenue_known_on[labelled.train].max() <= first
    assert 0.6 < labelled.train.sum() / labelled.rows.sum() < 0.75
    hidden = replace(data, revenue=np.where(labelled.test, data.revenue * 3 + 1, data.revenue))
    one, other = (Trial.run(each, labelled, 1).predictions[KINDS[0]]["revenue"] for each in (data, hidden))
    assert np.array_equal(one, other)


def test_labels_known_after_the_cutoff_do_not_teach(app):
    cutoff = END - timedelta(days=200)
    then = app.data(cutoff)
    assert np.isnat(then.revenue_known_on[np.isnan(then.revenue)]).all()
    told = app.data()
    told = told.take(told.as_of <= np.datetime64(cutoff))
    assert np.array_equal(LabelledInstalls.of(then, cutoff).rows, LabelledInstalls.of(told, cutoff).rows)


def test_spellings_are_one_and_unseen_categories_are_the_mean(outcome, data):
    row = np.flatnonzero(data.texts["platform"].values() == "ios")[:1]
    one = data.take(np.isin(np.arange(len(data)), np.repeat(row, 1)))

    def with_text(name: str, value: str | None) -> np.ndarray:
        texts = one.texts | {name: Texts.of([value])}
        found = scored(outcome, replace(one, texts=texts))
        return np.array([found[output][0] for output in OUTPUTS])

    usual = with_text("platform", "ios")
    for spelling in ("iOS", " IOS", "IOS ", "iPhone OS", " iphone os "):
        assert np.array_equal(with_text("platform", spelling), usual), spelling
    assert not np.array_equal(with_text("platform", "android"), usual)
    country = one.texts["country_code"].values()[0]
    assert np.array_equal(with_text("country_code", country.lower()), with_text("country_code", country.upper()))
    for name in ("country_code", "device_family", "platform", "install_source"):
        unseen = with_text(name, "never seen")
        assert np.isfinite(unseen).all() and unseen[1] > 0
        assert np.array_equal(unseen, with_text(name, "nor this"))
        # Between the best and the worst of those seen.
        seen = [with_text(name, value)[1] for value in data.texts[name].names]
        assert min(seen) * 0.5 < unseen[1] < max(seen) * 2, name


def test_aliases_are_those_of_the_project():
    text = (Path(__file__).parents[2] / "dbt_project.yml").read_text(encoding="utf-8")
    assert dict(ALIASES["platform"]) == yaml.safe_load(text)["vars"]["install_platform_names"]


def _first(data: InstallDataset, count: int, payers: int) -> InstallDataset:
    """So many installs with a known label, so many of which paid."""
    known = np.flatnonzero(np.isfinite(data.revenue))
    paid = known[data.revenue[known] > 0][:payers]
    others = known[data.revenue[known] == 0][: count - payers]
    return data.take(np.isin(np.arange(len(data)), np.concatenate([paid, others])))


@pytest.mark.parametrize(
    ("count", "payers", "rung"),
    [(12, 2, "prior"), (12, 0, "prior"), (3000, 0, "prior"), (30, 30, "prior"), (200, 200, "shrinkage"),
     (400, 40, "shrinkage"), (1, 0, "prior")],
)  # fmt: skip
def test_the_ladder_answers_and_says_so(data, count, payers, rung):
    few = _first(data, count, payers)
    outcome = fit_install_revenue(few, END)
    assert outcome.served.rung == outcome.decision.rung == rung
    assert str(count) in outcome.decision.reason
    found = scored(outcome, data)
    assert all(np.isfinite(values).all() for values in found.values())
    assert (np.diff(np.column_stack([found[name] for name in OUTPUTS[2:]]), axis=1) >= 0).all()
    if rung == "prior":
        assert found["payer_probability"][0] == pytest.approx((payers + 0.5) / (count + 1), rel=1e-6)
        assert found["revenue"][0] == pytest.approx(few.revenue.mean(), rel=1e-5)


def test_odd_features_are_held(data):
    some = data.take(np.arange(len(data)) % 2 == 0)
    numbers = some.numbers | {
        "ad_revenue": np.full(len(some), np.nan, np.float32), "event_count": np.ones(len(some), np.float32),
        "session_count": np.where(np.arange(len(some)) % 3 == 0, np.nan, some.numbers["session_count"]),
    }  # fmt: skip
    texts = some.texts | {"region_code": Texts.of([None] * len(some))}
    outcome = fit_install_revenue(replace(some, numbers=numbers, texts=texts), END)
    assert outcome.decision.rung == "model"
    assert {"ad_revenue", "event_count"}.isdisjoint(outcome.served.numbers)
    assert "region_code" not in outcome.served.texts


def test_nothing_is_learnt_where_no_window_has_ended(app):
    with pytest.raises(NothingToLearnError, match="no window"):
        fit_install_revenue(empty(), END)
    with pytest.raises(NothingToLearnError):
        fit_install_revenue(app.data(date(2023, 7, 4)), date(2023, 7, 4))


def test_the_same_data_and_seed_give_the_same_artefact(data):
    some = data.take(np.arange(len(data)) % 4 == 1)
    assert fit_install_revenue(some, END).served.content == fit_install_revenue(some, END).served.content


def test_figures_by_hand():
    revenue = np.array([0.0, 0, 0, 10])
    assert normalised_gini(revenue, revenue) == 1
    assert normalised_gini(revenue, -revenue) == -1
    assert normalised_gini(revenue, np.ones(4)) == 0
    assert normalised_gini(np.zeros(4), revenue) is None
    # The payer stands second: half of the way from the middle to the top.
    assert normalised_gini(revenue, np.array([0.0, 1, 3, 2])) == pytest.approx(1 / 3)
    paid = np.repeat([0.0, 2.0], 50)
    assert decile_error(paid, paid) == 0
    assert decile_error(paid, paid[::-1]) == pytest.approx(2.0)
    assert decile_error(np.zeros(3), np.ones(3)) is None
