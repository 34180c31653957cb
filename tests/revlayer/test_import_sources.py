"""The mapping files of the project against the data they are for."""

from pathlib import Path

import pytest

from revlayer.importing import import_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
WON_BY_MONTH = [1_134_672, 721_932, 1_025_713, 1_338_466, 696_932, 1_050_059, 1_235_264, 731_980, 938_943, 1_131_573]


@pytest.fixture(scope="module")
def imported(make_database, test_data):
    """A database per source: each has a funnel of its own."""
    made = {}
    for name in ("crm_sales_opportunities", "salvirt_b2b"):
        database = make_database(name[:8])
        with database.connect("loader") as conn:
            summary = import_mapping(conn, MAPPINGS / f"{name}.yml", test_data / name)
        made[name] = (database, summary)
    return made


def ask(imported, name: str, query: str):
    with imported[name][0].connect("loader") as conn:
        return conn.execute(query).fetchall()


CRM, SALVIRT = "crm_sales_opportunities", "salvirt_b2b"


def test_crm_is_taken_whole(imported):
    summary = imported[CRM][1]
    assert summary.read_count == summary.accepted_count == 8800 + 85 + 7 + 35 + 4
    assert summary.rejected_count == 0


def test_crm_stages(imported):
    rows = ask(imported, CRM, "select stage_source_id, count(*) from raw.deals group by 1 order by 1")
    assert rows == [("Engaging", 1589), ("Lost", 2473), ("Prospecting", 500), ("Won", 4238)]


def test_crm_won_amounts_by_month(imported):
    query = """
        select won.occurred_at::date - extract(day from won.occurred_at)::int + 1, sum(amount.new_value::numeric)::int
        from raw.deal_changes as won
        join raw.deal_changes as amount using (deal_source_id, occurred_at)
        where won.field_name = 'stage' and won.new_value = 'Won' and amount.field_name = 'amount'
        group by 1 order by 1"""
    rows = ask(imported, CRM, query)
    assert [amount for _, amount in rows] == WON_BY_MONTH
    assert sum(WON_BY_MONTH) == 10_005_534
    assert (rows[0][0].isoformat(), rows[-1][0].isoformat()) == ("2017-03-01", "2017-12-01")


def test_crm_products_and_accounts(imported):
    query = """
        select count(*) filter (where d.product_source_id = 'GTX Pro'), count(*) filter (where p.source_id is null)
        from raw.deals d left join raw.products p on p.source_id = d.product_source_id"""
    assert ask(imported, CRM, query) == [(1480, 0)]
    query = """
        select count(*) filter (where account_source_id is null),
            count(*) filter (where account_source_id is null and stage_source_id in ('Prospecting', 'Engaging'))
        from raw.deals"""
    assert ask(imported, CRM, query) == [(1425, 1425)]


def test_crm_invents_nothing(imported):
    query = """
        select count(amount), count(expected_close_on), count(*) filter (where occurred_at is null),
            count(*) filter (where occurred_at is null and recorded_at = '2017-12-31')
        from raw.deals"""
    assert ask(imported, CRM, query) == [(0, 0, 500, 500)]
    query = """
        select count(*) from raw.deal_changes c join raw.deals d on d.source_id = c.deal_source_id
        where c.field_name = 'amount' and d.stage_source_id <> 'Won'"""
    assert ask(imported, CRM, query) == [(0,)]
    assert ask(imported, CRM, "select count(win_probability) from raw.stages") == [(0,)]


def test_salvirt_keeps_duplicates_and_says_nothing_about_time(imported):
    summary = imported[SALVIRT][1]
    assert (summary.read_count, summary.rejected_count) == (451, 0)
    rows = ask(imported, SALVIRT, "select stage_source_id, count(*) from raw.deals group by 1 order by 1")
    assert rows == [("Lost", 221), ("Won", 227)]
    duplicates = "select count(*) from raw.deals where source_id not like '%:1'"
    assert ask(imported, SALVIRT, duplicates) == [(83,)]
    attributes = "select count(*), count(distinct name) from raw.entity_attributes where entity = 'deal'"
    assert ask(imported, SALVIRT, attributes) == [(448 * 22, 22)]
    outcomes = """
        select count(*), count(occurred_at), min(recorded_at)::date::text from raw.deal_changes
        where field_name = 'stage'"""
    assert ask(imported, SALVIRT, outcomes) == [(448, 0, "2017-01-01")]


@pytest.mark.parametrize("name", [CRM, SALVIRT])
def test_importing_twice_changes_nothing(imported, test_data, name):
    with imported[name][0].connect("loader") as conn:
        again = import_mapping(conn, MAPPINGS / f"{name}.yml", test_data / name)
    assert again.changed_count == 0
    assert again.accepted_count == imported[name][1].accepted_count


def test_the_example_of_the_tutorial(database):
    folder = MAPPINGS / "example"
    with database.connect("loader") as conn:
        first = import_mapping(conn, folder / "crm.yml", folder)
        again = import_mapping(conn, folder / "crm.yml", folder)
        revenue = conn.execute("select annual_revenue_amount::int from raw.accounts order by source_id").fetchall()
        opened = conn.execute("select occurred_at::text from raw.deals order by source_id limit 1").fetchone()
    assert (first.accepted_count, first.rejected_count, again.changed_count) == (36, 0, 0)
    assert revenue == [(61_250_500,), (540_000_000,), (None,), (1_900_000,)]
    assert opened == ("2025-02-03 08:15:00+00",)
