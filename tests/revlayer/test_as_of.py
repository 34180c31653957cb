"""The default as-of date is the last day the raw tables know of: no clock, no news from the future."""

from datetime import date

import pytest
from psycopg import sql

from revlayer import pipeline
from revlayer.errors import RevlayerError

DEAL = (
    "insert into raw.deals (source_name, source_id, occurred_at, recorded_at, observed_at, deleted_at)"
    " values ('s', %s, %s, %s, %s, %s)"
)


def as_of(database):
    return pipeline.resolve_as_of(database.settings, None)


def add_deal(database, name, occurred=None, recorded=None, observed=None, deleted=None):
    with database.connect("owner") as conn:
        conn.execute(DEAL, [name, occurred, recorded, observed, deleted])


def test_an_empty_database_has_none(database):
    with pytest.raises(RevlayerError, match="raw tables are empty"):
        as_of(database)


def test_a_meeting_planned_for_later_is_no_news(database):
    add_deal(database, "a", occurred="2025-07-15 12:00+00")
    with database.connect("loader") as conn:
        conn.execute(
            "insert into raw.activities (source_name, source_id, kind, occurred_at)"
            " values ('s', 'm', 'meeting', '2026-03-01')"
        )
    assert as_of(database) == date(2025, 7, 15)


def test_tombstones_and_observations_count(database):
    add_deal(database, "a", occurred="2025-01-01", observed="2025-02-01 10:00+00")
    assert as_of(database) == date(2025, 2, 1)
    add_deal(database, "b", occurred="2025-01-01", deleted="2025-03-01 10:00+00")
    assert as_of(database) == date(2025, 3, 1)


def test_deals_without_any_time_are_known_from_loading(database):
    add_deal(database, "a")
    with database.connect() as conn:
        row = conn.execute("select max(loaded_at at time zone 'UTC')::date from raw.deals").fetchone()
    assert as_of(database) == row[0]


def test_a_date_before_the_data_is_refused(database):
    add_deal(database, "a", occurred="2025-01-10 12:00+00")
    with pytest.raises(RevlayerError, match="the data begin on 2025-01-10"):
        pipeline.resolve_as_of(database.settings, date(2025, 1, 9))
    assert pipeline.resolve_as_of(database.settings, date(2025, 1, 10)) == date(2025, 1, 10)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("subscriptions", {"billing_customer_source_id": "c"}),
        ("subscription_changes", {"subscription_source_id": "s", "field_name": "status"}),
        ("invoices", {}),
        ("payments", {}),
        ("credit_notes", {}),
        ("refunds", {"amount": 1}),
        ("write_offs", {"invoice_source_id": "i", "amount": 1}),
        ("supplier_bills", {}),
        ("orders", {}),
        ("installs", {}),
    ],
)
def test_a_company_without_deals_has_one(database, table, columns):
    row = {"source_name": "s", "source_id": "a", "occurred_at": "2025-04-03 12:00+00", **columns}
    statement = sql.SQL("insert into raw.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
    )
    with database.connect("owner") as conn:
        conn.execute(statement, list(row.values()))
    assert as_of(database) == date(2025, 4, 3)
    add_deal(database, "a", occurred="2025-04-01")
    assert pipeline.known_dates(database.settings) == (date(2025, 4, 1), date(2025, 4, 3))


def test_labelled_snapshots_are_known_with_their_label(database):
    with database.connect("loader") as conn:
        conn.execute(
            "insert into raw.customer_snapshots (source_name, source_id, customer_source_id, snapshot_at, labelled_at,"
            " is_churned) values ('s', 'a', 'a', '2025-01-10 12:00+00', '2025-04-10 12:00+00', true)"
        )
    assert as_of(database) == date(2025, 4, 10)
    with pytest.raises(RevlayerError, match="the data begin on 2025-01-10"):
        pipeline.resolve_as_of(database.settings, date(2025, 1, 9))
