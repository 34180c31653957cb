"""Rows of payments, their changes, allocations, refunds and write-offs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.billing.bill import Bill
from revlayer.simulator.billing.columns import base, cents_text, changes, days_text, moment, without_first_values
from revlayer.simulator.billing.customers import DEBIT, PAY_METHODS, customer_keys
from revlayer.simulator.billing.document_tables import DURING, invoice_keys, note_keys
from revlayer.simulator.billing.parameters import NEVER, BillingParameters
from revlayer.simulator.billing.settlement import DEBIT_DAYS, FAILED, PENDING, STATUSES, SUCCEEDED
from revlayer.simulator.changes import History, Ledger
from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.world import CURRENCIES

FAILURES = ("card_declined", "insufficient_funds", "expired_card")


def payment_keys(bill: Bill, payment: Index, null: Mask | None = None) -> pa.Array:
    return text.identifiers("Y", bill.numbers.payment + payment, 8, null)


def payment_tables(
    p: BillingParameters, bill: Bill, clock: Clock, random: np.random.Generator
) -> tuple[pa.Table, pa.Table, Array]:
    """raw.payments, raw.payment_changes, and how many days late each payment is recorded."""
    y = bill.settlement.payments
    count = len(y.day)
    rows = np.arange(count)
    lag = np.where(random.random(count) < p.late_record_rate, random.uniform(1, 10, count), 0.0)
    lag = np.where(y.day + DURING + lag < clock.end, lag, 0.0)
    is_debit = (bill.customers.method[y.customer] == DEBIT) & (y.status == SUCCEEDED)
    sent = np.where(is_debit, y.day - DEBIT_DAYS, y.day)
    history = _payment_history(bill, is_debit, sent, clock)
    keys = payment_keys(bill, rows)
    failed = y.status == FAILED
    at, recorded = moment(sent, DURING), moment(sent, DURING) + lag
    table = pa.table(
        base(keys, at, recorded)
        | {
            "billing_customer_source_id": customer_keys(bill.customers.account[y.customer]),
            "invoice_source_id": invoice_keys(bill, np.maximum(y.invoice, 0), y.invoice < 0),
            "status": pc.coalesce(history.state["status"], text.names(STATUSES, y.status)),
            "currency_code": text.names(CURRENCIES, _currency(bill)),
            "amount": cents_text(y.cents),
            "fee_amount": cents_text(np.where(failed, 0, np.rint(y.cents * 0.004)).astype(np.int64)),
            "payment_method": text.names(PAY_METHODS, bill.customers.method[y.customer]),
            "attempt_number": pa.array(y.attempt.astype(np.float64)),
            "failure_code": text.names(FAILURES, y.cents % len(FAILURES), ~failed),
            "settled_on": days_text(y.day, failed),
            "observed_at": text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )
    later = without_first_values(history, "status")
    owner = {"payment_source_id": keys.take(pa.array(later.row))}
    known = np.maximum(later.at, text.seconds(recorded)[later.row])
    return table, changes(later, "YC", bill.numbers.change, owner, known), lag


def _currency(bill: Bill) -> Index:
    """Currency of each payment: that of what it pays, or tried to."""
    y, a = bill.settlement.payments, bill.settlement.allocations
    named = np.zeros(len(y.day), dtype=np.int64)
    named[a.payment] = a.invoice
    return bill.currency[bill.invoices.subscription[np.where(y.invoice >= 0, y.invoice, named)]]


def _payment_history(bill: Bill, is_debit: Mask, sent: Index, clock: Clock) -> History:
    """Direct debits are pending for some days; what the bank takes back has failed."""
    y = bill.settlement.payments
    ledger = Ledger(("status",), len(y.day), np.full(len(y.day), clock.end))
    debit, back = np.flatnonzero(is_debit), np.flatnonzero(y.returned < NEVER)
    ledger.add("status", debit, moment(sent[debit], DURING), text.constant(STATUSES[PENDING], len(debit)))
    paid = np.union1d(debit, back)
    ledger.add("status", paid, moment(y.day[paid], DURING), text.constant(STATUSES[SUCCEEDED], len(paid)))
    ledger.add("status", back, moment(y.returned[back], DURING), text.constant(STATUSES[FAILED], len(back)))
    return ledger.close()


def allocation_tables(bill: Bill, lag: Array) -> tuple[pa.Table, pa.Table]:
    """raw.payment_allocations and raw.credit_note_allocations."""
    a = bill.settlement.allocations
    at = moment(a.day, DURING)
    recorded = np.where(a.cents > 0, at + lag[a.payment], at)
    paid = pa.table(
        base(text.identifiers("YA", bill.numbers.allocation + np.arange(len(a.day)), 8), at, recorded)
        | {
            "payment_source_id": payment_keys(bill, a.payment),
            "invoice_source_id": invoice_keys(bill, a.invoice),
            "amount": cents_text(a.cents),
            "currency_code": text.names(CURRENCIES, bill.currency[bill.invoices.subscription[a.invoice]]),
        }
    )
    c = bill.credits
    first = np.flatnonzero(np.append(True, np.diff(c.note) != 0)[: len(c.note)])
    note = np.flatnonzero(bill.settlement.applied)
    row = first[note]
    invoice = bill.taxed.invoice[c.line[row]]
    total = np.bincount(c.note, c.cents + c.tax).astype(np.int64)[note]
    credited = pa.table(
        base(text.join("-", note_keys(bill, note), pa.scalar("A")), moment(c.day[row], DURING))
        | {
            "credit_note_source_id": note_keys(bill, note),
            "invoice_source_id": invoice_keys(bill, invoice),
            "amount": cents_text(total),
            "currency_code": text.names(CURRENCIES, bill.currency[bill.invoices.subscription[invoice]]),
        }
    )
    return paid, credited


def refund_table(bill: Bill) -> pa.Table:
    """raw.refunds; each payment and each note is refunded once."""
    r, c = bill.settlement.refunds, bill.credits
    first = np.flatnonzero(np.append(True, np.diff(c.note) != 0)[: len(c.note)])
    of_note = np.append(bill.currency[bill.invoices.subscription[bill.taxed.invoice[c.line[first]]]], 0)
    currency = np.where(r.note >= 0, of_note[r.note], _currency(bill)[np.maximum(r.payment, 0)])
    source = pc.coalesce(
        payment_keys(bill, np.maximum(r.payment, 0), r.payment < 0), note_keys(bill, np.maximum(r.note, 0), r.note < 0)
    )
    return pa.table(
        base(text.join("-", pa.scalar("F"), source), moment(r.day, DURING))
        | {
            "payment_source_id": payment_keys(bill, np.maximum(r.payment, 0), r.payment < 0),
            "credit_note_source_id": note_keys(bill, np.maximum(r.note, 0), r.note < 0),
            "amount": cents_text(r.cents),
            "currency_code": text.names(CURRENCIES, currency),
            "reason": text.names(("overpaid", "credit"), (r.note >= 0).astype(np.int64)),
        }
    )


def write_off_table(bill: Bill) -> pa.Table:
    """raw.write_offs: given up, and recovered by negative rows."""
    w = bill.settlement.write_offs
    recovers = w.cents < 0
    return pa.table(
        base(text.join("-", text.names(("W", "WR"), recovers.astype(np.int64)), invoice_keys(bill, w.invoice)),
             moment(w.day, DURING))
        | {
            "invoice_source_id": invoice_keys(bill, w.invoice),
            "amount": cents_text(w.cents),
            "tax_amount": cents_text(w.tax),
            "currency_code": text.names(CURRENCIES, bill.currency[bill.invoices.subscription[w.invoice]]),
            "written_off_on": days_text(w.day),
            "reason": text.names(("insolvent", "recovered"), recovers.astype(np.int64)),
        }
    )  # fmt: skip
