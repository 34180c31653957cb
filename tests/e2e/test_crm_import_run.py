"""A real CRM export as it comes, imported and run whole: the figures that others published of it, in the marts."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from revlayer import pipeline
from revlayer.database import connect
from revlayer.importing import import_mapping
from revlayer_training import report, train_all

MAPPING = Path(__file__).parents[2] / "mappings" / "crm_sales_opportunities.yml"
EXPORTED_ON = date(2017, 12, 31)
WON_BY_MONTH = [1_134_672, 721_932, 1_025_713, 1_338_466, 696_932, 1_050_059, 1_235_264, 731_980, 938_943, 1_131_573]


@pytest.fixture(scope="module")
def crm(make_database, models_only, test_data):
    """The export, imported and run once."""
    made = make_database("crm")
    with connect(made.settings, "loader") as conn:
        import_mapping(conn, MAPPING, test_data / "crm_sales_opportunities")
    pipeline.run(made.settings)
    return made


def rows(database, statement):
    with database.connect("reader") as conn:
        return conn.execute(statement).fetchall()


def test_the_as_of_date_is_the_day_of_the_export(crm):
    assert pipeline.resolve_as_of(crm.settings, None) == EXPORTED_ON


def test_deals_by_stage(crm):
    found = dict(rows(crm, "select stage_name, count(*) from marts.fct_deals group by 1"))
    assert found == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}


def test_won_by_month_is_as_published(crm):
    found = rows(
        crm,
        "select month_start_on, sum(won_amount) from marts.won_deals_summary"
        " where won_amount <> 0 group by 1 order by 1",
    )
    assert [month for month, _ in found] == [date(2017, month, 1) for month in range(3, 13)]
    assert [amount for _, amount in found] == [Decimal(amount) for amount in WON_BY_MONTH]
    assert sum(WON_BY_MONTH) == 10_005_534


def test_open_deals_without_an_account_are_kept_and_visible(crm):
    statement = "select count(*) from marts.fct_deals where account_id is null and is_open"
    assert rows(crm, statement) == [(1425,)]
    assert rows(crm, "select count(*) from marts.deal_scores where account_id is null") == [(1425,)]


def test_open_deals_have_no_amount_of_their_own_and_the_forecast_says_where_it_came_from(crm):
    found = dict(rows(crm, "select amount_source, count(*) from marts.deal_scores group by 1"))
    assert "deal" not in found
    assert sum(found.values()) == 2089


def test_rungs_are_on_every_row_and_the_report_says_what_the_data_support(crm):
    assert rows(crm, "select count(*) from marts.deal_scores where win_rung is null") == [(0,)]
    with crm.connect("scorer") as conn:
        (result,) = train_all(conn, EXPORTED_ON, targets=["deal_win"])
    text = report.markdown(result)
    assert result.rung in ("prior", "shrinkage")
    assert "served" in text and "no evidence" in text.lower()
