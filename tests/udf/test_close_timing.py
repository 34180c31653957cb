"""The life table against a reckoning by hand, against a world whose law is known, and what it must not see."""

from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from forecast_world import World, create_feature_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from revlayer_udf.forecast import timing
from revlayer_udf.forecast.rows import loss_table
from revlayer_udf.forecast.timing import CLASSES, INTERVALS, LifeTable, life_table, read_life_table
from revlayer_udf.targets import CLOSE_DAYS

# Of each stage and class of days, with those of unknown days: deals by interval and outcome.
SHAPE = (CLASSES + 1, INTERVALS + 1, 3)
OPEN = "insert into features.ftr_deals (deal_id, as_of_date, stage_name, days_in_stage)"
CLOSED = (
    "insert into features.lbl_deal_closings (deal_id, closed_on, known_from_on, known_to_on, is_won)"
    " values (%s, %s, %s, %s, %s)"
)


def counts_of(least):
    """Up to two stages' counts."""
    return st.integers(least, 2).flatmap(lambda n: arrays(np.int64, (n, *SHAPE), elements=st.integers(0, 20)))


def reckoned(own, prior):
    """Hazards of winning and losing by interval, deal by deal in fractions."""
    at_risk, result = sum(sum(row) for row in own), []
    for (wins, losses, censored), (prior_win, prior_loss) in zip(own[:INTERVALS], prior, strict=True):
        exposed = max(Fraction(at_risk) - Fraction(censored, 2), Fraction(0)) + 30
        result.append(((wins + 30 * prior_win) / exposed, (losses + 30 * prior_loss) / exposed))
        at_risk -= wins + losses + censored
    return result


def summed(hazards):
    """Incidence of winning and losing by interval."""
    alive, won, lost = Fraction(1), [Fraction(0)], [Fraction(0)]
    for hazard_won, hazard_lost in hazards:
        won.append(won[-1] + alive * hazard_won)
        lost.append(lost[-1] + alive * hazard_lost)
        alive *= max(1 - hazard_won - hazard_lost, Fraction(0))
    return won[1:], lost[1:]


def together(parts):
    """Add counts up."""
    return [[sum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*parts, strict=True)]


def crossed(one, other, overall):
    """One x other / all, within a chance of 1."""
    result = []
    for first, second, every in zip(one, other, overall, strict=True):
        found = [a * b / c for a, b, c in zip(first, second, every, strict=True)]
        result.append([part / max(sum(found), 1) for part in found])
    return result


@settings(max_examples=20, deadline=None)
@given(counts_of(1))
def test_incidences_are_those_of_the_counts(stages):
    table, stages = life_table([f"S{n}" for n in range(len(stages))], stages.astype(float)), stages.tolist()
    weak = [tuple(map(Fraction, timing._prior_hazards().tolist()))] * INTERVALS
    overall = reckoned(together([part for stage in stages for part in stage]), weak)
    by_stage = [reckoned(together(stage), overall) for stage in stages]
    by_class = [reckoned(together([stage[place] for stage in stages]), overall) for place in range(CLASSES)]
    expected = {(row, CLASSES): hazards for row, hazards in enumerate([*by_stage, overall])}
    expected |= {(len(stages), place): hazards for place, hazards in enumerate(by_class)}
    expected |= {
        (row, place): reckoned(stages[row][place], crossed(by_stage[row], by_class[place], overall))
        for row in range(len(stages)) for place in range(CLASSES)
    }  # fmt: skip
    assert len(expected) == table.won[..., 0].size
    for place, hazards in expected.items():
        won, lost = summed(hazards)
        np.testing.assert_allclose(table.won[place], [float(part) for part in won], atol=1e-9)
        np.testing.assert_allclose(table.lost[place], [float(part) for part in lost], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(counts_of(0))
def test_whatever_was_seen_gives_chances(stages):
    table = life_table([f"S{n}" for n in range(len(stages))], stages.astype(float))
    for curve in (table.won, table.lost, table.lost_unless_won):
        assert np.isfinite(curve).all() and (np.diff(curve, axis=-1) >= -1e-12).all() and (curve >= 0).all()
    assert (table.won[..., -1] + table.lost[..., -1] <= 1 + 1e-12).all() and (table.lost_unless_won <= 1).all()
    assert table.deals[-1, -1] == stages.sum()


def test_days_in_the_stage_tell_when_a_deal_is_lost():
    """Deals of the last class are lost in the first interval, others only after the last: few enough tell apart."""
    counted = np.zeros((1, *SHAPE))
    counted[0, -2, 0, 1], counted[0, 0, INTERVALS, 2] = 300, 300
    table = life_table(["S"], counted)
    assert table.lost[0, -2, 0] > 0.9 and table.lost[0, 0, 0] < 0.1
    # A stage that was never seen has what days tell, and unknown days have what the stage tells.
    assert table.lost[1, -2, 0] > 0.9 and table.lost[1, 0, 0] < 0.1
    assert table.lost[0, -1, 0] == pytest.approx(0.5, abs=0.05)


def test_what_is_cut_off_does_not_count_as_lasting():
    """Competing exponentials, followed to random days: incidences are those of the law, not of the closed alone."""
    rng = np.random.default_rng(1)
    size, rate_won, rate_lost = 200_000, 1 / 150, 1 / 60
    days = rng.exponential(1 / (rate_won + rate_lost), size)
    won = rng.random(size) < rate_won / (rate_won + rate_lost)
    seen_until = rng.uniform(1, 200, size)
    place = np.searchsorted(CLOSE_DAYS, np.minimum(days, seen_until))
    outcome = np.where(seen_until < days, 2, np.where(won, 0, 1))
    counted = np.zeros((1, *SHAPE))
    np.add.at(counted, (0, 2, place, outcome), 1)
    table = life_table(["A"], counted)
    total = rate_won + rate_lost
    law = 1 - np.exp(-total * np.array(CLOSE_DAYS))
    seen = np.array(CLOSE_DAYS) < 200
    np.testing.assert_allclose(table.won[0, 2][seen], rate_won / total * law[seen], atol=0.01)
    np.testing.assert_allclose(table.lost[0, 2][seen], rate_lost / total * law[seen], atol=0.01)
    # The share won of all that were followed, as if the others had lasted, is far from it.
    assert (outcome == 0).mean() < rate_won / total - 0.05


def test_unseen_stages_and_unknown_days_have_their_places():
    shape = (3, CLASSES + 1, INTERVALS)
    table = LifeTable(["a", "c"], np.zeros(shape[:2], int), np.zeros(shape), np.zeros(shape))
    rows, columns = table.places_of(np.array(["c", "b", "", "a", "z"]), np.array([14.0, 15.0, np.nan, 91.0, -3.0]))
    np.testing.assert_array_equal(rows, [1, 2, 2, 0, 2])
    np.testing.assert_array_equal(columns, [0, 1, CLASSES, CLASSES - 1, 0])
    empty = life_table([], np.zeros((0, *SHAPE)))
    np.testing.assert_array_equal(empty.rows_of(np.array(["x"])), [0])


def test_only_what_was_known_by_the_date_is_seen(database):
    world, day = World(3, per_month=15), date(2024, 9, 30)
    days = [date(2024, month, last) for month, last in ((6, 30), (7, 31), (8, 31), (9, 30), (10, 31), (11, 30))]
    with database.connect("transformer") as conn:
        create_feature_tables(conn, world, days)
        before = read_life_table(conn, day)
        gone = conn.execute("delete from features.lbl_deal_closings where known_from_on > %s", [day])
        assert gone.rowcount > 0
        conn.execute("delete from features.ftr_deals where as_of_date > %s", [day])
        after = read_life_table(conn, day)
        later = read_life_table(conn, date(2024, 7, 31))
    assert before.deals[-1, -1] > later.deals[-1, -1] > 0 and (before.deals[-1] > 0).all()
    assert before.stages == after.stages
    for name in ("deals", "won", "lost"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert before.won[-1, -1, -1] > 0 and before.lost[-1, -1, -1] > 0


def test_intervals_hold_their_ends(database):
    """Won after 7 days is in the first interval, after 8 in the second; what closes on the day itself in the first."""
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(1, months=0), [])
        rows = [("a", "2024-02-07", True, 14), ("b", "2024-02-08", True, 15), ("c", "2024-01-31", False, None),
                ("d", None, None, -1)]  # fmt: skip
        for deal, closed, won, days in rows:
            conn.execute(f"{OPEN} values (%s, '2024-01-31', 'S', %s)", [deal, days])
            if closed:
                conn.execute(CLOSED, [deal, closed, closed, "9999-12-31", won])
        table = read_life_table(conn, date(2024, 4, 30))
    assert table.stages == ["S"] and table.deals.tolist() == [[2, 1, 0, 0, 0, 4]] * 2
    counted = np.zeros((1, *SHAPE))
    counted[0, 0, 0, 0], counted[0, 1, 1, 0], counted[0, CLASSES, 0, 1] = 1, 1, 1
    counted[0, 0, np.searchsorted(CLOSE_DAYS, 90), 2] = 1
    np.testing.assert_allclose(table.won, life_table(["S"], counted).won)
    np.testing.assert_allclose(table.lost, life_table(["S"], counted).lost)


def test_published_rows_say_which_deals_they_are_of():
    """Stage and days of a row lead back to its place; every deal finds one row, as the mart joins them."""
    counted = np.random.default_rng(3).integers(0, 9, (2, *SHAPE)).astype(float)
    table = life_table(["A", "B"], counted)
    rows = loss_table(table, date(2024, 4, 30)).to_pylist()
    assert len(rows) == 3 * (CLASSES + 1)
    for stage, days in [("A", 0), ("A", 14), ("B", 15), ("C", 60), ("B", 1000), ("A", None)]:
        names = stage if stage in table.stages else None
        (found,) = [
            row for row in rows if row["stage_name"] == names
            and (row["days_in_stage_from"] is None if days is None else row["days_in_stage_from"] is not None
                 and row["days_in_stage_from"] <= days <= (row["days_in_stage_to"] or days))
        ]  # fmt: skip
        (row,), (column,) = table.places_of(np.array([stage]), np.array([np.nan if days is None else days]))
        assert found["deal_count"] == table.deals[row, column]
        assert found["within_30d_probability"] == table.lost_unless_won[row, column, 2]


def test_a_deal_that_was_deleted_is_followed_until_it_left_and_what_is_undone_did_not_happen(database):
    """On each day as known then: lost on 10 March, reopened on the 20th, won on 5 April, deleted on the 15th and
    restored on 10 May."""
    spans = [("2024-03-10", "2024-03-20", False), ("2024-04-05", "2024-04-15", True)]
    expected = {
        (3, 9): (38, 2), (3, 10): (39, 1), (3, 19): (39, 1), (3, 20): (49, 2), (4, 5): (65, 0), (4, 14): (65, 0),
        (4, 15): (65, 2), (4, 30): (65, 2), (5, 10): (100, 2),
    }  # fmt: skip
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(1, months=0), [])
        conn.execute(f"{OPEN} values ('a', '2024-01-31', 'S', 1)")
        for known_from, known_to, won in spans:
            conn.execute(CLOSED, ["a", known_from, known_from, known_to, won])
        conn.execute("insert into features.lbl_deal_removals values ('a', '2024-04-15', '2024-05-10', '2024-04-05')")
        for day, (days, outcome) in expected.items():
            counted = np.zeros((1, *SHAPE))
            counted[0, 0, np.searchsorted(CLOSE_DAYS, days), outcome] = 1
            found = read_life_table(conn, date(2024, *day))
            np.testing.assert_array_equal(found.won, life_table(["S"], counted).won, str(day))
            np.testing.assert_array_equal(found.lost, life_table(["S"], counted).lost, str(day))


@pytest.mark.parametrize("stage", ["", None])
def test_a_deal_without_a_stage_is_followed_too(database, stage):
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(1, months=0), [])
        conn.execute(f"{OPEN} values ('a', '2024-01-31', %s, null)", [stage])
        assert read_life_table(conn, date(2024, 4, 30)).stages == [""]
