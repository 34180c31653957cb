"""What the chain from deals to cash starts from, of a few contracts, worked out by hand."""

from datetime import date

import pytest
from compiled_models import compile_models
from subscribed_company import Company

pytestmark = pytest.mark.slow
AS_OF = "2024-12-15"
DEC, JAN, MAR = date(2024, 12, 1), date(2025, 1, 1), date(2025, 3, 1)


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("flows_hand", built), ["+ftr_revenue_flows"], AS_OF, tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )  # fmt: skip


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def flow(models, company):
    """Return a function that gives the rows of a flow."""

    def read(name: str):
        with models.filled(company.rows) as conn:
            query = "select month_start_on, period_months, amount from features.ftr_revenue_flows where flow = %s"
            return sorted(conn.execute(query, [name]).fetchall(), key=str)

    return read


def _invoice(company: Company, key: str, issued: str, begin: str, end: str, amount: str) -> None:
    company.add("invoices", key, issued, billing_customer_source_id="C", status="open", currency_code="USD",
                total_amount=amount, issued_on=issued, due_on=issued)  # fmt: skip
    company.add("invoice_lines", key, issued, invoice_source_id=key, subscription_item_source_id=key, amount=amount,
                currency_code="USD", service_started_on=begin, service_ended_on=end,
                recognition_method="straight_line")  # fmt: skip


def test_contracts_are_billed_again_when_what_was_invoiced_ends(company, flow):
    company.subscribe("never invoiced", "2024-11-20", "100")
    company.subscribe("M", "2024-05-10", "60")
    _invoice(company, "M", "2024-12-10", "2024-12-10", "2025-01-10", "60")
    company.subscribe("Q", "2024-06-01", "300", billing_period="quarter")
    _invoice(company, "Q", "2024-12-01", "2024-12-01", "2025-03-01", "300")
    company.subscribe("Y", "2024-03-05", "1200", billing_period="year")
    _invoice(company, "Y", "2024-03-05", "2024-03-05", "2025-03-05", "1200")
    assert flow("renewal") == [(DEC, 1, 100), (JAN, 1, 60), (MAR, 12, 1200), (MAR, 3, 300)]


def test_what_has_ended_or_is_known_to_end_before_is_not_billed_again(company, flow):
    for key, start in (("over", "2024-05-10"), ("ends with it", "2024-05-10"), ("ends later", "2024-05-10")):
        company.subscribe(key, start, "60")
        _invoice(company, key, "2024-12-10", "2024-12-10", "2025-01-10", "60")
    company.change("over", "2024-12-12", "ended_at", None, "2024-12-12T00:00:00Z", item=False)
    company.change("ends with it", "2024-12-12", "cancels_at", None, "2025-01-10T00:00:00Z", item=False)
    company.change("ends later", "2024-12-12", "cancels_at", None, "2025-02-10T00:00:00Z", item=False)
    assert flow("renewal") == [(JAN, 1, 60)]


def test_amounts_are_in_the_reporting_currency_at_the_rate_of_the_day(company, flow):
    company.subscribe("E", "2024-11-20", "100", currency_code="EUR")
    company.subscribe("no rate", "2024-11-20", "70", currency_code="GBP")
    company.rate("EUR", "2024-12-01", 1.25)
    company.rate("EUR", "2024-12-16", 9.0)
    assert flow("renewal") == [(DEC, 1, 125)]


def test_won_deals_tell_how_deals_are_billed(company, flow):
    company.subscribe("M", "2024-05-10", "60", deal_source_id="d1")
    company.subscribe("Y", "2024-05-10", "1200", billing_period="year", deal_source_id="d2")
    company.change("Y", "2024-08-01", "unit_amount", 1200, 2400)
    company.subscribe("of no deal", "2024-05-10", "999")
    assert flow("won") == [(None, 1, 60), (None, 12, 200)]


def test_retention_is_what_a_months_customers_still_pay_at_its_end(company, flow):
    for key in ("A", "B", "C"):
        company.subscribe(key, "2024-08-10", "100", customer=key)
    company.change("A", "2024-10-05", "unit_amount", 100, 140)
    company.change("B", "2024-10-05", "unit_amount", 100, 60)
    company.change("C", "2024-11-05", "ended_at", None, "2024-11-05T00:00:00Z", item=False)
    company.subscribe("D", "2024-10-10", "500", customer="D")
    kept = {month: amount for month, _, amount in flow("retention")}
    assert kept == {
        date(2024, 9, 1): 1, date(2024, 10, 1): pytest.approx(260 / 300), date(2024, 11, 1): pytest.approx(7 / 8),
    }  # fmt: skip


def test_what_is_scheduled_is_what_is_not_yet_recognised(company, flow):
    company.subscribe("Q", "2024-06-01", "300", billing_period="quarter")
    _invoice(company, "Q", "2024-12-01", "2024-12-01", "2025-03-01", "900")
    rows = {month: amount for month, _, amount in flow("scheduled")}
    # By day: 90 days of 10, of which December has 16 left.
    assert rows == {DEC: 160, JAN: 310, date(2025, 2, 1): 280}
