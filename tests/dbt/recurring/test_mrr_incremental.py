"""Tables kept by customer: whatever changed, they come out as a whole rebuild makes them."""

from pathlib import Path

import pytest
from psycopg import sql

from benchmarks.recurring import data
from revlayer import dbt

SELECTION = ["--select", "+fct_mrr_movements", "+fct_mrr_movements_daily", "+fct_mrr_movements_reporting"]
CUSTOMERS = 300
#: What a company does to a few of its customers between two builds.
CHANGES = {
    "a change told late": """
        insert into raw.subscription_changes (source_name, source_id, occurred_at, recorded_at,
            subscription_source_id, subscription_item_source_id, field_name, new_value)
        select 'bench', 'late', timestamptz '2024-06-15', timestamptz '2025-12-30', 'S7', source_id, 'quantity', '40'
        from raw.subscription_items where subscription_source_id = 'S7' limit 1""",
    "another current state": "update raw.subscriptions set ended_at = timestamptz '2024-03-03' where source_id = 'S8'",
    "a deletion": """
        update raw.subscription_items set deleted_at = timestamptz '2025-03-03' where subscription_source_id = 'S9'""",
    "rows that are gone": "delete from raw.subscriptions where source_id in ('S10', 'S11')",
    "items that are gone": "delete from raw.subscription_items where subscription_source_id = 'S12'",
    "another payer": "update raw.subscriptions set billing_customer_source_id = 'C30' where source_id = 'S13'",
    "another payer from a day on": """
        insert into raw.subscription_changes (source_name, source_id, occurred_at, subscription_source_id, field_name,
            old_value, new_value)
        values ('bench', 'payer', timestamptz '2024-06-15', 'S14', 'billing_customer', 'C15', 'C31')""",
    "a new customer": """
        insert into raw.subscriptions (source_name, source_id, occurred_at, billing_customer_source_id, started_at)
        values ('bench', 'new', timestamptz '2025-02-02', 'new', timestamptz '2025-02-02');
        insert into raw.subscription_items (source_name, source_id, occurred_at, subscription_source_id, unit_amount,
            billing_period, currency_code)
        values ('bench', 'new', timestamptz '2025-02-02', 'new', 25, 'month', 'USD')""",
    "another segment": """
        insert into raw.account_changes (source_name, source_id, occurred_at, account_source_id, field_name, new_value)
        values ('bench', 'segment', timestamptz '2024-02-02', 'A40', 'segment', 'Public')""",
    "an item and a change of a subscription that is not there": """
        insert into raw.subscription_items (source_name, source_id, occurred_at, subscription_source_id, unit_amount,
            billing_period, currency_code)
        values ('bench', 'nobody', timestamptz '2025-02-02', 'nobody', 25, 'month', 'USD');
        insert into raw.subscription_changes (source_name, source_id, occurred_at, subscription_source_id,
            subscription_item_source_id, field_name, new_value, reason)
        values ('bench', 'nobody', timestamptz '2025-03-02', 'nobody', 'nobody', 'quantity', '2', 'seats')""",
    "what is not there changes": "update raw.subscription_items set unit_amount = 26 where source_id = 'nobody'",
    "its subscription comes": """
        insert into raw.subscriptions (source_name, source_id, occurred_at, billing_customer_source_id, started_at)
        values ('bench', 'nobody', timestamptz '2025-02-02', 'C70', timestamptz '2025-02-02')""",
    "another reason": "update raw.subscription_changes set reason = 'price' where subscription_source_id = 'S71'",
    "an item moves to another subscription": """
        update raw.subscription_items set subscription_source_id = 'S73'
        where source_id = (select min(source_id) from raw.subscription_items where subscription_source_id = 'S72')""",
    "two customers that are one": """
        insert into raw.entity_links (entity, source_name, source_id, canonical_id)
        values ('billing_customer', 'bench', 'C50', 'both'), ('billing_customer', 'bench', 'C51', 'both')""",
}  # fmt: skip
#: Which of them happen between the same two builds: of other customers each, and what follows on something after it.
BATCHES = (
    ("a change told late", "another current state", "a deletion", "rows that are gone", "items that are gone"),
    ("another payer", "another payer from a day on", "a new customer", "another segment",
     "an item and a change of a subscription that is not there"),
    ("what is not there changes",),
    ("its subscription comes", "another reason", "an item moves to another subscription", "two customers that are one"),
)  # fmt: skip
#: Changes that concern everybody.
CIRCUMSTANCES = {
    "a later rate for an earlier day": """
        insert into raw.exchange_rates (source_name, source_id, occurred_at, from_currency_code, to_currency_code,
            rate, rate_on) values ('bench', 'late', timestamptz '2025-12-29', 'EUR', 'USD', 1.5, '2024-05-31')""",
    "a price": "update raw.prices set unit_amount = 11.5 where source_id = 'P2USD'",
}


class Builds:
    """A database that is built again and again, and what its tables hold."""

    def __init__(self, database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self._staged: list[str] = []  # views, which stand after the first build

    def build(self, *arguments: str, as_of: str = data.AS_OF_DATE, **variables: object) -> None:
        dbt.run(
            self.database.settings,
            ["run", *SELECTION, *self._staged, *arguments],
            {"as_of_date": as_of, "calendar_start_on": "2022-01-01", **variables},
            target_path=self.folder,
        )
        self._staged = ["--exclude", "path:dbt_project/models/staging"]

    def execute(self, statement: str) -> None:
        with self.database.connect() as conn:
            conn.execute(statement.encode())

    def contents(self) -> dict[str, tuple[int, list[str]]]:
        """Of every table kept by customer: the file it is stored in, and its rows as text, in order."""
        with self.database.connect() as conn:
            found = {}
            for name, schema in conn.execute(data.SQL["tables"]).fetchall():
                table = sql.Identifier(schema, name)
                rows = conn.execute(sql.SQL("select t::text from {} as t order by 1").format(table)).fetchall()
                file = conn.execute("select pg_relation_filenode(%s::text::regclass)", [f"{schema}.{name}"]).fetchone()
                found[name] = (file[0], [row for (row,) in rows])
            return found


@pytest.fixture(scope="module")
def builds(make_database, tmp_path_factory) -> Builds:
    database = make_database("kept")
    with database.connect("loader") as conn:
        data.fill(conn, CUSTOMERS)
        conn.commit()
    made = Builds(database, tmp_path_factory.mktemp("target"))
    made.build()
    return made


def _same_as_a_whole_rebuild(builds: Builds, kept: dict, **variables) -> None:
    builds.build("--full-refresh", **variables)
    whole = builds.contents()
    assert set(kept) == set(whole)
    for name, (file, rows) in whole.items():
        assert file != kept[name][0]
        assert rows == kept[name][1], name


def test_a_build_without_changes_writes_nothing(builds):
    before = builds.contents()
    assert len(before) == 15
    assert all(rows for _, rows in before.values())
    builds.build()
    assert builds.contents() == before


def test_what_a_few_customers_do_is_taken_in_without_a_rebuild(builds):
    for together in BATCHES:
        before = builds.contents()
        for what in together:
            builds.execute(CHANGES[what])
        builds.build()
        after = builds.contents()
        # The same file: rows were replaced in it.
        assert {name: file for name, (file, _) in after.items()} == {name: file for name, (file, _) in before.items()}
        assert after != before
    assert {what for together in BATCHES for what in together} == set(CHANGES)
    _same_as_a_whole_rebuild(builds, builds.contents())


def _rebuilt(builds: Builds, **variables) -> dict:
    """Build; every table must be another file than before, with other rows."""
    before = builds.contents()
    builds.build(**variables)
    after = builds.contents()
    assert all(after[name][0] != before[name][0] for name in before)
    assert after["fct_mrr_monthly"][1] != before["fct_mrr_monthly"][1]
    return after


@pytest.mark.slow
def test_what_concerns_everybody_rebuilds_all(builds):
    for statement in CIRCUMSTANCES.values():
        builds.execute(statement)
        after = _rebuilt(builds)
    _same_as_a_whole_rebuild(builds, after)


@pytest.mark.slow
def test_another_day_or_variable_rebuilds_all(builds):
    for variables in ({"as_of": "2025-11-15"}, {"committed_mrr_days": 30}, {"reporting_currency": "EUR"}):
        after = _rebuilt(builds, **variables)
    _same_as_a_whole_rebuild(builds, after, **variables)


def test_a_build_that_stopped_halfway_is_made_up_for(builds, monkeypatch):
    builds.build()
    builds.execute("update raw.subscriptions set ended_at = timestamptz '2024-07-07' where source_id = 'S60'")
    dbt.run(
        builds.database.settings,
        ["run", "--select", "+int_mrr_lines"],
        {"as_of_date": data.AS_OF_DATE, "calendar_start_on": "2022-01-01"},
        target_path=builds.folder,
    )
    builds.build()
    _same_as_a_whole_rebuild(builds, builds.contents())


@pytest.mark.slow
def test_a_table_that_was_dropped_is_built_again(builds):
    builds.build()
    before = builds.contents()
    builds.execute("drop table marts.fct_mrr_movements; drop table intermediate.int_recurring_fingerprints")
    builds.build()
    after = builds.contents()
    assert {name: rows for name, (_, rows) in after.items()} == {name: rows for name, (_, rows) in before.items()}
