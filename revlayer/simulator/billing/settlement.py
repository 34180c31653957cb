"""How invoices end: paid in full, in parts, jointly, too much, after a dispute, returned by the bank, or never."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.billing.customers import CARD, DEBIT, Customers
from revlayer.simulator.billing.documents import GENUINE, Credits, Invoices, Taxed
from revlayer.simulator.billing.parameters import NEVER, BillingParameters
from revlayer.simulator.clock import Index, Mask

SUCCEEDED, FAILED, PENDING = range(3)
STATUSES = ("succeeded", "failed", "pending")
DEBIT_DAYS = 2


@dataclass(frozen=True)
class Plan:
    """What each invoice is meant to come to: `outcome` is a position in the parameters' outcomes, -1 paid in full."""

    outcome: Index
    pay_day: Index
    dispute_day: Index
    note_day: Index
    share: np.ndarray

    def has(self, p: BillingParameters, name: str) -> Mask:
        return self.outcome == [entry[0] for entry in p.outcomes].index(name)


@dataclass(frozen=True)
class Payments:
    """One entry per payment or try; `invoice` is -1 where one pays several. `returned` is the day it came back."""

    customer: Index
    invoice: Index
    day: Index
    cents: Index
    status: Index
    attempt: Index
    returned: Index


@dataclass(frozen=True)
class Allocations:
    payment: Index
    invoice: Index
    day: Index
    cents: Index


@dataclass(frozen=True)
class Refunds:
    """Money given back: of a payment or of a credit note, the other is -1."""

    payment: Index
    note: Index
    day: Index
    cents: Index


@dataclass(frozen=True)
class WriteOffs:
    invoice: Index
    day: Index
    cents: Index
    tax: Index


@dataclass(frozen=True)
class Settlement:
    payments: Payments
    allocations: Allocations
    refunds: Refunds
    write_offs: WriteOffs
    applied: Mask
    settled_on: Index


def draw_plan(p: BillingParameters, invoices: Invoices, customers: Customers, random: np.random.Generator) -> Plan:
    """When and how each invoice is to be paid."""
    count = len(invoices)
    edges = np.cumsum([share for _, share in p.outcomes])
    place = np.searchsorted(edges, random.random(count))
    outcome = np.where((place < len(edges)) & (invoices.total > 0) & (invoices.fate == GENUINE), place, -1)
    lateness = random.exponential(1.0, count) * customers.lateness[invoices.customer]
    late = invoices.due - random.integers(0, p.early_days, count) + np.rint(lateness).astype(np.int64)
    at_once = (customers.method == CARD) | (customers.method == DEBIT)
    soon = np.where(customers.terms == 0, True, at_once)[invoices.customer]
    prompt = np.minimum(late, invoices.due + random.integers(0, 3, count))
    pay = np.maximum(np.where(soon, prompt, late), invoices.issued)
    dispute = invoices.issued + random.integers(5, 20, count)
    note = dispute + random.integers(5, 20, count)
    plan = Plan(outcome, pay, dispute, note, random.uniform(0.1, 0.5, count))
    disputed = plan.has(p, "disputed")
    pay[disputed] = np.maximum(pay, note + random.integers(1, 15, count))[disputed]
    pay[plan.has(p, "lost")] = NEVER
    return plan


def settle(
    p: BillingParameters, invoices: Invoices, taxed: Taxed, credits: Credits, customers: Customers, currency: Index,
    plan: Plan, end_day: int, random: np.random.Generator,
) -> Settlement:  # fmt: skip
    """All that happens to the invoices before `end_day`.

    Args:
        currency: of each invoice.
    """
    notes, note_total = _notes(credits)
    note_invoice, note_day = taxed.invoice[credits.line[notes]], credits.day[notes]
    applied = note_day <= plan.pay_day[note_invoice]
    reduced = np.bincount(note_invoice[applied], note_total[applied], len(invoices)).astype(np.int64)
    applied &= (reduced <= invoices.total)[note_invoice]
    reduced = np.where(reduced <= invoices.total, reduced, 0)
    rest = np.where(invoices.fate == GENUINE, invoices.total - reduced, 0)
    payments, allocations, overpaid = _pay(p, invoices, customers, currency, plan, rest, end_day, random)
    refunds = _refund(p, overpaid, note_day, note_total, applied, end_day, random)
    write_offs, recovered = _write_off(p, invoices, plan, rest, end_day, random)
    if len(recovered.cents):
        payments, allocations = _with_recovered(payments, allocations, recovered, invoices)
    settled = _settled_on(invoices, allocations, note_invoice[applied], note_day[applied], note_total[applied])
    return Settlement(payments, allocations, refunds, write_offs, applied, settled)


def _notes(credits: Credits) -> tuple[Index, Index]:
    """First line and total of each note."""
    if not len(credits.note):
        return credits.note, credits.note
    first = np.flatnonzero(np.append(True, np.diff(credits.note) != 0))
    return first, np.bincount(credits.note, credits.cents + credits.tax).astype(np.int64)


def _pay(
    p: BillingParameters, invoices: Invoices, customers: Customers, currency: Index, plan: Plan, rest: Index,
    end_day: int, random: np.random.Generator,
) -> tuple[Payments, Allocations, tuple[Index, Index, Index]]:  # fmt: skip
    """Tries, payments and what they settle; overpaid payments with day and cents too much."""
    paying = np.flatnonzero((rest > 0) & (plan.pay_day < end_day))
    partial, returned = plan.has(p, "partial")[paying], plan.has(p, "returned")[paying]
    first = np.where(partial, np.maximum(np.rint(rest[paying] * (0.4 + plan.share[paying] / 2)), 1), rest[paying])
    first = first.astype(np.int64)
    day = plan.pay_day[paying]
    back = np.where(returned, day + random.integers(3, 20, len(paying)), NEVER)
    again = np.where(returned, back + random.integers(10, 30, len(paying)), day + random.integers(15, 60, len(paying)))
    second = np.flatnonzero((partial & (rest[paying] > first)) | returned)
    amount = np.where(partial, rest[paying] - first, rest[paying])[second]
    extra = np.where(plan.has(p, "overpaid")[paying], 500 * random.integers(1, 20, len(paying)), 0)
    row = np.concatenate((paying, paying[second]))
    days, cents = np.concatenate((day, again[second])), np.concatenate((first, amount))
    backs = np.concatenate((back, np.full(len(second), NEVER)))
    extras = np.concatenate((extra, np.zeros(len(second), dtype=np.int64)))
    kept = days < end_day
    row, days, cents, backs, extras = row[kept], days[kept], cents[kept], backs[kept], extras[kept]
    plain = plan.outcome[row] == -1
    leader, days = _joint(p, invoices.customer[row], currency[row], days, plain, random)
    is_lead = leader == np.arange(len(row))
    leads = np.flatnonzero(is_lead)
    number = np.cumsum(is_lead) - 1
    total = np.bincount(number[leader], cents + extras, len(leads)).astype(np.int64)
    together = np.bincount(number[leader], minlength=len(leads)) > 1
    tries = leads[(random.random(len(leads)) < p.failed_try_rate) & (days[leads] > invoices.issued[row[leads]])]
    backs = np.where(backs < end_day, backs, NEVER)
    payments = _payments(invoices, row, days, total, together, backs, leads, tries, number)
    returns = np.flatnonzero(backs < NEVER)
    allocations = Allocations(
        np.concatenate((number[leader], number[returns])), np.concatenate((row, row[returns])),
        np.concatenate((days, backs[returns])), np.concatenate((cents, -cents[returns])),
    )  # fmt: skip
    over = np.flatnonzero(extras > 0)
    return payments, allocations, (number[over], days[over], extras[over])


def _payments(
    invoices: Invoices, row: Index, days: Index, total: Index, together: Mask, backs: Index, leads: Index, tries: Index,
    number: Index,
) -> Payments:  # fmt: skip
    """Payments that came, in the order of `leads`, then the tries that failed before them."""
    tried = np.zeros(len(leads), dtype=np.int64)
    tried[number[tries]] = 1
    every = np.concatenate((leads, tries))
    is_try = np.arange(len(every)) >= len(leads)
    return Payments(
        invoices.customer[row[every]], np.where(np.append(together, np.zeros(len(tries), dtype=bool)), -1, row[every]),
        np.where(is_try, days[every] - 1, days[every]), np.append(total, total[number[tries]]),
        np.where(is_try, FAILED, SUCCEEDED), np.append(1 + tried, np.ones(len(tries), dtype=np.int64)),
        np.where(is_try, NEVER, backs[every]),
    )  # fmt: skip


def _joint(
    p: BillingParameters, customer: Index, currency: Index, days: Index, plain: Mask, random: np.random.Generator
) -> tuple[Index, Index]:
    """Who pays with whom: for each entry the entry whose payment it shares, and the day."""
    leader, shared = np.arange(len(days)), days.copy()
    order = np.lexsort((days, currency, customer))
    early, late = order[:-1:2], order[1::2]
    same = (customer[early] == customer[late]) & (currency[early] == currency[late]) & plain[early] & plain[late]
    same &= (days[late] - days[early] < 40) & (random.random(len(early)) < p.joint_rate)
    leader[early[same]] = late[same]
    shared[early[same]] = days[late[same]]
    return leader, shared


def _refund(
    p: BillingParameters, overpaid: tuple[Index, Index, Index], note_day: Index, note_total: Index, applied: Mask,
    end_day: int, random: np.random.Generator,
) -> Refunds:  # fmt: skip
    """What was paid too much, and notes on what was paid already; some of them stay as balance."""
    payment, paid_on, extra = overpaid
    note = np.flatnonzero(~applied & (random.random(len(applied)) < p.refund_rate))
    day = np.concatenate((paid_on, note_day[note]))
    day = day + random.integers(3, 20, len(day))
    kept = day < end_day
    no_note, no_payment = np.full(len(payment), -1), np.full(len(note), -1)
    return Refunds(
        np.concatenate((payment, no_payment))[kept], np.concatenate((no_note, note))[kept], day[kept],
        np.concatenate((extra, note_total[note]))[kept],
    )  # fmt: skip


def _write_off(
    p: BillingParameters, invoices: Invoices, plan: Plan, rest: Index, end_day: int, random: np.random.Generator
) -> tuple[WriteOffs, WriteOffs]:
    """What is given up, with negative rows for what comes in after all; and those recoveries alone."""
    day = invoices.due + p.write_off_days
    lost = np.flatnonzero(plan.has(p, "lost") & (rest > 0) & (day < end_day))
    later = day[lost] + random.integers(30, 120, len(lost))
    back = np.flatnonzero((random.random(len(lost)) < p.recovery_rate) & (later < end_day))
    cents = rest[lost]
    tax = np.rint(cents * invoices.tax[lost] / np.maximum(invoices.total[lost], 1)).astype(np.int64)
    half, half_tax = cents[back] // 2, tax[back] // 2
    some = half > 0
    back, half, half_tax = back[some], half[some], half_tax[some]
    every = WriteOffs(
        np.concatenate((lost, lost[back])), np.concatenate((day[lost], later[back])),
        np.concatenate((cents, -half)), np.concatenate((tax, -half_tax)),
    )  # fmt: skip
    return every, WriteOffs(lost[back], later[back], half, half_tax)


def _with_recovered(
    payments: Payments, allocations: Allocations, recovered: WriteOffs, invoices: Invoices
) -> tuple[Payments, Allocations]:
    """What is recovered is paid."""
    count, start = len(recovered.cents), len(payments.day)
    ones = np.ones(count, dtype=np.int64)
    added = (invoices.customer[recovered.invoice], recovered.invoice, recovered.day, recovered.cents, ones * SUCCEEDED,
             ones, ones * NEVER)  # fmt: skip
    both = zip((getattr(payments, name) for name in Payments.__annotations__), added, strict=True)
    settled = (start + np.arange(count), recovered.invoice, recovered.day, recovered.cents)
    before = zip((getattr(allocations, name) for name in Allocations.__annotations__), settled, strict=True)
    return (
        Payments(*(np.concatenate(pair) for pair in both)),
        Allocations(*(np.concatenate(pair) for pair in before)),
    )


def _settled_on(
    invoices: Invoices, allocations: Allocations, note_invoice: Index, note_day: Index, note_total: Index
) -> Index:
    """Day on which nothing was open any more; NEVER for those that are or that were given up."""
    invoice = np.concatenate((allocations.invoice, note_invoice))
    cents = np.concatenate((allocations.cents, note_total))
    covered = np.bincount(invoice, cents, len(invoices)).astype(np.int64)
    last = np.zeros(len(invoices), dtype=np.int64)
    np.maximum.at(last, invoice, np.concatenate((allocations.day, note_day)))
    is_settled = (covered == invoices.total) & (invoices.fate == GENUINE)
    return np.where(is_settled, np.maximum(last, invoices.issued), NEVER)
