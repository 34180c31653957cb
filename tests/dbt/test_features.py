"""What the features say about deals whose history is written down by hand."""

from datetime import date
from decimal import Decimal

import pytest
from hand_made_source import Source, link
from psycopg.rows import dict_row
from told_deals import tell

from revlayer import dbt
from revlayer.errors import RevlayerError

AS_OF = "2024-06-30"
MARCH, APRIL, MAY, JUNE = date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31), date(2024, 6, 30)


@pytest.fixture(scope="module")
def built(make_database, build_features):
    database = make_database("features")
    source = Source()
    tell(source, AS_OF)
    with database.connect() as conn:
        source.write(conn)
        link(conn, "deal", "merged", "crm:merged")
        link(conn, "deal", "merged", "crm:late", since="2024-05-05")
        link(conn, "account", "A3", "crm:A1", since="2024-05-05")
        for key in ("named", "twin"):
            link(conn, "deal", key, "deal-42")
    build_features(database, AS_OF)
    return database


def _rows(database, query: str, parameters: tuple = ()) -> list[dict]:
    with database.connect("transformer") as conn:
        return conn.cursor(row_factory=dict_row).execute(query, parameters).fetchall()


@pytest.fixture(scope="module")
def features(built):
    """Return a function: the feature row of a deal at an as-of date, None where the deal was not open."""
    rows = {(row["deal_id"], row["as_of_date"]): row for row in _rows(built, "select * from features.ftr_deals")}
    return lambda key, on: rows.get((f"crm:{key}", on))


@pytest.fixture(scope="module")
def labels(built):
    return {row["deal_id"]: row for row in _rows(built, "select * from features.lbl_deals")}


def test_a_change_counts_from_the_day_it_was_recorded(features):
    assert features("late", MARCH)["stage_name"] == "Qualify"
    assert features("late", APRIL)["stage_name"] == "Propose"
    assert features("late", APRIL)["days_in_stage"] == 41  # since it happened, not since it was recorded


def test_a_late_row_about_an_older_time_replaces_nothing_newer(features):
    assert features("older", MARCH)["amount"] == 3000
    assert features("older", APRIL)["amount"] == 3000


def test_a_reopened_deal_is_open_again_and_labelled_once_with_its_last_outcome(features, labels):
    assert features("reopened", MARCH) is None
    assert features("reopened", APRIL)["stage_name"] == "Qualify"
    assert features("reopened", MAY) is not None  # won on 20 May, which nobody knew until 2 June
    assert features("reopened", JUNE) is None
    label = labels["crm:reopened"]
    assert label["is_won"]
    assert (label["closed_on"], label["closed_known_on"]) == (date(2024, 5, 20), date(2024, 6, 2))
    assert label["won_amount_reporting"] == Decimal("1500.00")


def test_deleted_and_merged_deals_show_until_then_and_have_no_label(features, labels):
    for key in ("deleted", "merged"):
        assert features(key, APRIL) is not None
        assert features(key, MAY) is None
        assert f"crm:{key}" not in labels


def test_deals_of_a_merged_account_are_the_other_account_s_from_then_on(features):
    assert features("adopted", APRIL)["account_id"] == "crm:A3"
    assert features("adopted", MAY)["account_id"] == "crm:A1"
    assert features("adopted", MAY)["segment_id"] == "Enterprise / EMEA"


def test_source_rows_with_one_canonical_id_are_one_deal(built, features):
    assert features("named", JUNE) is None and features("twin", JUNE) is None
    rows = _rows(built, "select * from features.ftr_deals where deal_id = 'deal-42' and as_of_date = %s", (JUNE,))
    assert [(row["created_on"], row["amount"]) for row in rows] == [(date(2024, 3, 1), 60)]


def test_a_restored_deal_shows_again(features):
    assert features("restored", MARCH) is None
    assert features("restored", APRIL)["amount"] == 1000


def test_what_was_only_observed_is_null_before_it_was_seen(features):
    before, after = features("seen", APRIL), features("seen", MAY)
    for name in ("stage_name", "amount", "account_id", "lead_score", "has_champion", "currency_code"):
        assert before[name] is None, name
    assert (after["stage_name"], after["amount"], after["lead_score"]) == ("Propose", 700, 50)
    assert (after["has_champion"], after["has_budget"]) == (1, None)
    assert after["account_id"] == "crm:A2"
    assert after["days_in_stage"] is None  # nobody said when it was entered


def test_a_deal_without_a_date_counts_from_when_it_was_seen(features):
    assert features("undated", MAY) is None
    row = features("undated", JUNE)
    assert (row["created_on"], row["deal_age_days"], row["segment_id"]) == (None, None, "Unknown / Unknown")


def test_amounts_are_converted_at_the_rate_known_then(built, features):
    assert features("euro", APRIL)["amount_reporting"] == pytest.approx(1100)  # 9.9 was not known yet
    assert features("euro", MAY)["amount_reporting"] == pytest.approx(9900)
    assert features("euro", JUNE)["amount_reporting"] == pytest.approx(1200)
    assert features("pound", JUNE)["amount_reporting"] == pytest.approx(1250)  # the inverse of 0.8


def test_a_missing_rate_yields_null_and_is_listed(built, features):
    row = features("franc", JUNE)
    assert (row["amount"], row["amount_reporting"], row["forecast_amount"]) == (1000, None, None)
    assert row["amount_source"] == "none"
    missing = _rows(built, "select * from intermediate.int_exchange_rates_missing where needed_on = %s", (JUNE,))
    # 'twin' has an amount and no currency at all.
    assert {(row["currency_code"], row["deal_count"]) for row in missing} == {("CHF", 1), ("(none)", 1)}


def test_where_the_forecast_amount_comes_from(features):
    assert (features("late", JUNE)["forecast_amount"], features("late", JUNE)["amount_source"]) == (1000, "deal")
    before, after = features("listed", APRIL), features("listed", MAY)
    assert (before["amount"], before["forecast_amount"], before["amount_source"]) == (None, 100, "list_price")
    assert after["forecast_amount"] == 100 * 10 * 12 * Decimal("0.75")
    # 'seen' has no product in March and April: the median of what the company won over the trailing year.
    prior = features("seen", MARCH)
    assert (prior["forecast_amount"], prior["amount_source"]) == (200, "prior")


def test_unreadable_values_are_left_out(features):
    row = features("dirty", JUNE)
    assert (row["amount"], row["expected_close_on"]) == (1000, None)


def test_movements_are_counted_as_of_the_day(features):
    names = ("expected_close_push_count", "expected_close_pull_count", "stage_change_count", "stage_backward_count",
             "amount_change_count")  # fmt: skip

    def counts(on):
        return [features("moved", on)[name] for name in names]

    assert counts(MARCH) == [0, 0, 0, 0, 0]
    assert counts(APRIL) == [2, 0, 1, 0, 0]
    assert counts(JUNE) == [2, 1, 2, 1, 1]
    assert features("moved", JUNE)["amount_change_rate"] == pytest.approx(0.25)
    assert features("moved", JUNE)["days_to_expected_close"] == 0


def test_activities_are_counted_as_of_the_day(features):
    names = ("activity_count", "activity_count_7d", "activity_count_30d", "activity_count_90d", "call_count_30d",
             "inbound_count_30d", "meeting_count_30d", "decision_maker_activity_count", "objection_handled_count",
             "days_since_last_activity")  # fmt: skip
    assert [features("moved", MARCH)[name] for name in names] == [1, 0, 1, 1, 1, 1, 0, 0, 1, 29]
    assert [features("moved", APRIL)[name] for name in names] == [2, 1, 1, 2, 0, 0, 1, 1, 1, 2]
    assert features("moved", MAY)["activity_count"] == 3
    assert features("late", MAY)["activity_count"] == 0
    assert features("late", MAY)["days_since_last_activity"] is None


def test_track_records_hold_the_trailing_year(features):
    row = features("late", MARCH)
    # In March: three won and one lost in May 2023, and the first loss of 'reopened'.
    assert row["owner_closed_deal_count_365d"] == 5
    assert (row["account_won_deal_count"], row["account_lost_deal_count"]) == (3, 2)
    assert row["segment_win_rate_365d"] == pytest.approx(0.6)
    assert row["owner_win_rate_365d"] == pytest.approx((3 + 20 * 0.6) / (5 + 20))
    assert features("late", APRIL)["owner_closed_deal_count_365d"] == 4  # reopened: no longer lost
    assert features("late", JUNE)["owner_closed_deal_count_365d"] == 1  # May 2023 is over a year ago
    assert features("late", JUNE)["account_won_deal_count"] == 4


def test_segments_follow_the_account_history(built, features, labels):
    assert features("late", APRIL)["segment_id"] == "SMB / EMEA"
    assert features("late", MAY)["segment_id"] == "Enterprise / EMEA"
    assert labels["crm:closed0"]["segment_id"] == "SMB / EMEA"
    segments = {row["segment_id"] for row in _rows(built, "select segment_id from marts.dim_segment")}
    assert segments == {"SMB / EMEA", "Enterprise / EMEA", "Unknown / Unknown", "(all)"}


def test_every_column_is_described_in_the_database(company):
    undescribed = _rows(
        company,
        "select c.relnamespace::regnamespace::text || '.' || c.relname || '.' || coalesce(a.attname, '') as name"
        " from pg_class as c left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace::regnamespace::text in ('staging', 'intermediate', 'features', 'marts')"
        " and c.relkind in ('r', 'v') and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)",
    )
    assert undescribed == []


def test_configuration_changes_segment_calendar_zone_and_attributes(make_database, build_features):
    database = make_database("configured")
    source = Source()
    source.stages()
    source.add("accounts", "A1", occurred_at="2023-01-01", observed_at="2023-01-01", industry="Retail", region="EMEA")
    # Half past eleven at night in New York is the next day in UTC.
    source.deal("night", "2024-05-31 23:30-04", seen="2024-05-31 23:30-04", account_source_id="A1",
                stage_source_id="S1", amount=10, currency_code="USD")  # fmt: skip
    with database.connect() as conn:
        source.write(conn)
        for value, at in [("7", "2024-05-31 23:40-04"), ("8", "2024-06-05"), ("none", "2024-06-20")]:
            conn.execute(
                "insert into raw.entity_attributes values ('deal', 'crm', 'night', 'Fit score', %s, %s)", [value, at]
            )
        conn.commit()
    build_features(database, AS_OF, {
        "reporting_time_zone": "America/New_York", "reporting_currency": "EUR", "fiscal_year_start_month": 2,
        "segment_columns": ["industry"], "history_months": 3,
        "deal_attribute_features": [{"name": "Fit score", "type": "number"}],
    })  # fmt: skip
    rows = _rows(database, "select * from features.ftr_deals order by as_of_date")
    assert [(row["as_of_date"], row["attr_fit_score"]) for row in rows] == [(MAY, 7), (JUNE, None)]
    row = rows[0]
    assert (row["segment_id"], row["created_on"], row["amount_reporting"]) == ("Retail", MAY, None)
    assert row["days_to_quarter_end"] == 61  # quarters end in April, July, October and January
    fiscal = _rows(database, "select * from marts.dim_date where date_day = '2024-02-01'")[0]
    assert (fiscal["fiscal_year"], fiscal["fiscal_quarter"]) == (2025, 1)
    assert fiscal["fiscal_quarter_start_on"] == date(2024, 2, 1)


def test_nothing_is_built_without_an_as_of_date(database):
    with pytest.raises(RevlayerError, match="revlayer build --as-of"):
        dbt.run(database.settings, ["run", "--select", "int_as_of_dates"])
