"""Bridges, retention and cohorts of a few subscriptions, worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
from compiled_models import compile_models
from subscribed_company import Company

AS_OF = "2024-12-15"
FEB, MAR, APR, DEC = (date(2024, month, 1) for month in (2, 3, 4, 12))


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    marts = ("mrr_bridge", "mrr_bridge_reporting", "retention_monthly", "retention_trailing", "cohort_retention")
    return compile_models(
        make_database("retention_hand", built),
        [*(f"+{name}" for name in marts), "+mrr_spans", "exchange_rate_spans"],
        AS_OF,
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def read(models, company):
    """Return a function that gives the rows of a query over the marts of the company."""

    def run(query: str):
        with models.filled(company.rows) as conn:
            return conn.execute(query.encode()).fetchall()

    return run


def _retention(columns: str, month: date, table: str = "retention_monthly", where: str = "breakdown = 'all'") -> str:
    return f"select {columns} from marts.{table} where month_start_on = '{month}' and {where} order by {columns}"


def _four_customers(company: Company) -> None:
    """In February one gains 20, one loses 40, one leaves with 100, one comes with 50."""
    for key in ("A", "B", "C"):
        company.subscribe(key, "2024-01-10", "100", customer=key)
    company.change("A", "2024-02-05", "unit_amount", 100, 120)
    company.change("B", "2024-02-05", "unit_amount", 100, 60)
    company.change("C", "2024-02-05", "ended_at", None, "2024-02-05T00:00:00Z", item=False)
    company.subscribe("D", "2024-02-10", "50", customer="D")


def test_the_ratios_of_a_month(company, read):
    _four_customers(company)
    amounts = "opening_amount, retained_amount, closing_amount, mrr_amount, arpa_amount"
    assert read(_retention(amounts, FEB)) == [(300, 160, 180, 230, Decimal("76.67"))]
    ratios = "nrr_rate, grr_rate, logo_churn_rate, revenue_churn_rate, quick_ratio"
    assert read(_retention(ratios, FEB)) == [(180 / 300, 160 / 300, 1 / 3, 1 / 3, 0.5)]


def test_nothing_is_divided_by_nothing(company, read):
    _four_customers(company)
    ratios = "nrr_rate, grr_rate, logo_churn_rate, revenue_churn_rate, quick_ratio"
    assert read(_retention(ratios, date(2024, 1, 1))) == [(None,) * 5]
    assert read(_retention("nrr_rate, quick_ratio", MAR)) == [(1.0, None)]


def test_cohorts_of_a_month_add_up_to_all(company, read):
    _four_customers(company)
    columns = "cohort_month_on, opening_amount, new_amount, closing_amount, paying_customer_count"
    assert read(_retention(columns, FEB, where="breakdown = 'cohort'")) == [
        (date(2024, 1, 1), 300, 0, 180, 2),
        (FEB, 0, 50, 0, 1),
    ]


def test_who_left_and_returned_within_a_window_stayed(company, read):
    company.subscribe("S", "2023-11-10", "100", ended_at="2024-03-10")
    company.subscribe("T", "2024-06-10", "90")
    columns = "opening_amount, closing_amount, churned_customer_count, reactivation_amount, nrr_rate, window_months"
    assert read(_retention(columns, DEC, "retention_trailing")) == [(100, 90, 0, 0, 0.9, 12)]
    assert read(_retention("opening_amount, reactivation_amount, nrr_rate", date(2024, 6, 1))) == [(0, 90, None)]


def test_rates_of_the_start_count_on_both_sides(company, read):
    company.subscribe("S", "2024-01-10", "33.33", currency_code="EUR")
    company.subscribe("T", "2024-01-10", "10", customer="D", currency_code="EUR")
    company.change("T", "2024-03-05", "unit_amount", 10, 15)
    for day, rate in (("2024-01-01", 1.1), ("2024-03-31", 0.5)):
        company.rate("EUR", day, rate)
    columns = "opening_amount, closing_amount, mrr_amount, expansion_amount"
    # 33.33 × 1.1 = 36.663 stays what it was; 15 × 1.1 = 16.50; at the end 33.33 × 0.5 = 16.665.
    row = (Decimal("47.66"), Decimal("53.16"), Decimal("24.17"), Decimal("5.50"))
    assert read(_retention(columns, MAR)) == [row]


def test_what_has_no_rate_at_the_start_is_on_neither_side(company, read):
    company.subscribe("S", "2024-01-10", "100")
    company.subscribe("T", "2024-01-10", "100", customer="D", currency_code="EUR")
    company.subscribe("U", "2024-02-10", "30", currency_code="EUR")
    company.rate("EUR", "2024-02-15", 1.5)
    columns = "opening_amount, closing_amount, mrr_amount, opening_customer_count, unconverted_customer_count, nrr_rate"
    assert read(_retention(columns, FEB)) == [(100, 100, 295, 2, 2, 1.0)]
    assert read(_retention("mrr_amount, converted_customer_count, arpa_amount", date(2024, 1, 1))) == [(100, 1, 100)]
    bridge = read(
        "select month_start_on, expansion_amount, fx_amount, missing_rate_amount, closing_amount,"
        " unconverted_customer_count from marts.mrr_bridge_reporting where month_start_on <= '2024-02-01' order by 1"
    )
    assert bridge == [(date(2024, 1, 1), 0, 0, 0, 100, 1), (FEB, 45, 150, 150, 295, 0)]


def test_a_customer_takes_the_closing_amount_to_another_segment(company, read):
    company.add("accounts", "A", "2024-01-01", segment="SMB", region="EMEA", observed_at="2024-01-01T00:00:00Z")
    company.add("account_changes", "1", "2024-02-10", account_source_id="A", field_name="segment", old_value="SMB",
                new_value="Enterprise")  # fmt: skip
    company.add("billing_customers", "C", "2024-01-01", account_source_id="A")
    company.subscribe("S", "2024-01-10", "100")
    company.change("S", "2024-02-20", "unit_amount", 100, 130)
    columns = "opening_amount, expansion_amount, transfer_amount, closing_amount, transferred_customer_count"
    rows = read(
        f"select segment_id, {columns} from marts.mrr_bridge_reporting where month_start_on = '2024-02-01' order by 1"
    )
    assert rows == [("Enterprise / EMEA", 0, 0, 130, 130, 1), ("SMB / EMEA", 100, 30, -130, 0, -1)]
    columns = "segment_id, opening_amount, closing_amount, mrr_amount"
    rows = read(_retention(columns, FEB, where="breakdown = 'segment'"))
    assert rows == [("Enterprise / EMEA", 0, 0, 130), ("SMB / EMEA", 100, 130, 0)]


def _moving(company: Company, key: str, day: str) -> None:
    """A customer whose account goes from one segment to another on a day."""
    company.add("accounts", key, "2024-01-01", segment="SMB", region="EMEA", observed_at="2024-01-01T00:00:00Z")
    company.add("account_changes", f"{key}1", day, account_source_id=key, field_name="segment", old_value="SMB",
                new_value="Enterprise")  # fmt: skip
    company.add("billing_customers", key, "2024-01-01", account_source_id=key)


def test_negative_revenue_is_of_its_segment_and_makes_nobody_a_customer(company, read):
    for key in ("A", "B", "C", "D"):
        _moving(company, key, "2024-02-10")
    # A owes nothing and gets a credit in the month of the move; B has one, moves and then pays; C pays, moves and is
    # left with a credit; D has one all along.
    company.subscribe("A", "2024-02-05", "-10", customer="A")
    company.subscribe("B1", "2024-01-10", "-10", customer="B")
    company.subscribe("B2", "2024-02-20", "50", customer="B")
    company.subscribe("C1", "2024-01-10", "40", customer="C", ended_on="2024-02-20")
    company.subscribe("C2", "2024-01-10", "-5", customer="C")
    company.subscribe("D", "2024-01-10", "-1", customer="D")
    columns = "opening_amount, new_amount, contraction_amount, churn_amount, transfer_amount, closing_amount"
    counts = "opening_customer_count, new_customer_count, churned_customer_count, closing_customer_count"
    rows = read(
        f"select segment_id, {columns}, {counts} from marts.mrr_bridge_reporting"
        " where month_start_on = '2024-02-01' order by 1"
    )
    assert rows == [
        ("Enterprise / EMEA", 0, 50, -10, 0, -16, 24, 0, 1, 0, 1),
        ("SMB / EMEA", 24, 0, 0, -40, 16, 0, 1, 0, 1, 0),
    ]
    assert read(f"select {columns.replace('transfer_amount, ', '')}, {counts} from marts.mrr_bridge"
                " where month_start_on = '2024-02-01'") == [(24, 50, -10, -40, 24, 1, 1, 1, 1)]  # fmt: skip
    columns = "opening_amount, closing_amount, new_amount, mrr_amount, opening_customer_count, paying_customer_count"
    assert read(_retention(columns, FEB)) == [(35, -5, 40, 40, 1, 1)]
    assert read(_retention("nrr_rate, grr_rate, revenue_churn_rate", FEB)) == [(-5 / 35, -5 / 35, 40 / 35)]
    assert read(_retention("opening_amount, paying_customer_count, nrr_rate", date(2024, 1, 1))) == [(0, 1, None)]


def test_credits_as_large_as_what_is_charged_leave_no_customer(company, read):
    company.subscribe("S", "2024-01-10", "100")
    company.subscribe("T", "2024-02-10", "-100")
    company.subscribe("U", "2024-03-10", "30")
    query = "select month_start_on, movement, movement_amount from marts.fct_mrr_movements order by 1"
    assert read(query) == [
        (date(2024, 1, 1), "new", 100), (FEB, "churn", -100), (MAR, "reactivation", 30),
    ]  # fmt: skip


def test_every_month_of_every_currency_has_a_row(company, read):
    company.subscribe("S", "2024-01-10", "100", ended_at="2024-03-10")
    company.subscribe("T", "2024-03-10", "95", currency_code="EUR")
    columns = "opening_amount, churn_amount, contraction_amount, switched_customer_count, closing_amount"
    rows = read(f"select currency_code, month_start_on, {columns} from marts.mrr_bridge order by 1, 2")
    assert [row[1] for row in rows] == [date(2024, month, 1) for month in range(1, 13)] * 2
    assert [row for row in rows if row[1] == MAR] == [("EUR", MAR, 0, 0, 0, 1, 95), ("USD", MAR, 100, 0, -100, -1, 0)]
    assert rows[-1][2:] == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("table", ["mrr_bridge", "mrr_bridge_reporting", "retention_monthly", "cohort_retention"])
def test_the_month_that_is_not_over_is_open(company, read, table):
    company.subscribe("S", "2024-10-10", "100")
    rows = read(f"select distinct month_start_on, month_end_on, is_open from marts.{table} order by 1")
    assert rows == [
        (date(2024, 10, 1), date(2024, 10, 31), False),
        (date(2024, 11, 1), date(2024, 11, 30), False),
        (DEC, date(2024, 12, 15), True),
    ]


def test_the_triangle_is_whole(company, read):
    company.subscribe("S", "2024-09-10", "100", ended_at="2024-10-10")
    company.subscribe("T", "2024-09-10", "50", customer="D")
    company.change("T", "2024-11-10", "unit_amount", 50, 80)
    company.subscribe("U", "2024-12-02", "70", customer="E")
    columns = "opening_customer_count, paying_customer_count, logo_retention_rate, revenue_retention_rate"
    rows = read(
        f"select cohort_month_on, months_since, {columns} from marts.cohort_retention"
        " where segment_id = '(all)' order by 1, 2"
    )
    assert [(row[0].month, row[1]) for row in rows] == [
        (9, 0), (9, 1), (9, 2), (9, 3), (10, 0), (10, 1), (10, 2), (11, 0), (11, 1), (12, 0),
    ]  # fmt: skip
    assert [row[2:] for row in rows[:2]] == [(2, 2, 1, 1), (2, 1, 0.5, 50 / 150)]
    assert [row[2:] for row in rows[2:4]] == [(2, 1, 0.5, 80 / 150)] * 2
    assert rows[4][2:] == (0, 0, None, None)
    assert rows[9][2:] == (1, 1, 1, 1)


def test_recurring_revenue_of_a_day(company, read):
    company.subscribe("S", "2024-02-10", "10.05", currency_code="EUR")
    company.subscribe("T", "2024-02-12", "10.05", currency_code="EUR")
    company.subscribe("U", "2024-02-12", "1000", customer="D", billing_period="year", ended_at="2024-02-20")
    for day, rate in (("2024-02-11", 1.1), ("2024-02-14", 1.2)):
        company.rate("EUR", day, rate)

    def on(day: str):
        return read(f"select * from metrics.mrr_as_of('2024-02-{day}') order by 1")

    assert on("09") == []
    assert on("10") == [("s:C", "EUR", Decimal("10.05"), Decimal("120.60"), None, None)]
    yearly = Decimal("1000.00")
    assert on("12") == [
        # Item by item: 10.05 × 1.1 = 11.055, twice 11.06.
        ("s:C", "EUR", Decimal("20.10"), Decimal("241.20"), Decimal("22.12"), Decimal("265.32")),
        ("s:D", "USD", Decimal("83.33"), yearly, Decimal("83.33"), yearly),
    ]
    assert [row[0] for row in on("20")] == ["s:C"]
