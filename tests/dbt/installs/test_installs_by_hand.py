"""What an install did on its first day and paid in the week, worked out by hand, and the awkward cases."""

from datetime import date

import pytest


def shown(row, *names):
    return {name: row[name] for name in names}


def test_a_first_day_and_the_week_after_it(app, read):
    app.install(
        country_code="de", platform=" IOS", device_family="iPhone ", os_version="iOS 17.4", customer_source_id="C"
    )
    app.event("2024-03-01T10:00:00Z", "Session_Start", event_count=2)
    app.event("2024-03-01T11:00:00Z", "level_up", event_count=3)
    app.event("2024-03-01T12:00:00Z", "tutorial_complete")
    app.event("2024-03-02T09:59:59Z", "store_view")
    app.event("2024-03-02T10:00:00Z", "store_view")  # a day old: no longer the first
    app.pay("2024-03-01T13:00:00Z", 2)
    app.pay("2024-03-02T10:00:00Z", 5)
    app.pay("2024-03-08T09:59:59Z", "7.25")
    app.pay("2024-03-07T12:00:00Z", -1)
    app.pay("2024-03-08T10:00:00Z", 100)  # a week old
    app.advertise("2024-03-01", "0.5", known="2024-03-02T08:00:00Z")
    app.advertise("2024-03-02", "0.5", known="2024-03-02T23:00:00Z")
    row = read()
    numbers = shown(
        row, "event_count", "event_kind_count", "session_count", "progress_count", "store_view_count",
        "early_purchase_count", "early_revenue", "ad_impression_count", "ad_revenue", "os_version_number",
        "is_customer", "install_weekday", "install_hour",
    )  # fmt: skip
    assert numbers == {
        "event_count": 8, "event_kind_count": 5, "session_count": 2, "progress_count": 4, "store_view_count": 1,
        "early_purchase_count": 1, "early_revenue": 2, "ad_impression_count": 1, "ad_revenue": 0.5,
        "os_version_number": 17, "is_customer": 1, "install_weekday": 5, "install_hour": 10,
    }  # fmt: skip
    assert shown(row, "segment_id", "platform", "device_family", "os_version", "country_code") == {
        "segment_id": "DE / ios", "platform": "ios", "device_family": "iphone", "os_version": "ios 17.4",
        "country_code": "DE",
    }  # fmt: skip
    assert shown(row, "installed_on", "reached_on", "as_of_date") == {
        "installed_on": date(2024, 3, 1), "reached_on": date(2024, 3, 2), "as_of_date": date(2024, 12, 31),
    }  # fmt: skip
    assert read("lbl_installs") == {
        "install_id": "s:I",
        "revenue": 11.25,
        "revenue_known_on": date(2024, 3, 8),
        "window_revenue": 13.25,
    }


@pytest.mark.parametrize(
    "spelling", ["iOS", "ios", " IOS", "IOS ", "\tiOS\n", "iPhone OS", "iphone os ", "\u00a0iOS", "iPadOS"]
)
def test_one_platform_however_it_is_written(app, read, spelling):
    app.install(platform=spelling, country_code=" us")
    assert read()["segment_id"] == "US / ios"


def test_nothing_is_said_where_nothing_is_told(app, read):
    app.install(platform="  ", country_code=None, os_version="newest")
    row = read()
    assert row["segment_id"] == "Unknown / Unknown"
    assert row["platform"] is row["os_version_number"] is row["event_count"] is row["ad_revenue"] is None
    app.install("2024-02-01T00:00:00Z", "J")
    app.event("2024-02-01T01:00:00Z", install="J")
    row = read()
    assert (row["event_count"], row["early_revenue"], row["ad_revenue"]) == (0, 0, None)


def test_what_is_told_later_is_no_feature_and_a_label_from_then(app, read):
    app.install()
    app.event("2024-03-01T12:00:00Z", recorded_at="2024-03-02T23:00:00Z")
    app.event("2024-03-01T12:00:00Z", recorded_at="2024-03-03T00:00:00Z")
    app.event("2024-03-01T12:00:00Z", deleted_at="2024-03-02T12:00:00Z")
    app.event("2024-03-01T12:00:00Z", deleted_at="2024-03-03T12:00:00Z")
    app.pay("2024-03-04T12:00:00Z", 3, recorded_at="2024-03-20T00:00:00Z")
    app.pay("2024-03-04T12:00:00Z", 4, deleted_at="2024-06-01T00:00:00Z")
    assert read()["event_count"] == 2
    app.pay("2024-03-01T12:00:00Z", 5, recorded_at="2024-03-06T00:00:00Z")
    label = read("lbl_installs")
    assert (label["revenue"], label["revenue_known_on"]) == (3, date(2024, 3, 20))
    assert label["window_revenue"] == 8 and read()["early_revenue"] == 0  # too late for a feature, but paid


def test_an_install_told_late_has_its_features_of_that_day(app, read):
    app.install(recorded_at="2024-03-10T12:00:00Z")
    app.event("2024-03-01T12:00:00Z", recorded_at="2024-03-09T00:00:00Z")
    assert (read()["reached_on"], read()["event_count"]) == (date(2024, 3, 10), 1)
    assert read("lbl_installs")["revenue_known_on"] == date(2024, 3, 10)


def test_who_has_no_row_and_who_no_label(app, read):
    app.install("2024-12-30T10:00:00Z")
    assert read()["reached_on"] == date(2024, 12, 31)
    assert read("lbl_installs") == {}
    app.rows.clear()
    app.install("2024-12-31T10:00:00Z")
    assert read() == {}
    app.rows.clear()
    app.install(deleted_at="2024-12-01T00:00:00Z")
    assert read() == {}
    app.rows.clear()
    app.install("2024-12-24T10:00:00Z")
    assert read("lbl_installs")["revenue"] == 0


def test_amounts_are_of_the_rate_known_then_and_null_without_one(app, read, models):
    def rate(on, value, **columns):
        app.add("exchange_rates", f"{on}T00:00:00Z", from_currency_code="EUR", to_currency_code="USD", rate=value,
                rate_on=on,
                **columns)  # fmt: skip

    rate("2024-03-01", "1.10")
    rate("2024-03-02", "1.20", recorded_at="2024-03-05T00:00:00Z")
    rate("2024-03-04", "1.50")
    app.install()
    app.pay("2024-03-01T12:00:00Z", 10, "eur")
    app.pay("2024-03-04T12:00:00Z", 10, "EUR")
    assert read()["early_revenue"] == 11
    assert read("lbl_installs")["revenue"] == 15
    app.pay("2024-03-01T12:00:00Z", 1, "JPY")
    app.pay("2024-03-05T12:00:00Z", 1, None)
    assert read()["early_revenue"] is None and read()["early_purchase_count"] == 2
    assert read("lbl_installs")["revenue"] is None
    with models.filled(app.rows) as conn:
        missing = conn.execute("select * from intermediate.int_install_rates_missing order by 1").fetchall()
    assert missing == [("(none)", date(2024, 3, 5), 1), ("JPY", date(2024, 3, 1), 1)]
