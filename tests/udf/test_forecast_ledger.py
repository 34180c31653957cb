"""The ledger: written with what it tells of, never changed, and enough to make a forecast again."""

from datetime import date

import certifying
import pytest
from forecast_world import World, create_feature_tables, tell_later
from psycopg import errors, sql

from revlayer_udf.errors import RevlayerError
from revlayer_udf.forecast import forecast_revenue, ledger
from revlayer_udf.forecast.reproduction import TOLERANCE, reproduce

AS_OF = date(2024, 12, 31)
DATES = [date(2024, 9, 30), date(2024, 10, 31), date(2024, 11, 30), AS_OF]
PUBLISHED = """
select f.month_start_on, f.segment_id, f.closed_amount, f.open_mean_amount, f.created_mean_amount, f.mean_amount,
    f.p10_amount, f.p50_amount, f.p90_amount
from {} as f
order by 1, 2
"""


@pytest.fixture(scope="module")
def company(make_database):
    database = make_database("ledger")
    with database.connect("transformer") as conn:
        create_feature_tables(conn, World(3, per_month=15), DATES)
    return database


@pytest.fixture
def copy(company, make_database):
    return make_database("ledger_copy", source=company)


@pytest.fixture
def conn(copy):
    with copy.connect("scorer") as connection:
        yield connection


def change(database, statement):
    with database.connect("transformer") as other:
        assert other.execute(statement).rowcount > 0


def serve(conn, graphs, manifest_of, bias, version):
    for target, artefact in {
        "deal_win": graphs["win"](bias), "deal_value": graphs["value"](), "deal_close_month": graphs["close"](),
    }.items():  # fmt: skip
        manifest = manifest_of(artefact, target, extra={"test_from_date": "2024-09-30", "note": version})
        certifying.serve(conn, artefact, manifest)
    conn.commit()


def figures(conn, table):
    with conn.transaction():
        return conn.execute(sql.SQL(PUBLISHED).format(sql.Identifier(*table.split(".")))).fetchall()


def entries(conn):
    with conn.transaction():
        return ledger.entries(conn, 9)


def test_the_ledger_says_what_was_published(conn):
    summary = forecast_revenue(conn, AS_OF, draws=200, currency="EUR")
    assert figures(conn, "planning.forecast_ledger_figures") == figures(conn, "scoring.revenue_forecasts")
    [entry] = entries(conn)
    assert (entry.run_id, entry.as_of_date, entry.draw_count) == (summary.run_id, AS_OF, 200)
    assert entry.reporting_currency_code == "EUR" and entry.model_versions == {}
    assert entry.past_as_of_dates == DATES[:-1] and entry.figure_count == summary.row_count


def test_rivals_add_up_to_the_company(conn):
    forecast_revenue(conn, AS_OF, draws=200)
    names = ("stage_weighted", "crm_probability", "naive", "seasonal_naive")
    with conn.transaction():
        for name in names:
            differences = sql.SQL(
                "select month_start_on, sum({0}) filter (where segment_id = '(all)'),"
                " sum({0}) filter (where segment_id <> '(all)') from planning.forecast_ledger_figures group by 1"
            ).format(sql.Identifier(f"{name}_amount"))
            for _, whole, parts in conn.execute(differences):
                assert whole == pytest.approx(parts) and whole >= 0


def test_no_forecast_without_its_row_and_no_row_without_its_forecast(conn, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "digest", lambda table: None)
        with pytest.raises(errors.NotNullViolation):
            forecast_revenue(conn, AS_OF, draws=200)
    assert figures(conn, "scoring.revenue_forecasts") == [] and entries(conn) == []
    with monkeypatch.context() as broken:
        broken.setattr("revlayer_udf.publishing._analyze", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forecast_revenue(conn, AS_OF, draws=200)
    assert entries(conn) == []


def test_a_forecast_is_made_again_from_its_row(copy, conn, graphs, manifest_of):
    """With its own models although others serve now, and after the scoring tables forgot the run."""
    serve(conn, graphs, manifest_of, -3.0, "first")
    forecast_revenue(conn, AS_OF, draws=300, seed=5, horizon=7, fiscal_start_month=2)
    serve(conn, graphs, manifest_of, 1.0, "second")
    forecast_revenue(conn, AS_OF, draws=300, keep=0)
    second, first = entries(conn)
    assert second.win_model_version != first.win_model_version
    with copy.connect("transformer") as other:  # what was known later is not looked at
        tell_later(other, AS_OF)
    for entry in (first, second):
        found = reproduce(conn, entry.ledger_id)
        assert (found.differing, found.reasons) == (0, []) and found.largest <= TOLERANCE
        assert found.compared == entry.figure_count * 11


def test_what_changed_since_is_named(copy, conn):
    forecast_revenue(conn, AS_OF, draws=200)
    [entry] = entries(conn)
    first_deal = "deal_id = (select min(deal_id) from features.ftr_deals where as_of_date = '2024-12-31')"
    change(
        copy, f"update features.ftr_deals set forecast_amount = 1.01 where {first_deal} and as_of_date = '2024-12-31'"
    )
    found = reproduce(conn, entry.ledger_id)
    assert found.differing > 0 and found.largest > TOLERANCE
    assert "open deals of 2024-12-31" in found.reasons[0] and "build features --as-of 2024-12-31" in found.reasons[-1]
    change(copy, "update features.lbl_deal_closings set won_amount_reporting = won_amount_reporting + 1 where is_won")
    assert any("closed deals known on" in reason for reason in reproduce(conn, entry.ledger_id).reasons)


@pytest.mark.parametrize("gone", [AS_OF, DATES[1]])
def test_without_the_features_of_a_day_it_says_how_to_get_them_back(copy, conn, gone):
    forecast_revenue(conn, AS_OF, draws=200)
    [entry] = entries(conn)
    change(copy, f"delete from features.ftr_deals where as_of_date = '{gone}'")
    with pytest.raises(RevlayerError, match=f"no deals of {gone}(.|\n)*build features --as-of 2024-12-31"):
        reproduce(conn, entry.ledger_id)


def test_an_unknown_number_and_changed_figures_are_refused(copy, conn):
    with pytest.raises(RevlayerError, match="no forecast 7") as unknown:
        reproduce(conn, 7)
    assert unknown.value.exit_code == 2
    forecast_revenue(conn, AS_OF, draws=200)
    with copy.connect() as other:
        other.execute("alter table planning.forecast_ledger_figures disable trigger append_only")
        other.execute("update planning.forecast_ledger_figures set p90_amount = p90_amount + 1e-3")
    with pytest.raises(RevlayerError, match="not those that were published"):
        reproduce(conn, entries(conn)[0].ledger_id)


FORGED = (
    "insert into planning.forecast_ledger_figures select 1, month_start_on, 'Forged', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"
    " from planning.forecast_ledger_figures where segment_id = '(all)'"
)


def test_the_scorer_cannot_spoil_an_entry(conn):
    forecast_revenue(conn, AS_OF, draws=200)
    with pytest.raises(errors.RaiseException, match="has all its figures already"), conn.transaction():
        conn.execute(FORGED)
    assert reproduce(conn, 1).differing == 0


def test_figures_added_in_earlier_versions_are_told_apart_from_changed_ones(copy, conn):
    forecast_revenue(conn, AS_OF, draws=200)
    with copy.connect() as other:
        other.execute("alter table planning.forecast_ledger_figures disable trigger no_more_than_published")
        other.execute(FORGED)
    published = entries(conn)[0].figure_count
    with pytest.raises(
        RevlayerError, match=f"published with {published} figures and has {published + 13} now"
    ) as found:
        reproduce(conn, 1)
    assert "select xmin" in str(found.value)
