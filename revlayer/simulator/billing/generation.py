"""All tables of billing as a stream, in loading order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from revlayer.simulator.billing.bill import Bill, Numbers, build_bill
from revlayer.simulator.billing.catalogue import plan_table, price_tables, tier_table
from revlayer.simulator.billing.contract_tables import item_tables, subscription_tables
from revlayer.simulator.billing.customers import customer_tables, exemption_table
from revlayer.simulator.billing.document_tables import invoice_tables, line_table, milestone_table, note_tables
from revlayer.simulator.billing.parameters import CHUNK_ACCOUNTS, BillingParameters
from revlayer.simulator.billing.payables import payable_tables
from revlayer.simulator.billing.settlement_tables import (
    allocation_tables,
    payment_tables,
    refund_table,
    write_off_table,
)
from revlayer.simulator.billing.tax import rate_table
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.clock import Clock, stream
from revlayer.simulator.parameters import Parameters
from revlayer.simulator.world import World

Part = tuple[str, pa.Table]


def generate_billing(
    parameters: Parameters, wins: Wins, world: World, clock: Clock, seed: int, months: int,
    billing: BillingParameters | None = None,
) -> Iterator[Part]:  # fmt: skip
    """Yield (table name, rows); the same won deals and arguments give the same rows in the same order."""
    p = billing or BillingParameters()
    prices, price_changes = price_tables(parameters, clock)
    yield from (
        ("raw.plans", plan_table(clock)), ("raw.prices", prices), ("raw.price_changes", price_changes),
        ("raw.price_tiers", tier_table(parameters, clock)), ("raw.tax_rates", rate_table(clock)),
    )  # fmt: skip
    yield from payable_tables(p, clock, months, stream(seed, "billing.payables"))
    numbers = Numbers()
    for chunk, part in chunks(wins, world):
        bill = build_bill(parameters, p, part, world, clock, seed, chunk, numbers)
        parts = list(_tables(p, bill, clock, seed, chunk))
        numbers = _following(numbers, bill, sum(table.num_rows for name, table in parts if name.endswith("_changes")))
        yield from parts


def chunks(wins: Wins, world: World) -> Iterator[tuple[int, Wins]]:
    """The won deals by chunk of accounts, with the chunk's number; accounts without any make no chunk."""
    for chunk, low in enumerate(range(0, len(world.accounts.segment), CHUNK_ACCOUNTS)):
        inside = np.flatnonzero((wins.account >= low) & (wins.account < low + CHUNK_ACCOUNTS))
        if len(inside):
            yield chunk, wins.take(inside)


def _tables(p: BillingParameters, bill: Bill, clock: Clock, seed: int, chunk: int) -> Iterator[Part]:
    def rows(name: str) -> np.random.Generator:
        return stream(seed, f"billing.rows.{name}", chunk)

    late, number = p.late_record_rate, bill.numbers.change
    customers, customer_changes = customer_tables(p, bill.customers, clock, number, rows("customers"))
    yield "raw.billing_customers", customers
    yield "raw.billing_customer_changes", customer_changes
    yield "raw.tax_exemptions", exemption_table(bill.customers, clock)
    s = bill.subscriptions
    subscriptions, of_subscriptions = subscription_tables(bill.wins, s, clock, late, number, rows("subscriptions"))
    items, of_items = item_tables(
        bill.wins, s, bill.items, bill.segments, bill.lines, clock, late, number, rows("items")
    )
    yield "raw.subscriptions", subscriptions
    yield "raw.subscription_items", items
    yield "raw.subscription_changes", pa.concat_tables([of_subscriptions, of_items])
    invoices, invoice_changes = invoice_tables(p, bill, clock)
    yield "raw.invoices", invoices
    yield "raw.invoice_changes", invoice_changes
    yield "raw.invoice_lines", line_table(bill)
    yield "raw.revenue_milestones", milestone_table(bill, clock)
    notes, note_lines = note_tables(bill, clock)
    yield "raw.credit_notes", notes
    yield "raw.credit_note_lines", note_lines
    payments, payment_changes, lag = payment_tables(p, bill, clock, rows("payments"))
    paid, credited = allocation_tables(bill, lag)
    yield "raw.payments", payments
    yield "raw.payment_changes", payment_changes
    yield "raw.payment_allocations", paid
    yield "raw.credit_note_allocations", credited
    yield "raw.refunds", refund_table(bill)
    yield "raw.write_offs", write_off_table(bill)


def _following(numbers: Numbers, bill: Bill, change_count: int) -> Numbers:
    """Where the next chunk counts from: copies have lines too, so lines are counted generously."""
    copies = int((bill.invoices.copied != np.arange(len(bill.invoices))).sum())
    return Numbers(
        invoice=numbers.invoice + len(bill.invoices),
        line=numbers.line + len(bill.lines) + copies * 50,
        note=numbers.note + int(bill.credits.note.max(initial=-1)) + 1,
        payment=numbers.payment + len(bill.settlement.payments.day),
        allocation=numbers.allocation + len(bill.settlement.allocations.day),
        change=numbers.change + change_count,
    )
