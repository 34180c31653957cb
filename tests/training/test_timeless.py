import numpy as np
import pyarrow as pa

from revlayer_training.timeless import fit_without_time, pivot


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
