"""Features of open invoices and their labels: random ledgers against a calculation of their own."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import log, sqrt

import pytest
from compiled_models import compile_models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEGIN, AS_OF = date(2024, 10, 1), date(2025, 1, 31)
ENDS = [date(2024, 10, 31), date(2024, 11, 30), date(2024, 12, 31), AS_OF]
PRIOR, LIMIT = 2, 180
NO_HEALTH_CHECK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@dataclass(frozen=True)
class Invoice:
    """Its parts are paid on days of their own; what is recorded late is known late."""

    customer: str | None
    issued: date
    terms: int
    cents: int
    first_part: int
    first_paid: int
    rest_paid: int | None
    recorded_late: int

    @property
    def due(self):
        return self.issued + timedelta(days=self.terms)

    def paid(self):
        """Days on which the parts were paid and known, and their cents."""
        first = min(self.first_part, self.cents)
        parts = [(self.first_paid, first)] if first else []
        if self.rest_paid is not None and self.cents > first:
            parts.append((max(self.rest_paid, self.first_paid), self.cents - first))
        days = [(self.issued + timedelta(days=after), cents) for after, cents in parts]
        return [(day, day + timedelta(days=self.recorded_late), cents) for day, cents in days]

    def owed(self, day):
        return self.cents - sum(cents for paid, known, cents in self.paid() if known <= day)

    def settled(self):
        """When it was paid in full and when that was known; None while it is not."""
        paid = self.paid()
        if sum(cents for *_, cents in paid) < self.cents:
            return None
        return max(day for day, *_ in paid), max(known for _, known, _ in paid)


INVOICES = st.builds(
    Invoice,
    customer=st.sampled_from(["a", "a", "b", "c", None]),
    issued=st.integers(0, 110).map(lambda days: BEGIN + timedelta(days=days)),
    terms=st.sampled_from([0, 14, 30]),
    cents=st.integers(1, 90_000),
    first_part=st.sampled_from([0, 0, 500, 10**9]),
    first_paid=st.integers(0, 70),
    rest_paid=st.one_of(st.none(), st.integers(0, 90)),
    recorded_late=st.sampled_from([0, 0, 0, 9]),
)


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("invoice_features", built), ["+ftr_invoices", "+lbl_invoices"], AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"), {"calendar_start_on": "2024-09-01", "history_months": 4},
    )  # fmt: skip


def _rows(invoices):
    rows = {"invoices": [], "payments": [], "payment_allocations": []}
    for number, invoice in enumerate(invoices):
        key, base = str(number), {"source_name": "s", "loaded_at": "2026-01-01T00:00:00Z"}
        rows["invoices"].append(base | {
            "source_id": key, "occurred_at": f"{invoice.issued}T08:00:00Z", "status": "open", "currency_code": "USD",
            "billing_customer_source_id": invoice.customer, "total_amount": f"{invoice.cents / 100:.2f}",
            "issued_on": invoice.issued.isoformat(), "due_on": invoice.due.isoformat(), "is_disputed": number % 2 == 0,
        })  # fmt: skip
        for part, (day, known, cents) in enumerate(invoice.paid()):
            record = base | {"source_id": f"{key}-{part}", "occurred_at": f"{day}T09:00:00Z",
                             "recorded_at": f"{known}T10:00:00Z", "amount": f"{cents / 100:.2f}"}  # fmt: skip
            rows["payments"].append(record | {
                "status": "succeeded", "settled_on": day.isoformat(), "currency_code": "USD",
                "billing_customer_source_id": invoice.customer,
            })  # fmt: skip
            rows["payment_allocations"].append(record | {
                "payment_source_id": record["source_id"], "invoice_source_id": key,
            })  # fmt: skip
    return rows


def _record(invoices, day):
    """Days past due of what was known to be paid, and the latest day that a payment was known."""
    ended = [(invoice, invoice.settled()) for invoice in invoices]
    known = [((end[0] - invoice.due).days, end[1]) for invoice, end in ended if end and end[1] <= day]
    return [max(min(days, LIMIT), -LIMIT) for days, _ in known], max((at for _, at in known), default=None)


def _expected(invoices, day):
    everyone, _ = _record(invoices, day)
    company = [sum(f(d) for d in everyone) / len(everyone) if everyone else None
               for f in (lambda d: d > 0, lambda d: d, lambda d: d * d)]  # fmt: skip
    found = {}
    for number, invoice in enumerate(invoices):
        if invoice.issued > day or invoice.owed(day) <= 0:
            continue
        peers = [i for i in invoices if i is invoice or (i.customer == invoice.customer and i.customer is not None)]
        own, latest = _record(peers, day)
        is_open = [i for i in peers if i.issued <= day and i.owed(day) > 0]
        drawn = [None if mean is None else (sum(f(d) for d in own) + PRIOR * mean) / (len(own) + PRIOR)
                 for mean, f in zip(company, (lambda d: d > 0, lambda d: d, lambda d: d * d), strict=True)]  # fmt: skip
        rate, mean, square = drawn
        found[f"s:{number}"] = {
            "payment_terms_days": invoice.terms, "age_days": (day - invoice.issued).days,
            "days_past_due": (day - invoice.due).days, "log_amount": log(1 + invoice.owed(day) / 100),
            "open_share": invoice.owed(day) / invoice.cents, "log_paid_count": log(1 + len(own)),
            "payer_late_rate": rate, "payer_days_past_due": mean,
            "payer_spread_days": None if mean is None else sqrt(max(square - mean * mean, 0)),
            "days_since_payment": None if latest is None else (day - latest).days,
            "company_days_past_due": company[1], "payer_open_count": len(is_open),
            "payer_overdue_count": sum(i.due < day for i in is_open),
        }  # fmt: skip
    return found


def _known(features):
    return {name: value for name, value in features.items() if value is not None}


@pytest.mark.identity
@NO_HEALTH_CHECK
@given(invoices=st.lists(INVOICES, min_size=1, max_size=8))
def test_features_are_what_was_known_of_open_invoices(models, invoices):
    with models.filled(_rows(invoices)) as conn:
        for day in ENDS:
            expected = _expected(invoices, day)
            cursor = conn.execute("select * from features.ftr_invoices where as_of_date = %s", [day])
            names = [column.name for column in cursor.description]
            found = {row["invoice_id"]: row for row in (dict(zip(names, r, strict=True)) for r in cursor.fetchall())}
            assert found.keys() == expected.keys()
            for key, features in expected.items():
                shown = {name: found[key][name] for name in features}
                assert _known(shown) == pytest.approx(_known(features), rel=1e-9, abs=1e-6), (day, key)
                assert {name for name in shown if shown[name] is None} == features.keys() - _known(features).keys()
        labels = conn.execute("select invoice_id, is_paid, settled_on, settled_known_on from features.lbl_invoices")
        ends = {f"s:{number}": invoice.settled() for number, invoice in enumerate(invoices)}
        assert {row[0]: row[1:] for row in labels.fetchall()} == {
            key: (True, *end) for key, end in ends.items() if end and end[1] <= AS_OF
        }
