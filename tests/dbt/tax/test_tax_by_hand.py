"""Tax of small cases whose result can be seen: rules, dates, exemptions, reverse charge, corrections, differences."""

from decimal import Decimal

import pytest

EARLY = "2023-12-01T09:00:00+00:00"


def _row(key: str, day: str | None = None, **columns: object) -> dict[str, object]:
    return {"source_name": "s", "source_id": key, "occurred_at": f"{day}T09:00:00+00:00" if day else EARLY, **columns}


def _rate(key: str, country: str, rate: float, **columns: object) -> dict[str, object]:
    return _row(key, name=key, country_code=country, rate=rate, **{"valid_from": "2020-01-01", **columns})


def _invoice(key: str, day: str, tax: str | None, country: str = "DE", **columns: object) -> dict[str, object]:
    return _row(key, day, **{"billing_customer_source_id": "firm", "status": "open", "currency_code": "EUR",
                             "tax_amount": tax, "issued_on": day, "country_code": country, **columns})  # fmt: skip


def _line(invoice: str, tax: str, amount: str = "100.00", **columns: object) -> dict[str, object]:
    key = str(columns.pop("key", f"{invoice}-1"))
    return _row(key, invoice_source_id=invoice, amount=amount, tax_amount=tax, **columns)


RATES = [
    _rate("de19", "DE", 0.19, valid_to="2024-07-01"),
    _rate("de20", "DE", 0.2, valid_from="2024-07-01"),
    _rate("de-food", "DE", 0.07, tax_class="food"),
    _rate("us", "US", 0.01),
    _rate("us-class", "US", 0.02, tax_class="saas", customer_kind="business"),
    _rate("us-tx", "US", 0.0625, region_code="TX"),
    _rate("gb", "GB", 0.2, is_reverse_charge=True),
    _rate("late", "FR", 0.2) | {"recorded_at": "2025-02-01T00:00:00+00:00"},
    _rate("gone", "FR", 0.3) | {"deleted_at": "2024-06-01T00:00:00+00:00"},
]
CUSTOMERS = [
    _row("firm", is_business=True, country_code="DE"),
    _row("person", is_business=False, country_code="GB"),
    _row("unknown", country_code="US", region_code="tx"),
    _row("school", is_business=True, is_tax_exempt=True, country_code="DE"),
]
EXEMPTIONS = [
    _row("e1", billing_customer_source_id="firm", country_code="DE", tax_class="food", certificate_number="7",
         valid_from="2024-03-01", valid_to="2024-04-01"),
    _row("e2", billing_customer_source_id="unknown", country_code="US", region_code="CA"),
]  # fmt: skip
RULES = {"tax_rates": RATES, "billing_customers": CUSTOMERS, "tax_exemptions": EXEMPTIONS}
#: Country, day, region, class, kind, customer → rate, rule, rate that gave it, rate the buyer owes, exemption.
CASES = {
    "the last day of a rate": (("DE", "2024-06-30"), (0.19, "rate", "s:de19", None, None)),
    "the first day of the next": (("de", "2024-07-01"), (0.2, "rate", "s:de20", None, None)),
    "a class before the country": (("DE", "2024-07-01", None, "food"), (0.07, "rate", "s:de-food", None, None)),
    "a class without a rate of its own": (("DE", "2024-07-01", None, "x"), (0.2, "rate", "s:de20", None, None)),
    "a region before a class and a kind": (("US", "2024-07-01", "tx", "saas", "business"),
                                           (0.0625, "rate", "s:us-tx", None, None)),
    "a region without a rate of its own": (("US", "2024-07-01", "CA"), (0.01, "rate", "s:us", None, None)),
    "a kind that the rate is not for": (("US", "2024-07-01", "CA", "saas"), (0.01, "rate", "s:us", None, None)),
    "a business owes the tax itself": (("GB", "2024-07-01", None, None, "business"),
                                       (0, "reverse_charge", "s:gb", 0.2, None)),
    "a consumer does not": (("GB", "2024-07-01", None, None, "consumer"), (0.2, "rate", "s:gb", None, None)),
    "nor one of unknown kind": (("GB", "2024-07-01"), (0.2, "rate", "s:gb", None, None)),
    "before the exemption": (("DE", "2024-02-29", None, "food", None, "s:firm"),
                             (0.07, "rate", "s:de-food", None, None)),
    "its first day": (("DE", "2024-03-01", None, "food", None, "s:firm"), (0, "exempt", None, None, "s:e1")),
    "its last day": (("DE", "2024-03-31", None, "food", None, "s:firm"), (0, "exempt", None, None, "s:e1")),
    "its end": (("DE", "2024-04-01", None, "food", None, "s:firm"), (0.07, "rate", "s:de-food", None, None)),
    "another class than it is for": (("DE", "2024-03-15", None, None, None, "s:firm"),
                                     (0.19, "rate", "s:de19", None, None)),
    "another region than it is for": (("US", "2024-03-15", "TX", None, None, "s:unknown"),
                                      (0.0625, "rate", "s:us-tx", None, None)),
    "exempt from all tax": (("US", "2024-03-15", "TX", None, None, "s:school"),
                            (0, "exempt", None, None, "customer:s:school:0001-01-01")),
    "exempt where no rate is known": (("JP", "2024-03-15", None, None, None, "s:school"),
                                      (0, "exempt", None, None, "customer:s:school:0001-01-01")),
    "no rate is known": (("JP", "2024-03-15"), (None, "none", None, None, None)),
    "a rate recorded later, another deleted": (("FR", "2024-03-15"), (None, "none", None, None, None)),
    "before the first rate": (("DE", "2019-12-31"), (None, "none", None, None, None)),
    "no country": ((None, "2024-03-15"), (None, "none", None, None, None)),
}  # fmt: skip


def test_the_rate_and_the_rule_that_gives_it(models):
    call = ("select rate, rule, tax_rate_id, reverse_charge_rate, tax_exemption_id"
            " from metrics.tax_rate(%s::text, %s::date, %s::text, %s::text, %s::text, %s::text)")  # fmt: skip
    with models.filled(RULES) as conn:
        found = {
            name: conn.execute(call, [*arguments, *[None] * (6 - len(arguments))]).fetchall()
            for name, (arguments, _) in CASES.items()
        }
    assert found == {name: [expected] for name, (_, expected) in CASES.items()}


def _months(conn, country: str) -> list[tuple[str, list[Decimal]]]:
    rows = conn.execute(
        "select month_start_on::text, opening_amount, output_amount, credit_amount, bad_debt_amount, input_amount,"
        " closing_amount from marts.tax_liability_monthly where country_code = %s and (output_amount, credit_amount,"
        " bad_debt_amount, input_amount) is distinct from (0, 0, 0, 0) order by 1",
        [country],
    )
    return [(month[:7], [float(amount) for amount in amounts]) for month, *amounts in rows]


def test_the_trial_balance_of_a_year(models):
    """Invoiced in January, credited in February, a void of March in April, written off in May, deducted in June."""
    rows = RULES | {
        "invoices": [
            _invoice("a", "2024-01-10", "38.00"),
            _invoice("b", "2024-03-10", "19.00", status="void", voided_at="2024-04-05T09:00:00+00:00"),
        ],
        "invoice_lines": [
            _line("a", "19.00"), _line("a", "19.00", key="a-2"), _line("b", "19.00"),
        ],
        "credit_notes": [
            _row("c", "2024-02-10", status="open", currency_code="EUR", subtotal_amount="50.00", tax_amount="9.50",
                 total_amount="59.50", issued_on="2024-02-10"),
        ],
        "credit_note_lines": [
            _row("c-1", credit_note_source_id="c", invoice_line_source_id="a-1", amount="50.00", tax_amount="9.50"),
        ],
        "write_offs": [
            _row("w", "2024-05-10", invoice_source_id="a", amount="119.00", tax_amount="19.00",
                 written_off_on="2024-05-10"),
        ],
        "supplier_bills": [
            _row("u", "2024-06-10", status="open", currency_code="EUR", tax_amount="3.80", issued_on="2024-06-10",
                 country_code="DE"),
        ],
        "supplier_bill_lines": [_row("u-1", supplier_bill_source_id="u", amount="20.00", tax_amount="3.80")],
    }  # fmt: skip
    with models.filled(rows) as conn:
        assert _months(conn, "DE") == [
            ("2024-01", [0, 38, 0, 0, 0, 38]),
            ("2024-02", [38, 0, 9.5, 0, 0, 28.5]),
            ("2024-03", [28.5, 19, 0, 0, 0, 47.5]),
            ("2024-04", [47.5, -19, 0, 0, 0, 28.5]),
            ("2024-05", [28.5, 0, 0, 19, 0, 9.5]),
            ("2024-06", [9.5, 0, 0, 0, 3.8, 5.7]),
        ]
        [last] = conn.execute("select max(month_start_on)::text, count(*) from marts.tax_liability_monthly").fetchall()
        assert last == ("2025-01-01", 13)
        assert conn.execute("select * from marts.tax_differences").fetchall() == []


@pytest.mark.parametrize(
    ("country", "tax_class", "is_declared", "owed"),
    [("GB", None, True, "20.00"), ("GB", None, None, "20.00"), ("DE", None, True, "20.00"),
     ("DE", "food", True, "7.00"), ("JP", None, True, None)],
)  # fmt: skip
def test_what_the_buyer_owes_on_a_bill_is_owed_and_deducted(models, country, tax_class, is_declared, owed):
    bill = _row("u", "2024-08-10", status="open", currency_code="EUR", tax_amount="0.00", issued_on="2024-08-10",
                country_code=country, is_reverse_charge=is_declared)  # fmt: skip
    line = _row("u-1", supplier_bill_source_id="u", amount="100.00", tax_amount="0.00", tax_class=tax_class)
    with models.filled(RULES | {"supplier_bills": [bill], "supplier_bill_lines": [line]}) as conn:
        found = conn.execute(
            "select entry_kind, tax_amount from marts.fct_tax_entries where is_self_assessed order by 1"
        ).fetchall()
        differences = [name for (name,) in conn.execute("select difference from marts.tax_differences")]
    expected = [] if owed is None else [("input", -Decimal(owed)), ("output", Decimal(owed))]
    assert found == expected
    assert differences == ([] if owed else ["reverse_charge_without_rate"])


def test_a_correction_is_taxed_as_on_the_day_of_what_it_corrects(models):
    """The rate rose on 1 July: what is credited in August had the old one."""
    rows = RULES | {
        "invoices": [_invoice("a", "2024-06-10", "19.00"), _invoice("b", "2024-08-10", "-9.50")],
        "invoice_lines": [_line("a", "19.00"), _line("b", "-9.50", "-50.00", corrected_line_source_id="a-1")],
        "credit_notes": [_row("c", "2024-08-11", status="open", currency_code="EUR", total_amount="11.90",
                              tax_amount="1.90", issued_on="2024-08-11")],
        "credit_note_lines": [
            _row("c-1", credit_note_source_id="c", invoice_line_source_id="a-1", amount="10.00", tax_amount="1.90"),
        ],
    }  # fmt: skip
    with models.filled(rows) as conn:
        found = conn.execute("select distinct tax_rate_id, country_code from marts.fct_tax_entries").fetchall()
        assert found == [("s:de19", "DE")]
        assert conn.execute("select * from marts.tax_differences").fetchall() == []


def test_differences_name_lines_and_headers(models):
    rows = RULES | {
        "invoices": [
            _invoice("right", "2024-01-10", "19.01"), _invoice("wrong", "2024-07-01", "19.00"),
            _invoice("norule", "2024-07-01", "10.00", "JP"), _invoice("header", "2024-01-10", "20.00"),
            _invoice("untaxed", "2024-07-01", "0.00", "JP"),
            _invoice("place", "2024-07-01", "6.25", None, billing_customer_source_id="unknown"),
        ],
        "invoice_lines": [
            _line("right", "19.01"), _line("wrong", "19.00"), _line("norule", "10.00"), _line("header", "19.00"),
            _line("untaxed", "0.00"), _line("place", "6.25"),
        ],
    }  # fmt: skip
    with models.filled(rows) as conn:
        found = conn.execute(
            "select document_id, difference, line_id, tax_amount::text, expected_tax_amount::text,"
            " difference_amount::text from marts.tax_differences order by 1"
        ).fetchall()
        [[place]] = conn.execute(
            "select country_code || region_code from marts.fct_tax_entries where document_id = 's:place'"
        ).fetchall()
    assert found == [
        ("s:header", "header", None, "20.00", "19.00", "1.00"),
        ("s:norule", "no_rate", "s:norule-1", "10.00", None, None),
        ("s:wrong", "rate", "s:wrong-1", "19.00", "20.00", "-1.00"),
    ]
    assert place == "USTX"
