"""The forecast as a published run: parts, fallbacks, replacement, and what it must not see."""

from datetime import date

import certifying
import numpy as np
import pytest
from forecast_world import World, create_feature_tables, tell_later

from revlayer_udf.errors import PredictionError
from revlayer_udf.forecast import forecast_revenue
from revlayer_udf.forecast.honesty import JUDGED_VERSION, honest_from, past_month_ends
from revlayer_udf.forecast.job import past_parts
from revlayer_udf.forecast.reading import load_served, read_closed_deals
from revlayer_udf.forecast.reproduction import reproduce

AS_OF = date(2024, 12, 31)
DATES = [date(2024, 9, 30), date(2024, 10, 31), date(2024, 11, 30), AS_OF, date(2024, 12, 12)]
ROWS = (
    "select month_start_on, segment_id, closed_amount, open_mean_amount, created_mean_amount, mean_amount,"
    " p10_amount, p50_amount, p90_amount, model_version from scoring.revenue_forecasts"
    " where run_id in (select run_id from scoring.published_runs) order by 1, 2"
)


@pytest.fixture
def company(database):
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(3, per_month=15), DATES)
    return database


@pytest.fixture
def conn(company):
    with company.connect("scorer") as connection:
        yield connection


def rows(conn):
    with conn.transaction():
        return conn.execute(ROWS).fetchall()


def serve(conn, graphs, manifest_of, **changes):
    artefacts = {
        "deal_win": graphs["win"](-3.0),
        "deal_value": graphs["value"](),
        "deal_close_month": graphs["close"](),
    }
    for target, artefact in artefacts.items():
        manifest = manifest_of(artefact, target, **changes)
        certifying.serve(conn, artefact, manifest)
    conn.commit()


def assert_sound(found):
    figures = np.array([row[2:9] for row in found], dtype=float)
    closed, open_mean, created, mean, low, middle, high = figures.T
    assert np.isfinite(figures).all() and (figures >= 0).all()
    np.testing.assert_allclose(mean, closed + open_mean + created)
    assert (low <= middle).all() and (middle <= high).all()
    for month in {row[0] for row in found}:
        of_month = [row for row in found if row[0] == month]
        total = next(row[5] for row in of_month if row[1] == "(all)")
        assert total == pytest.approx(sum(row[5] for row in of_month if row[1] != "(all)"))


@pytest.mark.parametrize("as_of", [AS_OF, date(2024, 12, 12)])
def test_without_models_the_crm_and_history_serve(conn, as_of):
    summary = forecast_revenue(conn, as_of, draws=200)
    found = rows(conn)
    assert summary.status == "published" and summary.row_count == len(found) == 13 * 5
    assert summary.model_version is None and {row[9] for row in found} == {"fallback fallback fallback"}
    assert found[0][0] == date(2024, 12, 1)
    assert {row[1] for row in found} == {"(all)", "Unknown", "Large / North", "Large / South", "Small / North"}
    assert_sound(found)


def test_the_serving_models_are_used_and_named(conn, graphs, manifest_of):
    serve(conn, graphs, manifest_of, extra={"test_from_date": "2024-09-30"})
    summary = forecast_revenue(conn, AS_OF, draws=200)
    found = rows(conn)
    assert summary.model_version.startswith("deal_win__")
    assert {row[9].split()[1][:12] for row in found} == {"deal_value__"}
    assert_sound(found)


def test_a_model_fitted_again_is_held_against_the_past_as_it_was_judged(conn, graphs, manifest_of):
    """What it learnt from reaches to the as-of date: alone it would leave no past to set the width by."""
    judged = manifest_of(graphs["win"](1.0), extra={"test_from_date": "2024-09-30"})
    certifying.register(conn, graphs["win"](1.0), judged)
    serve(conn, graphs, manifest_of, extra={"test_from_date": "2024-09-30"})
    again = manifest_of(
        graphs["win"](), extra={"test_from_date": AS_OF.isoformat(), JUDGED_VERSION: judged.model_version}
    )
    certifying.serve(conn, graphs["win"](), again)
    served = load_served(conn)
    assert served.version_of("deal_win") == again.model_version
    assert served.judging.version.split() == [judged.model_version, *served.version.split()[1:]]
    made = {}
    parts = past_parts(conn, AS_OF, served, read_closed_deals(conn, AS_OF), horizon=6, made=made)
    assert [part.as_of for part in parts] == DATES[:3]
    assert {version for version, _ in made} == {served.judging.version}
    conn.commit()
    summary = forecast_revenue(conn, AS_OF, draws=200)
    assert summary.model_version == again.model_version
    (entry,) = conn.execute("select max(ledger_id) from planning.forecast_ledger").fetchone()
    conn.commit()
    made_again = reproduce(conn, entry)
    assert made_again.entry.past_as_of_dates and made_again.differing == 0


def test_without_the_judged_model_there_is_a_forecast_with_no_past_to_judge_by(conn, graphs, manifest_of):
    serve(conn, graphs, manifest_of, extra={"test_from_date": "2024-09-30"})
    gone = {"test_from_date": AS_OF.isoformat(), JUDGED_VERSION: "deal_win__gone"}
    again = manifest_of(graphs["win"](), extra=gone)
    certifying.serve(conn, graphs["win"](), again)
    served = load_served(conn)
    assert served.judging is served
    assert past_parts(conn, AS_OF, served, read_closed_deals(conn, AS_OF), horizon=6) == []
    conn.commit()
    assert forecast_revenue(conn, AS_OF, draws=200).model_version == again.model_version


def test_a_run_replaces_the_one_before_and_repeats_it(conn):
    first = forecast_revenue(conn, AS_OF, draws=200)
    before = rows(conn)
    second = forecast_revenue(conn, AS_OF, draws=200)
    assert second.run_id != first.run_id
    assert rows(conn) == before


def test_closings_known_later_change_nothing(company, conn):
    forecast_revenue(conn, date(2024, 11, 30), draws=200)
    before = rows(conn)
    with company.connect("transformer") as other:
        other.execute("delete from features.ftr_deals where as_of_date > '2024-11-30'")
        gone = other.execute("delete from features.lbl_deal_closings where known_from_on > '2024-11-30'")
        assert gone.rowcount > 0
    forecast_revenue(conn, date(2024, 11, 30), draws=200)
    assert rows(conn) == before


def test_a_day_is_forecast_as_it_was_when_closings_are_undone_later(company, conn):
    """Widths too: they come from forecasts of earlier month ends, made with what was known then."""
    day = date(2024, 11, 30)
    forecast_revenue(conn, day, draws=200)
    before = rows(conn)
    with company.connect("transformer") as other:
        tell_later(other, day)
    forecast_revenue(conn, day, draws=200)
    assert rows(conn) == before


def test_a_date_without_features_still_has_what_closed(conn):
    summary = forecast_revenue(conn, date(2024, 8, 31), draws=200)
    assert summary.row_count > 0
    assert all(row[3] == 0 for row in rows(conn))


def test_a_model_that_fails_leaves_the_forecast_in_place(conn, graphs, manifest_of):
    forecast_revenue(conn, AS_OF, draws=200)
    before = rows(conn)
    broken = graphs["log"]()
    manifest = manifest_of(broken)
    certifying.serve(conn, broken, manifest)
    conn.commit()
    with pytest.raises(PredictionError):
        forecast_revenue(conn, AS_OF, draws=200)
    assert rows(conn) == before


def test_only_dates_after_training_judge(graphs, manifest_of):
    told = manifest_of(graphs["win"](), extra={"test_from_date": "2024-05-31"})
    later = manifest_of(graphs["win"](1.0), extra={"test_from_date": "2024-08-31"})
    silent = manifest_of(graphs["win"](2.0))
    assert honest_from([told, later]) == date(2024, 8, 31)
    assert honest_from([told, silent]) is None
    assert past_month_ends(date(2024, 10, 31), honest_from([told, later]), 12) == [
        date(2024, 8, 31),
        date(2024, 9, 30),
    ]
    assert past_month_ends(date(2024, 10, 31), None, 12) == []
    assert len(past_month_ends(date(2024, 10, 5), honest_from([]), 12)) == 12
