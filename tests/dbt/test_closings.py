"""Closings told late or told again: they change no past count, and their day is the latest that was told."""

from datetime import date
from decimal import Decimal

import pytest
from psycopg.rows import dict_row

from tests.hand_made_source import Source, link

AS_OF = "2024-06-30"


def _tell(source: Source) -> None:
    source.stages()
    source.add("owners", "O1", occurred_at="2021-01-01", observed_at=AS_OF)
    for key in ("open", "late", "corrected", "moved"):
        source.deal(key, "2022-01-10")
        source.change("deal", key, "stage", "S1", "2022-01-10")
        source.change("deal", key, "owner", "O1", "2022-01-10")
    # Won in 2022; nobody knew for two years.
    source.change("deal", "late", "stage", "W", "2022-03-10", known="2024-05-10")
    # The day of winning corrected to a later and to an earlier one.
    source.change("deal", "corrected", "stage", "W", "2024-03-31")
    source.change("deal", "corrected", "stage", "W", "2024-04-02", known="2024-05-15")
    source.change("deal", "moved", "stage", "L", "2024-03-31")
    source.change("deal", "moved", "stage", "L", "2024-04-20", known="2024-05-15")
    # Won in April; what became known in May undid it, or made it another.
    for key in ("reopened", "cheaper", "deleted", "restored", "merged"):
        source.deal(key, "2024-01-10")
        for name, value, day in (("stage", "S1", "2024-01-10"), ("amount", "100", "2024-01-10"),
                                 ("currency_code", "EUR", "2024-01-10"), ("stage", "W", "2024-04-10")):  # fmt: skip
            source.change("deal", key, name, value, day)
    source.rate("EUR", "USD", 1.5, "2024-04-01")
    source.rate("EUR", "USD", 2.0, "2024-04-08", known="2024-04-20")
    source.change("deal", "reopened", "stage", "S1", "2024-05-02")
    source.change("deal", "cheaper", "amount", "1", "2024-05-03")
    source.change("deal", "deleted", "is_deleted", "true", "2024-05-04")
    source.change("deal", "restored", "is_deleted", "true", "2024-05-05")
    source.change("deal", "restored", "is_deleted", "false", "2024-05-25")
    # A source without history: closed long ago, seen only now.
    for number in range(5):
        source.deal(f"seen-{number}", "2021-02-01", stage_source_id="W", owner_source_id="O1", closed_at="2021-05-01")


@pytest.fixture(scope="module")
def built(make_database, build_features):
    made = make_database("closings")
    source = Source()
    _tell(source)
    with made.connect("owner") as conn:
        source.write(conn)
        link(conn, "deal", "merged", "crm:cheaper", since="2024-05-06")
    build_features(made, AS_OF)
    return made


def _rows(database, query):
    with database.connect() as conn:
        return conn.cursor(row_factory=dict_row).execute(query).fetchall()


def test_counts_of_the_trailing_year_are_never_negative(built):
    rows = _rows(built, "select * from intermediate.int_owner_outcomes_counted")
    assert rows
    assert all(0 <= row["won_deal_count"] <= row["closed_deal_count"] for row in rows)


def test_what_was_told_two_years_late_counts_in_no_trailing_year(built):
    query = (
        "select as_of_date, owner_closed_deal_count_365d as closed from features.ftr_deals where deal_id = 'crm:open'"
    )
    closed = {row["as_of_date"]: row["closed"] for row in _rows(built, query)}
    assert closed[date(2022, 6, 30)] == 0
    assert closed[date(2024, 2, 29)] == 0
    assert closed[date(2024, 6, 30)] == 2  # corrected and moved


def test_the_day_of_closing_is_the_latest_that_was_told(built):
    labels = {row["deal_id"]: row for row in _rows(built, "select deal_id, closed_on, is_won from features.lbl_deals")}
    assert labels["crm:corrected"]["closed_on"] == date(2024, 4, 2)
    assert labels["crm:moved"]["closed_on"] == date(2024, 4, 20)
    assert labels["crm:late"]["closed_on"] == date(2022, 3, 10)


def test_a_correction_is_no_second_closing(built):
    assert _rows(built, "select count(*) as n from features.lbl_deals where deal_id = 'crm:corrected'") == [{"n": 1}]


def test_deals_closed_before_they_were_seen_have_a_label(built):
    assert _rows(built, "select count(*) as n from features.lbl_deals where deal_id like 'crm:seen%'") == [{"n": 5}]


UNDONE = ("reopened", "cheaper", "deleted", "restored", "merged")


def _known(database, day: str) -> dict[str, Decimal]:
    found = _rows(
        database,
        "select deal_id, won_amount_reporting as amount from features.lbl_deal_closings where is_won"
        f" and known_from_on <= '{day}' and known_to_on > '{day}' and closed_on = '2024-04-10'",
    )
    return {row["deal_id"].removeprefix("crm:"): row["amount"] for row in found}


def test_a_closing_stands_until_what_undid_it_became_known(built):
    """At the rate of the day of winning as known then: 1.5, from 20 April on 2."""
    assert _known(built, "2024-04-09") == {}
    assert _known(built, "2024-04-19") == dict.fromkeys(UNDONE, 150)
    assert _known(built, "2024-05-01") == dict.fromkeys(UNDONE, 200)
    assert _known(built, "2024-05-10") == {"cheaper": 2}
    assert _known(built, "2024-06-30") == {"cheaper": 2, "restored": 200}
    labels = "select deal_id, won_amount_reporting as amount from features.lbl_deals where closed_on = '2024-04-10'"
    last = {row["deal_id"].removeprefix("crm:"): row["amount"] for row in _rows(built, labels)}
    assert last == _known(built, AS_OF)


def test_a_closed_deal_left_the_open_ones_when_it_was_closed_not_when_it_was_deleted(built):
    removals = "select deal_id, left_open_on, known_from_on, known_to_on from features.lbl_deal_removals order by 1"
    end, won = date(9999, 12, 31), date(2024, 4, 10)
    assert [tuple(row.values()) for row in _rows(built, removals)] == [
        ("crm:deleted", won, date(2024, 5, 4), end),
        ("crm:merged", won, date(2024, 5, 6), end),
        ("crm:restored", won, date(2024, 5, 5), date(2024, 5, 25)),
    ]


def test_the_calendar_is_whole(built):
    (row,) = _rows(
        built,
        "select max(date_day) as last_day, count(*) as days,"
        " count(*) filter (where date_day not between fiscal_quarter_start_on and fiscal_quarter_end_on) as outside,"
        " count(*) filter (where fiscal_quarter_end_on - fiscal_quarter_start_on not between 89 and 91) as cut"
        " from marts.dim_date",
    )
    assert row["last_day"] == date(2029, 12, 31)
    assert row["days"] == (date(2029, 12, 31) - date(1970, 1, 1)).days + 1
    assert (row["outside"], row["cut"]) == (0, 0)
