"""Terms that cannot be read stop no build and change nothing: they are left out and counted."""

import pytest
from compiled_models import compile_models
from subscribed_company import Company

AS_OF = "2024-12-31"
COUNTED = ("stg_billing__subscription_changes", "stg_billing__price_changes", "stg_billing__subscription_items",
           "stg_billing__prices")  # fmt: skip


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("mrr_terms", built), ["+fct_mrr_movements"], AS_OF, tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )  # fmt: skip


@pytest.fixture
def company() -> Company:
    company = Company()
    company.subscribe("S", "2024-01-10", "100", quantity=2, billing_period_count=1)
    return company


def _worth(models, company: Company) -> tuple[object, bool, int]:
    """What the company is worth at the end, if all of it is priced, and how many rows count as unreadable."""
    with models.filled(company.rows) as conn:
        [(amount, is_priced)] = conn.execute(
            "select sum(mrr_amount), bool_and(is_priced) from intermediate.int_subscription_item_spans"
            " where valid_from_on <= %(day)s and valid_to_on > %(day)s",
            {"day": AS_OF},
        ).fetchall()
        counts = [
            conn.execute(f"select count(*) from staging.{name} where not is_readable".encode()).fetchone()[0]
            for name in COUNTED
        ]
        conn.execute("select * from marts.fct_mrr_movements")
    return amount, is_priced, sum(counts)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("billing_period_count", value) for value in ("0", "-1", "1e-30", "1e-9", "1e30", "0.0", "10001")),
        *(("discount_rate", value) for value in ("-0.5", "1.5", "20", "1e30", "-1e-30")),
        *(("quantity", value) for value in ("1e30", "-1e13", "many")),
        *(("discount_amount", value) for value in ("-5", "1e13", "1e99")),
        *(("billing_period", value) for value in ("annual", "yearly", "Month", "")),
    ],
)
def test_a_change_to_what_cannot_be_is_left_out_and_counted(models, company, field, value):
    company.change("S", "2024-03-05", field, None, value)
    # Without a readable change the value shown now counts; with one before, that.
    assert _worth(models, company) == (200, True, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("billing_period_count", "0"), ("billing_period", "annual"), ("charge_model", "per_seat")],
)
def test_prices_too(models, company, field, value):
    company.subscribe("T", "2024-01-10", "100", price_source_id="P", billing_period=None)
    company.rows["subscription_items"][1]["unit_amount"] = None
    company.add("prices", "P", "2024-01-01", charge_model="per_unit", billing_period="month", currency_code="USD",
                unit_amount="30")  # fmt: skip
    company.add("price_changes", "1", "2024-03-05", price_source_id="P", field_name=field, new_value=value)
    assert _worth(models, company) == (230, True, 1)


@pytest.mark.parametrize("value", [1e-9, 1e-30, 1e30, "Infinity", "NaN"])
def test_the_current_state_stops_no_build_either(models, company, value):
    company.rows["subscription_items"][0]["billing_period_count"] = value
    assert _worth(models, company) == (200, True, 1)
    company.rows["subscription_items"][0] |= {"billing_period_count": None, "discount_rate": value}
    assert _worth(models, company)[1:] == ((True, 0) if value in (1e-9, 1e-30) else (True, 1))


def test_what_no_money_can_hold_is_not_priced(models, company):
    company.change("S", "2024-03-05", "quantity", 2, "999999999999")
    company.change("S", "2024-03-05", "unit_amount", 100, "999999999999999")
    assert _worth(models, company) == (0, False, 0)


def test_many_units_in_place_of_next_to_none_are_a_change_that_adds_up(models, company):
    company.change("S", "2024-03-05", "quantity", 2, "0.00000001")
    company.change("S", "2024-03-05", "unit_amount", 100, "1000000000")
    company.change("S", "2024-04-05", "quantity", "0.00000001", "1000000000000")
    company.change("S", "2024-04-05", "unit_amount", "1000000000", "3")
    assert _worth(models, company) == (3_000_000_000_000, True, 0)
