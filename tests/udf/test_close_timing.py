"""The life table against a reckoning by hand, against a world whose law is known, and what it must not see."""

from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from forecast_world import World, create_feature_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from revlayer_udf.forecast import timing
from revlayer_udf.forecast.timing import INTERVALS, LifeTable, life_table, read_life_table
from revlayer_udf.targets import CLOSE_DAYS

counts = st.lists(
    st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=INTERVALS + 1, max_size=INTERVALS + 1
)  # fmt: skip


def reckoned(own, prior):
    """Incidence of winning and losing by interval, deal by deal in fractions."""
    alive, won, lost, result = Fraction(1), Fraction(0), Fraction(0), []
    at_risk = sum(sum(row) for row in own)
    for (wins, losses, censored), (prior_win, prior_loss) in zip(own[:INTERVALS], prior, strict=True):
        exposed = max(Fraction(at_risk) - Fraction(censored, 2), Fraction(0)) + 30
        hazard_won, hazard_lost = (wins + 30 * prior_win) / exposed, (losses + 30 * prior_loss) / exposed
        won, lost = won + alive * hazard_won, lost + alive * hazard_lost
        alive *= max(1 - hazard_won - hazard_lost, Fraction(0))
        result.append((won, lost))
        at_risk -= wins + losses + censored
    return result


@settings(max_examples=25, deadline=None)
@given(st.lists(counts, min_size=1, max_size=3))
def test_incidences_are_those_of_the_counts(stages):
    table = life_table([f"S{n}" for n in range(len(stages))], np.array(stages, dtype=float))
    everything = np.array(stages).sum(axis=0).tolist()
    weak = [tuple(map(Fraction, timing._prior_hazards().tolist()))] * INTERVALS
    overall = reckoned(everything, weak)
    # Hazards of all stages are what each stage is drawn to: from the incidences back.
    hazards, alive = [], Fraction(1)
    for before, (won, lost) in zip([(Fraction(0), Fraction(0)), *overall], overall, strict=False):
        step = (won - before[0], lost - before[1])
        hazards.append(tuple(part / alive if alive else Fraction(0) for part in step))
        alive -= sum(step)
    np.testing.assert_allclose(table.won[-1], [float(won) for won, _ in overall], atol=1e-9)
    for place, own in enumerate(stages):
        found = reckoned(own, hazards)
        np.testing.assert_allclose(table.won[place], [float(won) for won, _ in found], atol=1e-9)
        np.testing.assert_allclose(table.lost[place], [float(lost) for _, lost in found], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(counts, max_size=3))
def test_whatever_was_seen_gives_chances(stages):
    table = life_table([f"S{n}" for n in range(len(stages))], np.array(stages, float).reshape(-1, INTERVALS + 1, 3))
    for curve in (table.won, table.lost, table.lost_unless_won):
        assert np.isfinite(curve).all() and (np.diff(curve, axis=1) >= -1e-12).all() and (curve >= 0).all()
    assert (table.won[:, -1] + table.lost[:, -1] <= 1 + 1e-12).all() and (table.lost_unless_won <= 1).all()


def test_what_is_cut_off_does_not_count_as_lasting():
    """Competing exponentials, followed to random days: incidences are those of the law, not of the closed alone."""
    rng = np.random.default_rng(1)
    size, rate_won, rate_lost = 200_000, 1 / 150, 1 / 60
    days = rng.exponential(1 / (rate_won + rate_lost), size)
    won = rng.random(size) < rate_won / (rate_won + rate_lost)
    seen_until = rng.uniform(1, 200, size)
    place = np.searchsorted(CLOSE_DAYS, np.minimum(days, seen_until))
    outcome = np.where(seen_until < days, 2, np.where(won, 0, 1))
    counted = np.zeros((1, INTERVALS + 1, 3))
    np.add.at(counted, (0, place, outcome), 1)
    table = life_table(["A"], counted)
    total = rate_won + rate_lost
    law = 1 - np.exp(-total * np.array(CLOSE_DAYS))
    seen = np.array(CLOSE_DAYS) < 200
    np.testing.assert_allclose(table.won[0][seen], rate_won / total * law[seen], atol=0.01)
    np.testing.assert_allclose(table.lost[0][seen], rate_lost / total * law[seen], atol=0.01)
    # The share won of all that were followed, as if the others had lasted, is far from it.
    assert (outcome == 0).mean() < rate_won / total - 0.05


def test_unseen_stages_have_the_row_of_all():
    table = LifeTable(["a", "c"], np.zeros(3, int), np.zeros((3, INTERVALS)), np.zeros((3, INTERVALS)))
    np.testing.assert_array_equal(table.rows_of(np.array(["c", "b", "", "a", "z"])), [1, 2, 2, 0, 2])
    empty = life_table([], np.zeros((0, INTERVALS + 1, 3)))
    np.testing.assert_array_equal(empty.rows_of(np.array(["x"])), [0])


def test_only_what_was_known_by_the_date_is_seen(database):
    world, day = World(3, per_month=15), date(2024, 9, 30)
    days = [date(2024, month, last) for month, last in ((6, 30), (7, 31), (8, 31), (9, 30), (10, 31), (11, 30))]
    with database.connect("transformer") as conn:
        create_feature_tables(conn, world, days)
        before = read_life_table(conn, day)
        gone = conn.execute("delete from features.lbl_deals where coalesce(closed_known_on, closed_on) > %s", [day])
        assert gone.rowcount > 0
        conn.execute("delete from features.ftr_deals where as_of_date > %s", [day])
        after = read_life_table(conn, day)
        later = read_life_table(conn, date(2024, 7, 31))
    assert before.deals[-1] > later.deals[-1] > 0
    assert before.stages == after.stages
    for name in ("deals", "won", "lost"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert before.won[-1, -1] > 0 and before.lost[-1, -1] > 0


def test_intervals_hold_their_ends(database):
    """Won after 7 days is in the first interval, after 8 in the second; what closes on the day itself in the first."""
    with database.connect("transformer") as conn:
        conn.execute("create table features.ftr_deals (deal_id text, as_of_date date, stage_name text)")
        conn.execute(
            "create table features.lbl_deals (deal_id text, closed_on date, closed_known_on date, is_won boolean)"
        )
        rows = [("a", "2024-02-07", True), ("b", "2024-02-08", True), ("c", "2024-01-31", False), ("d", None, None)]
        for deal, closed, won in rows:
            conn.execute("insert into features.ftr_deals values (%s, '2024-01-31', 'S')", [deal])
            conn.execute("insert into features.lbl_deals values (%s, %s, %s, %s)", [deal, closed, closed, won])
        table = read_life_table(conn, date(2024, 4, 30))
    assert table.stages == ["S"] and table.deals.tolist() == [4, 4]
    counted = np.zeros((1, INTERVALS + 1, 3))
    counted[0, 0, 0], counted[0, 1, 0], counted[0, 0, 1] = 1, 1, 1
    counted[0, np.searchsorted(CLOSE_DAYS, 90), 2] = 1
    np.testing.assert_allclose(table.won, life_table(["S"], counted).won)
    np.testing.assert_allclose(table.lost, life_table(["S"], counted).lost)


@pytest.mark.parametrize("stage", ["", None])
def test_a_deal_without_a_stage_is_followed_too(database, stage):
    with database.connect("transformer") as conn:
        conn.execute("create table features.ftr_deals (deal_id text, as_of_date date, stage_name text)")
        conn.execute(
            "create table features.lbl_deals (deal_id text, closed_on date, closed_known_on date, is_won boolean)"
        )
        conn.execute("insert into features.ftr_deals values ('a', '2024-01-31', %s)", [stage])
        assert read_life_table(conn, date(2024, 4, 30)).stages == [""]
