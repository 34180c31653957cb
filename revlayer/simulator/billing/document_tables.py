"""Rows of invoices, their changes and lines, of milestones and credit notes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.billing.bill import Bill
from revlayer.simulator.billing.catalogue import extra_keys, price_keys
from revlayer.simulator.billing.charges import LINE_TYPES, METHODS, MILESTONE, PLAN_ITEM, PRORATION
from revlayer.simulator.billing.columns import (
    base,
    cents_text,
    changes,
    days_text,
    midnights,
    moment,
    without_first_values,
)
from revlayer.simulator.billing.contract_tables import item_keys, subscription_keys
from revlayer.simulator.billing.customers import customer_keys, region_codes
from revlayer.simulator.billing.documents import DELETED, GENUINE, VOIDED
from revlayer.simulator.billing.parameters import NEVER, BillingParameters
from revlayer.simulator.billing.tax import CLASSES, CODES, rate_keys
from revlayer.simulator.changes import History, Ledger
from revlayer.simulator.clock import Clock, Index
from revlayer.simulator.world import CURRENCIES

#: Invoices are written at six in the morning of their day; what happens to them, in the course of a day.
WRITTEN = 0.25
DURING = 0.5
STEPS = (("Kick-off", 0.3, 20), ("Configuration", 0.4, 60), ("Acceptance", 0.3, 110))


def invoice_keys(bill: Bill, invoice: Index, null: np.ndarray | None = None) -> pa.Array:
    """Keys of invoices by position."""
    return text.identifiers("N", bill.numbers.invoice + invoice, 8, null)


def line_keys(bill: Bill, line: Index, null: np.ndarray | None = None) -> pa.Array:
    return text.identifiers("L", bill.numbers.line + line, 9, null)


def note_keys(bill: Bill, note: Index, null: np.ndarray | None = None) -> pa.Array:
    return text.identifiers("K", bill.numbers.note + note, 7, null)


def invoice_tables(p: BillingParameters, bill: Bill, clock: Clock) -> tuple[pa.Table, pa.Table]:
    """raw.invoices and raw.invoice_changes: the latter without first values, which changes name as old ones."""
    v, c = bill.invoices, bill.customers
    count = len(v)
    rows = np.arange(count)
    keys = invoice_keys(bill, rows)
    history = _invoice_history(p, bill, clock)
    untouched = text.names(("open", "draft"), (v.fate == DELETED).astype(np.int64))
    settled = bill.settlement.settled_on
    table = pa.table(
        base(keys, moment(v.issued, WRITTEN))
        | {
            "deleted_at": text.stamps(text.seconds(moment(v.gone, DURING)), v.fate != DELETED),
            "billing_customer_source_id": customer_keys(c.account[v.customer]),
            "subscription_source_id": subscription_keys(bill.wins, v.subscription),
            "invoice_number": text.join("-", pa.scalar("INV"), text.identifiers("", bill.numbers.invoice + rows, 8)),
            "status": pc.coalesce(history.state["status"], untouched),
            "currency_code": text.names(CURRENCIES, bill.currency[v.subscription]),
            "subtotal_amount": cents_text(v.subtotal),
            "tax_amount": cents_text(v.tax),
            "total_amount": cents_text(v.total),
            "issued_on": days_text(v.issued),
            "due_on": days_text(v.due),
            "settled_on": days_text(np.minimum(settled, 10**5), settled == NEVER),
            "voided_at": history.state["voided_at"],
            "is_disputed": history.state["is_disputed"],
            "country_code": text.names(CODES, c.country[v.customer]),
            "region_code": region_codes(c).take(pa.array(v.customer)),
            "is_reverse_charge": pa.array(v.is_reverse_charge),
            "observed_at": text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )
    later = without_first_values(history, "status")
    owner = {"invoice_source_id": keys.take(pa.array(later.row))}
    return table, changes(later, "NC", bill.numbers.change, owner, later.at)


def _invoice_history(p: BillingParameters, bill: Bill, clock: Clock) -> History:
    v, plan, settlement = bill.invoices, bill.plan, bill.settlement
    ledger = Ledger(("status", "voided_at", "is_disputed"), len(v), np.full(len(v), clock.end))
    voided, paid = np.flatnonzero(v.fate == VOIDED), np.flatnonzero(settlement.settled_on < NEVER)
    lost = settlement.write_offs.invoice[settlement.write_offs.cents > 0]
    given_up = settlement.write_offs.day[settlement.write_offs.cents > 0]
    touched = np.unique(np.concatenate((voided, paid, lost)))
    ledger.add("status", touched, moment(v.issued[touched], WRITTEN), text.constant("open", len(touched)))
    for rows, day, status in ((voided, v.gone[voided], "void"), (paid, settlement.settled_on[paid], "paid"),
                              (lost, given_up, "uncollectible")):  # fmt: skip
        ledger.add("status", rows, moment(day, DURING), text.constant(status, len(rows)))
    ledger.add("voided_at", voided, moment(v.gone[voided], DURING), midnights(v.gone[voided]))
    disputed = np.flatnonzero(plan.has(p, "disputed"))
    for day, value in ((plan.dispute_day, True), (plan.note_day, False)):
        ledger.add("is_disputed", disputed, moment(day[disputed], DURING), text.booleans(np.full(len(disputed), value)))
    return ledger.close()


def line_table(bill: Bill) -> pa.Table:
    """raw.invoice_lines: those of copies repeat the lines that they copy."""
    line, at, deleted = _copied(bill)
    x, taxed, count = bill.lines, bill.taxed, len(line)
    item, kind = x.item[line], x.kind[line]
    currency = bill.currency[bill.items.subscription[item]]
    corrected = x.corrects[line]
    price = pc.if_else(
        pa.array(kind == PLAN_ITEM),
        price_keys(np.maximum(x.product[line], 0), currency, bill.items.period[item]),
        extra_keys(np.maximum(kind - 1, 0), currency),
    )
    service_from, recognised = x.service_from[line], x.recognised[line]
    return pa.table(
        base(line_keys(bill, np.arange(count)), moment(x.issued[line], WRITTEN))
        | {
            "deleted_at": text.stamps(text.seconds(moment(deleted, DURING)), deleted == NEVER),
            "invoice_source_id": invoice_keys(bill, at),
            "subscription_item_source_id": item_keys(bill.wins, bill.items, item, kind),
            "product_source_id": text.identifiers("P", x.product[line] + 1, 2, x.product[line] < 0),
            "price_source_id": price,
            "tax_rate_source_id": rate_keys(taxed.rate[line]),
            "corrected_line_source_id": line_keys(bill, np.maximum(corrected, 0), corrected < 0),
            "line_type": text.names(LINE_TYPES, x.line_type[line]),
            "quantity": text.numbers(x.quantity[line]),
            "unit_amount": cents_text(x.unit[line]),
            "discount_amount": cents_text(x.discount[line]),
            "amount": cents_text(x.amount[line]),
            "tax_amount": cents_text(taxed.tax[line]),
            "currency_code": text.names(CURRENCIES, currency),
            "service_started_on": days_text(service_from),
            "service_ended_on": days_text(x.service_to[line]),
            "recognition_method": text.names(METHODS, x.method[line]),
            "recognised_on": days_text(np.minimum(recognised, 10**5), recognised == NEVER),
            "tax_class": text.names(CLASSES, taxed.tax_class[line]),
            "is_proration": pa.array(x.line_type[line] == PRORATION),
        }
    )


def _copied(bill: Bill) -> tuple[Index, Index, Index]:
    """Lines with their invoices, then the lines of copies with theirs; and when deleted copies went."""
    v, invoice = bill.invoices, bill.taxed.invoice
    copies = np.flatnonzero(v.fate != GENUINE)
    counts = np.bincount(invoice, minlength=len(v) - len(copies))
    starts = np.cumsum(counts) - counts
    size = counts[v.copied[copies]]
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    line = np.append(np.arange(len(invoice)), np.repeat(starts[v.copied[copies]], size) + offset)
    at = np.append(invoice, np.repeat(copies, size))
    return line, at, np.where(v.fate[at] == DELETED, v.gone[at], NEVER)


def milestone_table(bill: Bill, clock: Clock) -> pa.Table:
    """raw.revenue_milestones: steps of setup lines, completed some days late; those to come are not yet."""
    line = np.repeat(np.flatnonzero(bill.lines.method == MILESTONE), len(STEPS))
    count = len(line)
    step = np.arange(count) % len(STEPS)
    keys = line_keys(bill, line)
    planned = bill.lines.issued[line] + np.array([entry[2] for entry in STEPS])[step]
    done = planned + (bill.lines.amount[line] + 7 * step) % 19
    return pa.table(
        base(
            text.join("-", line_keys(bill, line), text.identifiers("", step + 1, 1)),
            moment(bill.lines.issued[line], WRITTEN),
        )
        | {
            "invoice_line_source_id": keys,
            "name": text.names([entry[0] for entry in STEPS], step),
            "planned_on": days_text(planned),
            "completed_on": days_text(done, done >= clock.end),
            "share_rate": pa.array(np.array([entry[1] for entry in STEPS])[step]),
            "observed_at": text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )


def note_tables(bill: Bill, clock: Clock) -> tuple[pa.Table, pa.Table]:
    """raw.credit_notes and raw.credit_note_lines."""
    c, count = bill.credits, len(bill.credits.note)
    first = np.flatnonzero(np.append(True, np.diff(c.note) != 0)[:count])
    notes = np.arange(len(first))
    net, tax = (np.bincount(c.note, part).astype(np.int64) for part in (c.cents, c.tax))
    invoice = bill.taxed.invoice[c.line]
    at = bill.invoices.subscription[invoice]
    refunded = np.isin(notes, bill.settlement.refunds.note)
    is_done = (bill.settlement.applied | refunded).astype(np.int64)
    table = pa.table(
        base(note_keys(bill, notes), moment(c.day[first], WRITTEN))
        | {
            "billing_customer_source_id": customer_keys(bill.customers.account[bill.invoices.customer[invoice[first]]]),
            "invoice_source_id": invoice_keys(bill, invoice[first]),
            "credit_note_number": text.join("", pa.scalar("C"), note_keys(bill, notes)),
            "status": text.names(("open", "applied"), is_done),
            "currency_code": text.names(CURRENCIES, bill.currency[at[first]]),
            "subtotal_amount": cents_text(net),
            "tax_amount": cents_text(tax),
            "total_amount": cents_text(net + tax),
            "issued_on": days_text(c.day[first]),
            "reason": text.names(("ended early", "dispute"), c.is_dispute[first].astype(np.int64)),
            "observed_at": text.stamps(np.full(len(first), int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )
    return table, _note_lines(bill, first)


def _note_lines(bill: Bill, first: np.ndarray) -> pa.Table:
    """raw.credit_note_lines; ``first`` is the first line of each note."""
    c, count = bill.credits, len(bill.credits.note)
    at = bill.invoices.subscription[bill.taxed.invoice[c.line]]
    number = text.join("-", note_keys(bill, c.note), text.identifiers("", np.arange(count) - first[c.note] + 1, 2))
    return pa.table(
        base(number, moment(c.day, WRITTEN))
        | {
            "credit_note_source_id": note_keys(bill, c.note),
            "invoice_line_source_id": line_keys(bill, c.line),
            "amount": cents_text(c.cents),
            "tax_amount": cents_text(c.tax),
            "tax_rate_source_id": rate_keys(bill.taxed.rate[c.line]),
            "tax_class": text.names(CLASSES, bill.taxed.tax_class[c.line]),
            "currency_code": text.names(CURRENCIES, bill.currency[at]),
            "service_started_on": days_text(c.day, c.is_dispute),
            "service_ended_on": days_text(bill.lines.service_to[c.line], c.is_dispute),
        }
    )
