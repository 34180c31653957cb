"""What is overdue and what of it stays unpaid, of random invoices: as reckoned day by day in fractions."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from compiled_models import CompiledModels
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AS_OF, Shop
from .predictions import records

TODAY = date.fromisoformat(AS_OF)
START = date(2023, 6, 1)
WINDOW = timedelta(days=90)
CLASSES = {"1 to 30": (1, 30, "0.1"), "31 to 60": (31, 60, "0.25"), "61 to 90": (61, 90, "0.4"),
           "91 to 180": (91, 180, "0.6"), "181 to 365": (181, 365, "0.8"),
           "over 365": (366, 10_000, "0.95")}  # fmt: skip
WANTED = ("collection_rates", "overdue_amounts", "next_action_parts")
CENT = Decimal("0.01")

days = st.integers(0, 560)
amounts = st.integers(1, 60_000).map(lambda cents: Decimal(cents) / 100)
# Day after issue, and days until it was known.
movements = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40), amounts), max_size=2)
invoices = st.fixed_dictionaries({
    "customer": st.sampled_from("AB"), "currency": st.sampled_from(["USD", "USD", "USD", "EUR"]),
    "issued": days, "terms": st.integers(0, 60), "total": amounts, "payments": movements, "credits": movements,
    "write_offs": movements, "voided": st.none() | st.integers(0, 400), "given_up": st.none() | st.integers(0, 400),
    "moved_due": st.none() | st.tuples(st.integers(0, 200), st.integers(0, 120)),
})  # fmt: skip


@pytest.fixture(scope="session")
def read(score_models):
    """Return a function that gives the rows of each mart, of the models that are compiled already."""
    names = {"customer_scores", "at_risk_deals", *WANTED}
    kept = [m for m in score_models.models if m.relation.split(".")[-2].strip('"') != "marts" or m.name in names]
    collection = CompiledModels(score_models.database, kept)

    def found(rows):
        with collection.filled(rows) as conn:
            return [records(conn, f"select * from marts.{name}") for name in WANTED]

    return found


class Invoice:
    """One invoice as it was known from day to day."""

    def __init__(self, given):
        self.given = given
        self.issued = START + timedelta(days=given["issued"])
        self.due = self.issued + timedelta(days=given["terms"])

    def day(self, name):
        after = self.given[name]
        return None if after is None else self.issued + timedelta(days=after)

    def known(self, name):
        """Day from which each movement is known, and its amount."""
        return [(self.issued + timedelta(days=after + late), amount) for after, late, amount in self.given[name]]

    def total(self, name, day, since=date.min):
        return sum((amount for known, amount in self.known(name) if since < known <= day), Decimal(0))

    def due_on(self, day):
        if self.given["moved_due"] is None:
            return self.due
        after, days_later = self.given["moved_due"]
        return self.due + timedelta(days=days_later) if day >= self.issued + timedelta(days=after) else self.due

    def is_void(self, day):
        return self.day("voided") is not None and day >= self.day("voided")

    def is_given_up(self, day):
        return self.day("given_up") is not None and day >= self.day("given_up")

    def owed(self, day):
        claim = 0 if self.is_void(day) or self.is_given_up(day) or day < self.issued else self.given["total"]
        return claim - sum(self.total(name, day) for name in ("payments", "credits", "write_offs"))

    def outcome(self, first, last):
        """Claimed and unpaid amount a window after it reached an age, None where it did not or was no claim."""
        reached = next(
            (day for day in _days(self.issued, TODAY) if first <= (day - self.due_on(day)).days <= last), None
        )  # fmt: skip
        if reached is None or reached + WINDOW > TODAY or self.owed(reached) <= 0 or self.is_void(reached + WINDOW):
            return None
        later, owed = reached + WINDOW, self.owed(reached)
        claimed = owed - min(self.total("credits", later, reached), owed)
        left = owed if self.is_given_up(later) else max(self.owed(later), 0) + self.total("write_offs", later, reached)
        return claimed, min(left, claimed)

    def raw(self, shop, number):
        key, given, customer = f"I{number}", self.given, self.given["customer"]
        status = "uncollectible" if self.is_given_up(TODAY) else "open"
        voided = self.day("voided") and f"{self.day('voided')}T08:00:00Z"
        shop.add("invoices", str(self.issued), key, billing_customer_source_id=customer, issued_on=str(self.issued),
                 due_on=str(self.due_on(TODAY)), status=status, total_amount=given["total"],
                 currency_code=given["currency"], voided_at=voided)  # fmt: skip
        if given["moved_due"]:
            moved = self.issued + timedelta(days=given["moved_due"][0])
            shop.change("invoices", key, str(moved), "due_on", self.due, self.due_on(date.max))
        if given["given_up"] is not None:
            shop.change("invoices", key, str(self.day("given_up")), "status", "open", "uncollectible")
        for table, name in (("payments", "payments"), ("credit_notes", "credits"), ("write_offs", "write_offs")):
            for after, late, amount in given[name]:
                on = self.issued + timedelta(days=after)
                columns = {
                    "payments": {"amount": amount, "status": "succeeded", "settled_on": on},
                    "credit_notes": {"total_amount": amount, "issued_on": on},
                    "write_offs": {"amount": amount, "written_off_on": on},
                }[table]
                shop.add(table, str(on), invoice_source_id=key, currency_code=given["currency"],
                         recorded_at=f"{on + timedelta(days=late)}T12:00:00Z", **columns)  # fmt: skip


def _days(first, last):
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _rates(found):
    """By class: invoices, claimed, unpaid, without a rate, and the rate that is taken."""
    rates = {}
    for name, (first, last, prior) in CLASSES.items():
        outcomes = [(invoice.given["currency"], invoice.outcome(first, last)) for invoice in found]
        known = [outcome for currency, outcome in outcomes if outcome and currency == "USD"]
        count = sum(claimed > 0 for claimed, _ in known)
        claimed, unpaid = (sum((pair[n] for pair in known), Decimal(0)) for n in (0, 1))
        rate = Fraction(prior)
        if claimed:
            rate = (count * Fraction(unpaid) / Fraction(claimed) + 20 * rate) / (count + 20)
        rates[name] = (count, claimed, unpaid, sum(bool(o) for c, o in outcomes if c != "USD"), rate)
    return rates


def _cents(number):
    return (Decimal(number.numerator) / Decimal(number.denominator)).quantize(CENT, ROUND_HALF_UP)


@pytest.mark.identity
@given(given=st.lists(invoices, min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_collecting_is_worth_is_what_stayed_unpaid_before(read, given):
    found, shop = [Invoice(one) for one in given], Shop()
    for number, invoice in enumerate(found):
        invoice.raw(shop, number)
    for key in "AB":
        shop.add("billing_customers", "2023-01-01", key)
    rates, overdue, parts = read(shop.rows)
    wanted = _rates(found)
    assert {row["age_class"] for row in rates} == set(wanted)
    for row in rates:
        count, claimed, unpaid, without_rate, rate = wanted[row["age_class"]]
        figures = (row["invoice_count"], row["claimed_amount"], row["unpaid_amount"], row["without_rate_count"])
        assert figures == (count, claimed, unpaid, without_rate)
        assert row["observed_unpaid_rate"] == (pytest.approx(float(unpaid / claimed)) if claimed else None)
        assert row["unpaid_rate"] == pytest.approx(float(rate))
    _check_overdue(found, wanted, overdue)
    _check_parts(overdue, [row for row in parts if row["action"] == "collect"])


def _check_overdue(found, wanted, rows):
    open_ones = {}
    for invoice in found:
        age = (TODAY - invoice.due_on(TODAY)).days
        if age >= 1 and invoice.owed(TODAY) > 0:
            name = next(name for name, (first, last, _) in CLASSES.items() if first <= age <= last)
            open_ones.setdefault((f"s:{invoice.given['customer']}", name), []).append(invoice)
    assert {(row["customer_id"], row["age_class"]) for row in rows} == set(open_ones)
    for row in rows:
        own = open_ones[row["customer_id"], row["age_class"]]
        assert row["overdue_invoice_count"] == len(own)
        if any(invoice.given["currency"] == "EUR" for invoice in own):
            assert row["overdue_amount"] is None and row["unpaid_amount"] is None
            continue
        assert row["overdue_amount"] == sum(invoice.owed(TODAY) for invoice in own)
        exact = Fraction(row["overdue_amount"]) * wanted[row["age_class"]][4]
        assert abs(row["unpaid_amount"] - _cents(exact)) <= (CENT if (exact * 200).denominator == 1 else 0)


def _check_parts(overdue, parts):
    by_customer = {}
    for row in overdue:
        by_customer.setdefault(row["customer_id"], []).append(row)
    worth = {
        key: sum(row["unpaid_amount"] for row in rows)
        for key, rows in by_customer.items() if all(row["unpaid_amount"] is not None for row in rows)
    }  # fmt: skip
    assert {row["subject_id"]: row["action_amount"] for row in parts} == {k: v for k, v in worth.items() if v > 0}
    for row in parts:
        assert row["base_amount"] == sum(one["overdue_amount"] for one in by_customer[row["subject_id"]])
        assert _cents(Fraction(row["base_amount"]) * Fraction(row["probability"])) == row["action_amount"]
