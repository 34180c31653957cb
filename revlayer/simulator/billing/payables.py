"""Suppliers and their monthly bills, which the company pays in time, late, in parts or not yet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, cents_text, changes, days_text, midnights, moment
from revlayer.simulator.billing.parameters import BillingParameters
from revlayer.simulator.billing.tax import CODES, rate_keys, rate_of, shares
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Clock, Index, day_number, month_starts
from revlayer.simulator.world import CURRENCIES

CATEGORIES = ("hosting", "software", "consulting", "rent", "marketing", "travel")
#: Where suppliers are, and what they bill in.
PLACES = (("US", 0), ("US", 0), ("DE", 1), ("GB", 2), ("FR", 1), ("NL", 1))
#: When bills come and are paid.
AT = 0.4
Part = tuple[str, pa.Table]


def payable_tables(p: BillingParameters, clock: Clock, months: int, random: np.random.Generator) -> list[Part]:
    """All tables of payables: one bill per supplier and month, on a day of its own."""
    supplier, month = (index.ravel() for index in np.indices((p.suppliers, months)))
    firsts = np.array([day_number(first) for first in month_starts(clock.start_on, months)])
    issued = firsts[month] + random.integers(0, 28, p.suppliers)[supplier]
    kept = issued < clock.end
    supplier, issued = supplier[kept], issued[kept]
    country = np.array([CODES.index(code) for code, _ in PLACES])[supplier % len(PLACES)]
    currency = np.array([code for _, code in PLACES])[supplier % len(PLACES)]
    net = np.rint(100 * p.bill_median * np.exp(random.standard_normal(len(supplier)) * 0.8)).astype(np.int64)
    everywhere = np.full(len(supplier), -1)
    rate = rate_of(country, everywhere, np.zeros(len(supplier), dtype=np.int64), np.ones(len(supplier), bool), issued)
    rate = np.where(country == CODES.index("US"), -1, rate)
    tax = np.rint(net * shares()[rate]).astype(np.int64)
    bills = {"supplier": supplier, "issued": issued, "country": country, "currency": currency, "net": net, "tax": tax,
             "rate": rate}  # fmt: skip
    paid_on = issued + 30 + np.rint(random.normal(0, 6, len(supplier))).astype(np.int64)
    voided = random.random(len(supplier)) < 0.01
    return [
        ("raw.suppliers", _suppliers(p, clock)),
        *_bills(bills, voided, paid_on, clock),
        ("raw.supplier_bill_lines", _lines(bills)),
        ("raw.supplier_payments", _payments(bills, voided, paid_on, clock, random)),
    ]


def _suppliers(p: BillingParameters, clock: Clock) -> pa.Table:
    rows = np.arange(p.suppliers)
    start = np.full(p.suppliers, clock.start)
    key = text.identifiers("V", rows + 1, 3)
    return pa.table(
        base(key, start)
        | {
            "name": text.join(" ", pa.scalar("Supplier"), key),
            "country_code": text.names([code for code, _ in PLACES], rows % len(PLACES)),
            "tax_number": text.join("", text.names([code for code, _ in PLACES], rows % len(PLACES)), key),
            "observed_at": text.stamps(text.seconds(start)),
        }
    )


def _key(count: int) -> pa.Array:
    return text.identifiers("VB", np.arange(count) + 1, 6)


def _bills(bills: dict[str, Index], voided: np.ndarray, paid_on: Index, clock: Clock) -> list[Part]:
    count = len(voided)
    rows, at = np.arange(count), moment(bills["issued"], AT)
    ledger = Ledger(("status", "voided_at"), count, np.full(count, clock.end))
    ledger.add("status", rows, at, text.constant("open", count))
    gone = np.flatnonzero(voided)
    ledger.add("status", gone, moment(bills["issued"][gone] + 3, AT), text.constant("void", len(gone)))
    ledger.add("voided_at", gone, moment(bills["issued"][gone] + 3, AT), midnights(bills["issued"][gone] + 3))
    done = np.flatnonzero(~voided)
    ledger.add("status", done, moment(paid_on[done], AT), text.constant("paid", len(done)))
    history = ledger.close()
    key = _key(count)
    table = pa.table(
        base(key, at)
        | {
            "supplier_source_id": text.identifiers("V", bills["supplier"] + 1, 3),
            "bill_number": text.join("-", pa.scalar("R"), text.identifiers("", rows + 1, 6)),
            "status": history.state["status"],
            "currency_code": text.names(CURRENCIES, bills["currency"]),
            "subtotal_amount": cents_text(bills["net"]),
            "tax_amount": cents_text(bills["tax"]),
            "total_amount": cents_text(bills["net"] + bills["tax"]),
            "issued_on": days_text(bills["issued"]),
            "due_on": days_text(bills["issued"] + 30),
            "voided_at": history.state["voided_at"],
            "category": text.names(CATEGORIES, bills["supplier"] % len(CATEGORIES)),
            "country_code": text.names(CODES, bills["country"]),
            "is_reverse_charge": pa.array((bills["rate"] >= 0) & (bills["tax"] == 0)),
            "observed_at": text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )
    owner = {"supplier_bill_source_id": key.take(pa.array(history.row))}
    return [("raw.supplier_bills", table), ("raw.supplier_bill_changes", changes(history, "VBC", 1, owner, history.at))]


def _lines(bills: dict[str, Index]) -> pa.Table:
    count = len(bills["net"])
    return pa.table(
        base(text.identifiers("VL", np.arange(count) + 1, 6), moment(bills["issued"], AT))
        | {
            "supplier_bill_source_id": _key(count),
            "description": text.names(CATEGORIES, bills["supplier"] % len(CATEGORIES)),
            "category": text.names(CATEGORIES, bills["supplier"] % len(CATEGORIES)),
            "amount": cents_text(bills["net"]),
            "tax_amount": cents_text(bills["tax"]),
            "tax_rate_source_id": rate_keys(bills["rate"]),
            "tax_class": text.constant("standard", count),
            "currency_code": text.names(CURRENCIES, bills["currency"]),
        }
    )


def _payments(
    bills: dict[str, Index], voided: np.ndarray, paid_on: Index, clock: Clock, random: np.random.Generator
) -> pa.Table:
    """Most bills at once, some in two parts, the second in the month after."""
    total = bills["net"] + bills["tax"]
    halves = random.random(len(total)) < 0.1
    first = np.where(halves, total // 2, total)
    rest = np.flatnonzero(halves)
    bill = np.concatenate((np.arange(len(total)), rest))
    day = np.concatenate((np.where(halves, np.minimum(paid_on, bills["issued"] + 15), paid_on), paid_on[rest]))
    cents = np.concatenate((first, (total - first)[rest]))
    kept = np.flatnonzero((day < clock.end) & ~voided[bill] & (cents > 0))
    bill, day, cents = bill[kept], day[kept], cents[kept]
    return pa.table(
        base(text.identifiers("VP", np.arange(len(bill)) + 1, 6), moment(day, AT))
        | {
            "supplier_bill_source_id": _key(len(total)).take(pa.array(bill)),
            "amount": cents_text(cents),
            "currency_code": text.names(CURRENCIES, bills["currency"][bill]),
            "payment_method": text.constant("transfer", len(bill)),
        }
    )
