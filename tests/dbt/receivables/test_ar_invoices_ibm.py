"""Receivables of the public sample of invoices, on eleven dates, against a calculation straight from the file."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from revlayer import dbt
from revlayer.importing import import_mapping

MAPPING = Path(__file__).parents[3] / "mappings" / "ar_invoices_ibm.yml"
FILE = "WA_Fn-UseC_-Accounts-Receivable.csv"
LAST_DAY = "2014-01-09"
DATES = [
    date(2012, 1, 3), date(2012, 3, 31), date(2012, 7, 15), date(2012, 10, 1), date(2012, 12, 31), date(2013, 2, 28),
    date(2013, 4, 30), date(2013, 6, 30), date(2013, 9, 17), date(2013, 12, 2), date(2014, 1, 8),
]  # fmt: skip
BUCKETS = [(None, 0), (1, 30), (31, 60), (61, 90), (91, None)]


@dataclass(frozen=True)
class Invoice:
    number: str
    customer: str
    amount: Decimal
    issued_on: date
    due_on: date
    settled_on: date

    def is_open(self, day: date) -> bool:
        return self.issued_on <= day < self.settled_on


def _day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()


@pytest.fixture(scope="module")
def invoices(test_data) -> list[Invoice]:
    with (test_data / "ar_invoices_ibm" / FILE).open(encoding="utf-8", newline="") as file:
        return [
            Invoice(
                row["invoiceNumber"],
                row["customerID"],
                Decimal(row["InvoiceAmount"]),
                _day(row["InvoiceDate"]),
                _day(row["DueDate"]),
                _day(row["SettledDate"]),
            )
            for row in csv.DictReader(file)
        ]


def _build(database, folder: Path, as_of: str, *selection: str) -> None:
    dbt.run(
        database.settings,
        ["run", "--select", *selection],
        {"as_of_date": as_of, "calendar_start_on": "2012-01-01"},
        target_path=folder,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("target")


@pytest.fixture(scope="module")
def ledger(make_database, test_data, folder):
    database = make_database("ar_ibm")
    with database.connect("loader") as conn:
        summary = import_mapping(conn, MAPPING, test_data / "ar_invoices_ibm")
        conn.commit()
    assert (summary.read_count, summary.rejected_count) == (3 * 2466, 0)
    _build(database, folder, LAST_DAY, "+receivable_balances", "+receivables_monthly", "+int_invoice_payment_histories")
    return database


def _aged(invoices: list[Invoice], day: date) -> dict[str, list[Decimal]]:
    """Return by customer the five buckets, for those who owe anything."""
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(BUCKETS))
    for invoice in invoices:
        if invoice.is_open(day):
            overdue = (day - invoice.due_on).days
            place = next(
                number
                for number, (first, last) in enumerate(BUCKETS)
                if (first is None or overdue >= first) and (last is None or overdue <= last)
            )
            found["ar_invoices_ibm:" + invoice.customer][place] += invoice.amount
    return dict(found)


AGING = """
    select customer_id, array[current_amount, overdue_1_30_amount, overdue_31_60_amount, overdue_61_90_amount,
        overdue_over_90_amount], receivable_amount, open_amount, on_account_amount, currency_code
    from metrics.ar_aging(%s)"""


@pytest.mark.parametrize("day", DATES, ids=str)
def test_aging_equals_the_file(ledger, invoices, day):
    with ledger.connect("reader") as conn:
        rows = conn.execute(AGING, [day]).fetchall()
    assert {row[0]: row[1] for row in rows} == _aged(invoices, day)
    assert all(sum(row[1]) == row[2] == row[3] and row[4] == 0 and row[5] == "USD" for row in rows)


def test_total_at_the_end_of_june_2013(ledger, invoices):
    with ledger.connect("reader") as conn:
        row = conn.execute(
            "select sum(receivable_amount), sum(open_invoice_count), max(oldest_overdue_days)"
            " from metrics.ar_aging('2013-06-30')"
        ).fetchone()
    owed = [invoice for invoice in invoices if invoice.is_open(date(2013, 6, 30))]
    oldest = max((date(2013, 6, 30) - invoice.due_on).days for invoice in owed)
    assert row == (sum(invoice.amount for invoice in owed), len(owed), oldest)


def test_nothing_is_open_before_the_first_and_after_the_last_day(ledger):
    with ledger.connect("reader") as conn:
        for day in ("2012-01-02", LAST_DAY, "2030-01-01"):
            assert conn.execute(AGING, [day]).fetchall() == []


def test_months_roll_forward_and_their_days_outstanding(ledger, invoices):
    with ledger.connect("reader") as conn:
        rows = conn.execute(
            "select month_end_on, opening_amount, invoiced_amount, paid_amount, closing_amount, days_sales_outstanding"
            " from marts.receivables_monthly order by month_end_on"
        ).fetchall()
    ends = [row[0] for row in rows]
    assert (len(ends), ends[0], ends[-1]) == (25, date(2012, 1, 31), date(2014, 1, 9))
    for number, (end, opening, invoiced, paid, closing, days) in enumerate(rows):
        begun = date(end.year, end.month, 1)
        assert closing == sum(invoice.amount for invoice in invoices if invoice.is_open(end))
        assert invoiced == sum(invoice.amount for invoice in invoices if begun <= invoice.issued_on <= end)
        assert -paid == sum(invoice.amount for invoice in invoices if begun <= invoice.settled_on <= end)
        assert opening + invoiced + paid == closing
        window = ends[max(number - 2, 0)].replace(day=1)
        billed = sum(invoice.amount for invoice in invoices if window <= invoice.issued_on <= end)
        assert days == pytest.approx(float(closing / billed) * ((end - window).days + 1))


def test_histories_know_only_what_was_known_at_issue(ledger, invoices):
    with ledger.connect() as conn:
        rows = conn.execute(
            "select invoice_id, earlier_invoice_count, earlier_paid_count, earlier_late_count, open_invoice_count,"
            " overdue_invoice_count, open_amount, overdue_amount, average_days_late, maximum_days_late,"
            " average_days_to_pay, earlier_disputed_count from intermediate.int_invoice_payment_histories"
        ).fetchall()
    found = {row[0].removeprefix("ar_invoices_ibm:"): row[1:] for row in rows}
    by_customer = defaultdict(list)
    for invoice in invoices:
        by_customer[invoice.customer].append(invoice)
    assert len(found) == len(invoices)
    for invoice in invoices:
        day = invoice.issued_on
        earlier = [other for other in by_customer[invoice.customer] if other.issued_on < day]
        paid = [other for other in earlier if other.settled_on < day]
        still = [other for other in earlier if other.settled_on >= day]
        overdue = [other for other in still if (day - other.due_on).days > 1]
        late = [max((other.settled_on - other.due_on).days, 0) for other in paid]
        to_pay = [(other.settled_on - other.issued_on).days for other in paid]
        assert found[invoice.number] == (
            len(earlier), len(paid), sum(days > 0 for days in late), len(still), len(overdue),
            sum(other.amount for other in still), sum(other.amount for other in overdue),
            pytest.approx(sum(late) / len(late)) if late else None, max(late) if late else None,
            pytest.approx(sum(to_pay) / len(to_pay)) if to_pay else None, 0,
        )  # fmt: skip


def test_built_as_of_june_2013_nothing_later_shows(ledger, invoices, folder):
    """The last test of the module: it builds the tables again."""
    day = date(2013, 6, 30)
    _build(ledger, folder, str(day), "+ar_aging", "+fct_receivable_movements")
    with ledger.connect("reader") as conn:
        rows = conn.execute(
            "select customer_id, array[current_amount, overdue_1_30_amount, overdue_31_60_amount,"
            " overdue_61_90_amount, overdue_over_90_amount] from marts.ar_aging"
        ).fetchall()
        latest = conn.execute("select max(occurred_on) from marts.fct_receivable_movements").fetchone()
    assert dict(rows) == _aged(invoices, day)
    assert latest is not None and latest[0] <= day
