"""What is older than the calendar is refused, never left out in silence; rates are carried into it."""

import json

import pytest
from psycopg import sql
from subscribed_company import Company

from revlayer import dbt
from revlayer.errors import RevlayerError

CHECKED = ("int_subscription_item_terms", "int_tax_entries", "int_receivable_movements", "int_payable_movements",
           "int_revenue_spans")  # fmt: skip
TESTS = ["test", "--select", "test_name:within_calendar"]


def _old_company() -> Company:
    """A subscription, an invoice and a bill of 2023, and a rate of 2022."""
    company = Company()
    company.rate("EUR", "2022-06-01", 1.5)
    company.subscribe("S", "2023-10-10", "100", currency_code="EUR")
    amounts = {"subtotal_amount": "200.00", "tax_amount": "38.00", "total_amount": "238.00", "currency_code": "USD",
               "issued_on": "2023-11-05", "due_on": "2023-12-05"}  # fmt: skip
    line = {"amount": "200.00", "tax_amount": "38.00", "line_type": "charge"}
    company.add("invoices", "I", "2023-11-05", billing_customer_source_id="C", status="open", **amounts)
    company.add("invoice_lines", "IL", "2023-11-05", invoice_source_id="I", **line)
    company.add("supplier_bills", "B", "2023-11-06", supplier_source_id="X", status="open",
                **{**amounts, "issued_on": "2023-11-06"})  # fmt: skip
    return company


@pytest.fixture(scope="module")
def old(make_database, tmp_path_factory):
    """The tables of that company over a calendar, and dbt on them."""
    database, target = make_database("calendar"), tmp_path_factory.mktemp("target")
    with database.connect() as conn:
        for table, rows in _old_company().rows.items():
            columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
            statement = "insert into raw.{t} ({c}) select {c} from json_populate_recordset(null::raw.{t}, %s)"
            conn.execute(sql.SQL(statement).format(t=sql.Identifier(table), c=columns), [json.dumps(rows)])
        conn.commit()

    def run(arguments, start):
        given = {"as_of_date": "2024-06-30", "calendar_start_on": start}
        return dbt.run(database.settings, arguments, given, target_path=target)

    run(["run", "--select", *(f"+{name}" for name in CHECKED)], "2023-01-01")
    return database, run


def test_a_calendar_that_begins_after_the_data_stops_the_build_and_says_so(old):
    _, run = old
    with pytest.raises(RevlayerError) as caught:
        run(TESTS, "2024-01-01")
    failures = str(caught.value).splitlines()[1:]
    found = {name: [line for line in failures if f"within_calendar_{name}_" in line] for name in CHECKED}
    days = dict.fromkeys(CHECKED, "2023-11-05") | {
        "int_subscription_item_terms": "2023-10-10", "int_payable_movements": "2023-11-06",
    }  # fmt: skip
    for name, day in days.items():
        [line] = found[name]
        assert f"calendar_start_on is 2024-01-01, but the data begin on {day}" in line


def test_a_rate_from_before_the_calendar_is_carried_into_it(old):
    database, _ = old
    with database.connect() as conn:
        rates = conn.execute(
            "select min(date_day), min(known_rate), min(final_rate), count(*) = count(final_rate)"
            " from intermediate.int_exchange_rates_daily where currency_code = 'EUR'"
        ).fetchone()
    assert [str(rates[0]), *rates[1:]] == ["2023-01-01", 1.5, 1.5, True]
