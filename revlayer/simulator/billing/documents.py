"""Lines into invoices, with tax; copies issued by mistake; credit notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.billing.charges import Lines, Rests
from revlayer.simulator.billing.contracts import Items
from revlayer.simulator.billing.customers import Customers
from revlayer.simulator.billing.parameters import NEVER, BillingParameters
from revlayer.simulator.billing.tax import is_reverse_charge, rate_of, shares, tax_class_of
from revlayer.simulator.clock import Index, Mask

#: What becomes of a copy issued by mistake.
GENUINE, VOIDED, DELETED = range(3)


@dataclass(frozen=True)
class Invoices:
    """One entry per invoice, in order of issue; copies come last and have no line of their own in `Ledgered`.

    `copied` is the invoice that a copy repeats, its own position for others; `gone` is when a copy was taken back.
    """

    subscription: Index
    customer: Index
    issued: Index
    due: Index
    subtotal: Index
    tax: Index
    is_reverse_charge: Mask
    fate: Index
    copied: Index
    gone: Index

    def __len__(self) -> int:
        return len(self.issued)

    @property
    def total(self) -> Index:
        return self.subtotal + self.tax


@dataclass(frozen=True)
class Taxed:
    """What documents add to each line: its invoice, class, rate (position in tax.RATES or -1) and tax in cents."""

    invoice: Index
    tax_class: Index
    rate: Index
    tax: Index


@dataclass(frozen=True)
class Credits:
    """Lines of credit notes, one note per `note`; money in positive cents."""

    note: Index
    line: Index
    day: Index
    cents: Index
    tax: Index
    is_dispute: Mask


def in_order_of_issue(lines: Lines, rests: Rests, items: Items) -> tuple[Lines, Rests]:
    """Lines sorted by day of issue and subscription, so that invoices are numbered as they are issued."""
    order = np.lexsort((np.arange(len(lines)), items.subscription[lines.item], lines.issued))
    new_place = np.empty(len(lines), dtype=np.int64)
    new_place[order] = np.arange(len(lines))
    return lines.take(order), Rests(new_place[rests.line], rests.day, rests.cents)


def invoice(
    p: BillingParameters, lines: Lines, items: Items, customers: Customers, owner: Index, end_day: int,
    random: np.random.Generator,
) -> tuple[Invoices, Taxed]:  # fmt: skip
    """One invoice per subscription and day.

    Args:
        lines: in order of issue.
        owner: customer (position) of each item.
    """
    subscription = items.subscription[lines.item]
    starts = np.append(True, (np.diff(subscription) != 0) | (np.diff(lines.issued) != 0))[: len(lines)]
    number = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    taxed = _tax(lines, customers, owner[lines.item], number)
    count = len(first)
    subtotal = np.bincount(number, lines.amount, count).astype(np.int64)
    tax = np.bincount(number, taxed.tax, count).astype(np.int64)
    customer, issued = owner[lines.item[first]], lines.issued[first]
    terms = customers.terms[customer] + np.where(customers.moved_at[customer] < issued, 15, 0)
    copies = np.flatnonzero(random.random(count) < p.twin_rate)
    gone = issued[copies] + random.integers(1, 10, len(copies))
    copies, gone = copies[gone < end_day], gone[gone < end_day]
    fate = np.where(random.random(len(copies)) < 0.6, VOIDED, DELETED)
    rows = np.concatenate((np.arange(count), copies))
    return (
        Invoices(
            subscription[first][rows], customer[rows], issued[rows], (issued + terms)[rows], subtotal[rows], tax[rows],
            is_reverse_charge()[taxed.rate[first]][rows], np.append(np.full(count, GENUINE), fate), rows,
            np.append(np.full(count, NEVER), gone),
        ),
        taxed,
    )  # fmt: skip


def _tax(lines: Lines, customers: Customers, customer: Index, number: Index) -> Taxed:
    tax_class, day = tax_class_of(lines.product), lines.issued
    country, region = customers.country[customer], customers.region[customer]
    rate = rate_of(country, region, tax_class, customers.is_business[customer], day)
    exempt = customers.is_exempt[customer]
    exempt |= (day >= customers.exempt_from[customer]) & (day < customers.exempt_to[customer])
    rate = np.where(exempt, -1, rate)
    return Taxed(number, tax_class, rate, np.rint(lines.amount * shares()[rate]).astype(np.int64))


def credit(
    lines: Lines, taxed: Taxed, rests: Rests, disputed: Index, disputed_day: Index, disputed_share: np.ndarray
) -> Credits:
    """Notes for rests after an end, and for disputes (invoices, days, shares of their first charge)."""
    first = np.full(int(taxed.invoice.max(initial=-1)) + 1, -1, dtype=np.int64)
    positive = np.flatnonzero(lines.amount > 0)[::-1]
    first[taxed.invoice[positive]] = positive
    rested = np.zeros(len(lines), dtype=bool)
    rested[rests.line] = True
    line = first[disputed]
    usable = (line >= 0) & ~rested[line]
    line, day, share = line[usable], disputed_day[usable], disputed_share[usable]
    cents = np.maximum(np.rint(lines.amount[line] * share).astype(np.int64), 1)
    every = np.concatenate((rests.line, line))
    days, amount = np.concatenate((rests.day, day)), np.concatenate((rests.cents, cents))
    is_dispute = np.append(np.zeros(len(rests.line), dtype=bool), np.ones(len(line), dtype=bool))
    order = np.lexsort((every, taxed.invoice[every], days))
    every, days, amount, is_dispute = every[order], days[order], amount[order], is_dispute[order]
    invoice_of = taxed.invoice[every]
    starts = np.append(True, (np.diff(invoice_of) != 0) | (np.diff(days) != 0))[: len(every)]
    tax = np.rint(amount * shares()[taxed.rate[every]]).astype(np.int64)
    # Rounding may not give back more tax than the line bears.
    return Credits(np.cumsum(starts) - 1, every, days, amount, np.minimum(tax, taxed.tax[every]), is_dispute)
