"""Models fitted again at past dates: what was known then decides, and nothing is registered."""

from datetime import date

import numpy as np
import pytest
from forecast_world import World, create_feature_tables, tell_later

from revlayer_training.backtest import run_backtest
from revlayer_training.backtest.refit import fit_served, refitted
from revlayer_udf.forecast.months import month_end
from revlayer_udf.forecast.reading import FALLBACK, TARGETS

WORLD = World(3, per_month=15)
DAYS = [month_end(month) for month in range(WORLD.last - 12, WORLD.last + 1)]
CUTOFF = DAYS[-5]


@pytest.fixture
def company(database):
    with database.connect("transformer") as conn:
        create_feature_tables(conn, WORLD, DAYS)
    return database


def hashes(served):
    return {target: manifest.artefact_sha256 for target, manifest in served.manifests.items()}


def test_what_became_known_later_changes_no_model(company):
    with company.connect("scorer") as conn:
        before = fit_served(conn, CUTOFF)
    assert set(before.manifests) == set(TARGETS) and FALLBACK not in before.version.split()
    with company.connect("transformer") as conn:
        conn.execute("delete from features.ftr_deals where as_of_date > %s", [CUTOFF])
        gone = conn.execute("delete from features.lbl_deal_closings where known_from_on > %s", [CUTOFF])
        assert gone.rowcount > 0
    with company.connect("scorer") as conn:
        assert hashes(fit_served(conn, CUTOFF)) == hashes(before)


def test_what_was_known_otherwise_then_is_learnt_as_it_was(company):
    """Outcomes that are undone and corrected after the cutoff: models and the replay of that day stay the same."""
    with company.connect("scorer") as conn:
        before = hashes(fit_served(conn, CUTOFF))
        replayed = run_backtest(conn, [CUTOFF], through=DAYS[-1], refit_months=1, draws=50, publish=False).table
    with company.connect("transformer") as conn:
        tell_later(conn, CUTOFF)
    with company.connect("scorer") as conn:
        assert hashes(fit_served(conn, CUTOFF)) == before
        found = run_backtest(conn, [CUTOFF], through=DAYS[-1], refit_months=1, draws=50, publish=False).table
    later = ["actual_amount", "actual_probability"]
    assert found.num_rows == replayed.num_rows > 0 and found.drop(later).equals(replayed.drop(later))
    assert not found.equals(replayed)


def test_models_serve_until_the_next_fitting(company):
    told = []
    with company.connect("scorer") as conn:
        served_at = refitted(conn, DAYS[-5], 2, None, lambda what, done, total: told.append(what))
        found = [served_at(day) for day in DAYS[-5:-1]]
    assert found[0] is found[1] and found[2] is found[3] and hashes(found[0]) != hashes(found[2])
    assert told == [f"fitting as of {day}" for day in (DAYS[-5], DAYS[-3])]


def test_a_backtest_that_fits_again_registers_nothing_and_is_published(company):
    with company.connect("scorer") as conn:
        summary = run_backtest(conn, DAYS[-4:-1], refit_months=3, draws=100)
        assert conn.execute("select count(*) from scoring.models").fetchone() == (0,)
        found = conn.execute(
            "select r.model_version, count(*) from scoring.deal_timing_backtests as b"
            " join scoring.published_runs as r on r.run_id = b.run_id group by 1"
        ).fetchall()
    assert summary.value(1, "model").months == 3 and summary.value(1, "crm_probability").months == 3
    assert found == [(None, summary.timing.num_rows)] and summary.timing.num_rows > 0


def test_without_history_the_fallbacks_serve(database):
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(1, months=1, per_month=5.0), [date(2021, 1, 31)])
    with database.connect("scorer") as conn:
        assert fit_served(conn, date(2021, 1, 31)).version.split() == [FALLBACK] * 3


def test_timing_is_held_against_what_became_of_deals(company):
    """Every open deal of a month end is in one bin of each outcome; wins of all months ahead add up to the truth."""
    with company.connect("scorer") as conn:
        rows = run_backtest(conn, DAYS[-4:-3], publish=False, draws=50).timing.to_pylist()
    day = DAYS[-4]
    count = int(WORLD.is_open(day).sum())
    for predictor in ("model", "life_table"):
        for ahead in (1, 2, 3):
            own = [row for row in rows if (row["predictor"], row["months_ahead"]) == (predictor, ahead)]
            for outcome in ("won", "lost", "open"):
                assert sum(row["deal_count"] for row in own if row["outcome"] == outcome) == count
            end = np.datetime64(DAYS[-4 + ahead])
            start = np.datetime64(DAYS[-5 + ahead])
            in_month = WORLD.is_open(day) & (WORLD.closed > start) & (WORLD.closed <= end)
            happened = {row["outcome"]: 0 for row in own}
            for row in own:
                happened[row["outcome"]] += row["happened_count"]
            assert happened["won"] == int((in_month & WORLD.is_won).sum())
            assert happened["lost"] == int((in_month & ~WORLD.is_won).sum())
            assert happened["open"] == int((WORLD.is_open(day) & (WORLD.closed > end)).sum())
            assert happened.get("slipped", 0) <= happened["open"]
