"""Contracts and shops in one artefact: tiers, figures, decisions and reasons are those of the kind."""

from itertools import pairwise

import numpy as np
import pytest
from customer_rows import LAST, leavers
from hypothesis import given
from hypothesis import strategies as st

from revlayer_training import report
from revlayer_training.churn import fit_customer_churn
from revlayer_training.churn_rows import ChurnRows
from revlayer_training.export import check_parity, run
from revlayer_training.outcome import MODEL
from revlayer_training.shap_agreement import frame
from revlayer_training.tiers import KindTiers, Tiers
from revlayer_training.training import TrainingResult, make_manifest
from revlayer_udf.reasons import ReasonScorer, exact_contributions

OUTPUT = "churn_probability"
KINDS = ("contractual", "noncontractual")
# Features of leavers() that customers of the other kind do not have.
OF_CONTRACTS, OF_SHOPS = {"time since last use days"}, {"days since last order"}


def mixed(**settings):
    """Few contracts end, half of the shoppers never come back; and some of what could be known is not."""
    data, cutoff = leavers(**{"customers": 1200, "level": -3.0, "shop_level": 0.3, **settings})
    data.numbers["tickets_30d"][::3] = np.nan
    return data, cutoff


@pytest.fixture(scope="module")
def fitted():
    data, cutoff = mixed()
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.decision.rung == "model", outcome.decision.reason
    return data, outcome


@pytest.fixture(scope="module")
def half_won():
    """Nothing tells which shopper leaves."""
    data, cutoff = mixed(shop_signal=0.0)
    return data, fit_customer_churn(data, cutoff)


def held_out(data, outcome):
    """Probabilities of the test's customers, and which of them have a contract."""
    held = data.take(data.as_of >= np.datetime64(outcome.splits[-1].first_date))
    return run(outcome.served, held)[OUTPUT][:, 0], ChurnRows.of(held).is_contractual


def test_each_kind_has_customers_of_every_tier(fitted):
    data, outcome = fitted
    p, contract = held_out(data, outcome)
    # Thresholds of both kinds together would leave few contracts above low.
    assert (p[contract] >= np.quantile(p, 0.7)).mean() < 0.15 and (p[contract] >= np.quantile(p, 0.9)).mean() < 0.05
    tiers = KindTiers.of_manifest(outcome.served.extra, KINDS)
    for kind, rows in zip(KINDS, (contract, ~contract), strict=True):
        shares = np.bincount(tiers.by_kind[kind].of(p[rows]), minlength=3) / rows.sum()
        assert 0.55 < shares[0] < 0.85 and shares[1] > 0.1 and shares[2] > 0.03
        rates = [outcome.value(f"{tier}_tier_observed_rate", segment=f"({kind})") for tier in ("low", "medium", "high")]
        assert rates[0] < rates[1] < rates[2]
        assert outcome.value("low_tier_share", segment=f"({kind})") == pytest.approx(shares[0], abs=0.05)


def test_figures_of_a_kind_are_not_those_of_telling_the_kinds_apart(fitted):
    outcome = fitted[1]
    for kind in KINDS:
        own = outcome.value("auc", segment=f"({kind})")
        assert 0.6 < own < outcome.value("auc")
        assert outcome.value("auc", "company_prior", segment=f"({kind})") == 0.5
        assert outcome.value("ece", segment=f"({kind})") < 0.06
        bins = [row for row in outcome.reliability if (row.predictor, row.segment) == (MODEL, f"({kind})")]
        assert len(bins) == 10
    # The rates of the two kinds alone look like a model of leaving.
    assert outcome.value("auc", "company_prior") > 0.7


def test_the_report_tells_the_kinds_apart(fitted):
    _, outcome = fitted
    result = TrainingResult("customer_churn", "v", "model", ("v",), 1, LAST, outcome, outcome.decision.reason)
    text = report.markdown(result)
    places = [text.index(f"### {part}") for part in
              ("Contractual customers", "Noncontractual customers", "Both kinds together")]  # fmt: skip
    assert places == sorted(places)
    for start, end in pairwise(places):
        part = text[start:end]
        assert "**this version**" in part and "| high |" in part and "| 10 |" in part


def test_reasons_name_only_what_the_customer_has(fitted):
    data, outcome = fitted
    manifest = make_manifest(outcome, outcome.served, data, LAST)
    held = data.take(np.arange(len(data)) % 5 == 0)
    scored = ReasonScorer(outcome.served.content, manifest).score(frame(held, manifest))
    top, contract = scored.top(3), ChurnRows.of(held).is_contractual
    columns = {feature.label: feature for feature in manifest.features}
    shown = 0
    for rank in range(3):
        for row, label in enumerate(top.label_column(rank).to_pylist()):
            if label is None:
                continue
            feature = columns[label]
            known = (
                not np.isnan(held.numbers[feature.name][row]) if feature.type == "number"
                else held.texts[feature.name].values()[row] != ""
            )  # fmt: skip
            assert known, (row, label)
            assert label not in (OF_SHOPS if contract[row] else OF_CONTRACTS)
            shown += 1
    assert shown > 2 * len(held)
    # Not only are they not shown: what the other kind has moves no score.
    for labels, rows in ((OF_SHOPS, contract), (OF_CONTRACTS, ~contract)):
        places = [list(columns).index(label) for label in labels]
        assert not scored.contributions[rows][:, places].any()
    # A customer is compared with those of its kind.
    assert len(np.unique(scored.base_score[contract])) == len(np.unique(scored.base_score[~contract])) == 1
    assert scored.base_score[contract][0] < scored.base_score[~contract][0]
    total = scored.base_score + scored.contributions.astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(total, scored.raw_score, atol=1e-5)


def test_exact_reasons_take_the_side_of_the_kind(fitted):
    data, outcome = fitted
    manifest = make_manifest(outcome, outcome.served, data, LAST)
    held = data.take(np.arange(len(data)) % 150 == 0)
    rows = frame(held, manifest)
    base, exact = exact_contributions(outcome.served.content, manifest, rows)
    scored = ReasonScorer(outcome.served.content, manifest).score(rows)
    np.testing.assert_allclose(base + exact.sum(axis=1), scored.raw_score, atol=1e-4)
    np.testing.assert_allclose(base, scored.base_score, atol=1e-5)


def test_a_kind_whose_model_wins_nothing_is_served_its_rate(half_won):
    data, outcome = half_won
    assert outcome.decision.rung == "model" and outcome.served is outcome.model
    assert "noncontractual: no evidence that the model beats" in outcome.decision.reason
    served = run(outcome.served, data)
    contract = ChurnRows.of(data).is_contractual
    assert set(served["rung"][contract, 0]) == {2} and set(served["rung"][~contract, 0]) == {1}
    segments = data.segments.codes
    assert all(len(set(served[OUTPUT][~contract & (segments == code), 0])) == 1 for code in range(3))
    assert len(set(served[OUTPUT][contract, 0])) > 100
    assert outcome.served.extra["rungs"] == {"contractual": "model", "noncontractual": "shrinkage"}
    tiers = outcome.served.extra["tiers"]
    assert tiers["noncontractual"] == {"medium_from": 0.4, "high_from": 0.7} != tiers["contractual"]
    assert check_parity(outcome.served, data)["parity_rows"] == len(data)
    # What the rate says is beside itself in the figures: no worse and no better.
    own, rate = (outcome.value("brier", name, segment="(noncontractual)") for name in (MODEL, "segment_prior"))
    assert own == pytest.approx(rate, abs=1e-6)


def test_a_rate_has_no_reasons(half_won):
    data, outcome = half_won
    manifest = make_manifest(outcome, outcome.served, data, LAST)
    held = data.take(np.arange(len(data)) % 20 == 0)
    scored = ReasonScorer(outcome.served.content, manifest).score(frame(held, manifest))
    contract = ChurnRows.of(held).is_contractual
    assert (scored.top(3).codes[~contract] == -1).all() and (scored.top(3).codes[contract, 0] >= 0).all()
    assert len(set(scored.raw_score[~contract])) == 1


def test_where_no_model_wins_both_kinds_are_served_their_rates():
    data, cutoff = mixed(signal=0.0, shop_signal=0.0)
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.served is outcome.fallback and outcome.model is not None
    p, contract = held_out(data, outcome)
    assert p[contract].max() < 0.15 < 0.4 < p[~contract].min()
    assert outcome.value("brier", "segment_prior") < outcome.value("brier", "company_prior") + 0.01


def test_a_company_of_one_kind_has_one_model():
    data, cutoff = leavers(customers=600, share_contractual=1.0)
    outcome = fit_customer_churn(data, cutoff)
    assert set(outcome.served.extra["tiers"]) == {"contractual"}
    assert "rungs" not in outcome.served.extra and "contractual:" not in outcome.decision.reason
    assert not [row for row in outcome.metrics if row.segment == "(contractual)"]


def test_too_few_of_a_kind_for_a_model():
    data, cutoff = mixed(customers=600, share_contractual=0.95)
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.decision.rung == "model", outcome.decision.reason
    assert "noncontractual: 30 customers of which" in outcome.decision.reason
    assert set(run(outcome.served, data)["rung"][:, 0]) == {0, 2}


pairs = st.tuples(st.floats(0.01, 0.98), st.floats(0.01, 0.98)).filter(lambda ends: ends[0] < ends[1])


@given(st.dictionaries(st.sampled_from(KINDS), pairs), st.lists(st.floats(0, 1), max_size=30), st.integers(0, 2**30))
def test_what_the_manifest_holds_gives_the_same_tiers(by_kind, p, bits):
    tiers = KindTiers({kind: Tiers(*ends) for kind, ends in by_kind.items()})
    read = KindTiers.of_manifest(tiers.extra, KINDS)
    p = np.array(p)
    contract = np.array([bits >> place & 1 for place in range(len(p))], bool)
    masks = {"contractual": contract, "noncontractual": ~contract}
    assert (read is None) == (not by_kind)
    if read is not None:
        np.testing.assert_array_equal(tiers.of(p, masks), read.of(p, masks))
        for value, has_contract, tier in zip(p, contract, read.of(p, masks), strict=True):
            medium, high = by_kind.get(KINDS[0] if has_contract else KINDS[1], (0.4, 0.7))
            assert tier == (2 if value >= high else 1 if value >= medium else 0)


@pytest.mark.parametrize(
    ("extra", "medium"),
    [
        ({"tiers": {"medium_from": 0.1, "high_from": 0.3}}, 0.1),  # of a model without kinds
        ({}, None), ({"tiers": None}, None), ({"tiers": "unknown"}, None), ({"tiers": {}}, None),
    ],
)  # fmt: skip
def test_other_manifests_are_read(extra, medium):
    found = KindTiers.of_manifest(extra, KINDS)
    assert (found is None) == (medium is None)
    assert found is None or [found.by_kind[kind].medium_from for kind in KINDS] == [medium, medium]
