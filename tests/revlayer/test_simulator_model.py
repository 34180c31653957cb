"""The generative model: its clock, its exact probabilities, its frozen parameters."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from revlayer.simulator.clock import build_clock, day_number, stream
from revlayer.simulator.events import Scene
from revlayer.simulator.generation import build_scene
from revlayer.simulator.journey import BACK, advance_probability, draw_time, survival, win_from_entry
from revlayer.simulator.parameters import LOST, OPEN_STAGES, STAGES, WON, Parameters, fingerprint
from revlayer.simulator.truth import open_truth, truth_dates, win_probability
from revlayer.simulator.world import build_world

MONTHS, END = 48, date(2025, 12, 31)
#: Changing a parameter changes every simulated company: do it with a line in DECISIONS.md.
FROZEN = "6a8b5d0092b2584c133ba53ae0575bfb8416ed4210d2fd50da723337967a1d88"


@dataclass(frozen=True)
class Evidence:
    """Truth, outcome and stage of deals open at month ends that closed within the history."""

    probability: np.ndarray
    won: np.ndarray
    stage: np.ndarray
    segment: np.ndarray


def make_scene(seed: int, deals: int) -> Scene:
    parameters = Parameters()
    clock = build_clock(parameters, seed, MONTHS, END)
    world = build_world(parameters, clock, seed, deals)
    return build_scene(parameters, world, clock, seed, 0, slice(0, deals))


def gather(scene: Scene) -> Evidence:
    """Deals created in the last year are left out: those still open would be missing at random no more."""
    deals, journey, clock = scene.deals, scene.journey, scene.clock
    rows = np.arange(len(deals))
    final = journey.stage[rows, (journey.at < clock.end).sum(axis=1) - 1]
    usable = (deals.created_at < clock.end - 365) & ((final == WON) | (final == LOST))
    parts = []
    for on in truth_dates(clock, MONTHS):
        moment = day_number(on) + 1.0
        open_rows, probability = open_truth(scene.parameters, deals, journey, clock, on, scene.fates.gone(moment))
        kept = usable[open_rows]
        chosen = open_rows[kept]
        stage = journey.stage[chosen, journey.step_at(moment)[chosen]]
        parts.append((probability[kept], final[chosen] == WON, stage, deals.segment[chosen]))
    return Evidence(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@pytest.fixture(scope="module", params=[1, 2, 3])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    return gather(make_scene(request.param, 12_000))


def test_parameters_are_frozen() -> None:
    assert fingerprint(Parameters()) == FROZEN


def test_truth_is_calibrated(evidence: Evidence) -> None:
    order = np.argsort(evidence.probability)
    for rows in np.array_split(order, 10):
        expected, seen = evidence.probability[rows].mean(), evidence.won[rows].mean()
        # Rows of one deal repeat its outcome, so the standard error is that of about half as many deals.
        error = np.sqrt(expected * (1 - expected) / (len(rows) / 2.5))
        assert abs(expected - seen) < 4 * error + 0.005


def test_truth_is_calibrated_in_every_stage(evidence: Evidence) -> None:
    for stage in range(OPEN_STAGES):
        rows = evidence.stage == stage
        assert abs(evidence.probability[rows].mean() - evidence.won[rows].mean()) < 0.04


def test_truth_separates_within_bounds(evidence: Evidence) -> None:
    assert 0.75 <= roc_auc_score(evidence.won, evidence.probability) <= 0.85


def test_crm_probability_informs_but_is_far_worse_than_truth(evidence: Evidence) -> None:
    crm = np.array([stage.crm_probability for stage in STAGES])[evidence.stage]
    truth = brier_score_loss(evidence.won, evidence.probability)
    assert brier_score_loss(evidence.won, crm) > truth + 0.03
    assert 0.6 < roc_auc_score(evidence.won, crm) < roc_auc_score(evidence.won, evidence.probability) - 0.05


def test_segments_win_differently(evidence: Evidence) -> None:
    rates = [evidence.won[evidence.segment == segment].mean() for segment in range(3)]
    assert rates[0] > rates[1] > rates[2]


def test_cycle_times() -> None:
    scene = make_scene(1, 12_000)
    days = scene.fates.closed_first_at - scene.deals.created_at
    days = days[scene.deals.created_at < scene.clock.end - 400]
    assert 60 < np.median(days) < 90
    assert 140 < np.percentile(days, 95) < 210
    assert (days > 365).mean() < 0.001


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=20))
def test_win_probability_on_entry_solves_the_chain(scores: list[float]) -> None:
    z = np.array(scores)
    value = win_from_entry(z)
    for k in range(OPEN_STAGES):
        forward = advance_probability(z, np.full(len(z), k)) * value[:, k + 1]
        back = BACK[k] * value[:, max(k - 1, 0)]
        np.testing.assert_allclose(value[:, k], forward + back, atol=1e-12)
    assert (np.diff(value, axis=1) >= -1e-12).all()


@given(st.floats(0.001, 0.999), st.floats(1, 100), st.floats(0.6, 3))
def test_stage_times_follow_their_survival(uniform: float, scale: float, shape: float) -> None:
    days = draw_time(np.array([uniform]), scale, shape, 150.0)
    assert 0 <= days[0] <= 150
    assert survival(days, scale, shape, 150.0)[0] == pytest.approx(uniform, abs=1e-9)


@given(st.floats(-4, 4), st.integers(0, OPEN_STAGES - 1))
def test_staying_in_a_stage_lowers_the_chance(score: float, stage: int) -> None:
    days = np.array([0.0, 20.0, 45.0, 90.0, 140.0])
    count = len(days)
    chance = win_probability(
        Parameters(), np.full(count, score), np.full(count, stage), days, np.zeros(count, dtype=bool)
    )
    assert (np.diff(chance) <= 1e-9).all()
    assert ((chance >= 0) & (chance <= 1)).all()


def test_clock_runs_forward_and_pushes_towards_quarter_ends() -> None:
    clock = build_clock(Parameters(), 1, MONTHS, END)
    assert (np.diff(clock.work) > 0).all()
    moments = np.linspace(clock.start, clock.end, 1000)
    np.testing.assert_allclose(clock.to_calendar(clock.to_work(moments)), moments, atol=1e-6)
    scene = make_scene(1, 12_000)
    closed = scene.fates.closed_first_at
    day = np.floor(closed[closed < clock.end]).astype(np.int64)
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    starts = ((month // 3 + 1) * 3).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    assert (starts - day <= 14).mean() > 1.3 * 14 / 91.3


def test_streams_are_independent_by_name_and_chunk() -> None:
    draws = {stream(1, name, chunk).random() for name in ("deals", "journey") for chunk in range(3)}
    assert len(draws) == 6


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(ValueError, match="months"):
        build_clock(Parameters(), 1, 2, END)
