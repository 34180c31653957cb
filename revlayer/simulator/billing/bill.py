"""Everything that is billed to a chunk of accounts, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.billing.catalogue import list_cents, tiers_of
from revlayer.simulator.billing.charges import Lines, bill
from revlayer.simulator.billing.contracts import Items, Subscriptions, draw_items, draw_subscriptions
from revlayer.simulator.billing.customers import Customers, draw_customers
from revlayer.simulator.billing.documents import Credits, Invoices, Taxed, credit, in_order_of_issue, invoice
from revlayer.simulator.billing.parameters import BillingParameters
from revlayer.simulator.billing.segments import Segments, draw_segments, tier_cents
from revlayer.simulator.billing.settlement import Plan, Settlement, draw_plan, settle
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.clock import Array, Clock, Index, stream
from revlayer.simulator.parameters import Parameters
from revlayer.simulator.world import World


@dataclass(frozen=True)
class Numbers:
    """From which number on each kind of row counts in this chunk."""

    invoice: int = 1
    line: int = 1
    note: int = 1
    payment: int = 1
    allocation: int = 1
    change: int = 1


@dataclass(frozen=True)
class Contracts:
    """Who has bought what until when, for a chunk of accounts."""

    customers: Customers
    subscriptions: Subscriptions
    items: Items
    segments: Segments


@dataclass(frozen=True)
class Bill:
    """One chunk; `currency` is that of each subscription (by position among the won deals)."""

    wins: Wins
    customers: Customers
    subscriptions: Subscriptions
    items: Items
    segments: Segments
    lines: Lines
    taxed: Taxed
    invoices: Invoices
    credits: Credits
    plan: Plan
    settlement: Settlement
    currency: Index
    numbers: Numbers


def build_bill(
    parameters: Parameters, p: BillingParameters, wins: Wins, world: World, clock: Clock, seed: int, chunk: int,
    numbers: Numbers,
) -> Bill:  # fmt: skip
    """Bill the accounts of a chunk; every part has random numbers of its own."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, f"billing.{name}", chunk)

    end_day = int(clock.end)
    contracts = draw_contracts(parameters, p, wins, world, clock, seed, chunk)
    customers, subscriptions = contracts.customers, contracts.subscriptions
    items, segments = contracts.items, contracts.segments
    currency = wins.currency[items.subscription]
    lines, rests = bill(parameters, p, subscriptions, items, segments, currency, end_day, random("lines"))
    lines, rests = in_order_of_issue(lines, rests, items)
    owner = np.searchsorted(customers.account, wins.account[items.subscription])
    invoices, taxed = invoice(p, lines, items, customers, owner, end_day, random("invoices"))
    plan = draw_plan(p, invoices, customers, random("plan"))
    disputed = np.flatnonzero(plan.has(p, "disputed") & (plan.note_day < end_day))
    credits = credit(lines, taxed, rests, disputed, plan.note_day[disputed], plan.share[disputed])
    settlement = settle(
        p, invoices, taxed, credits, customers, wins.currency[invoices.subscription], plan, end_day, random("payments")
    )
    return Bill(
        wins, customers, subscriptions, items, segments, lines, taxed, invoices, credits, plan, settlement,
        wins.currency, numbers,
    )  # fmt: skip


def draw_contracts(
    parameters: Parameters, p: BillingParameters, wins: Wins, world: World, clock: Clock, seed: int, chunk: int
) -> Contracts:
    """The contracts of a chunk of accounts: the same for all who ask, since the random numbers are their own."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, f"billing.{name}", chunk)

    customers = draw_customers(p, wins, world, clock, random("customers"))
    subscriptions = draw_subscriptions(p, wins, world, random("subscriptions"))
    items = draw_items(p, wins, subscriptions, _monthly_list_cents(parameters, wins), random("items"))
    segments = draw_segments(
        p, wins, subscriptions, items, np.array(parameters.list_prices), int(clock.end), random("segments")
    )
    return Contracts(customers, subscriptions, items, segments)


def _monthly_list_cents(parameters: Parameters, wins: Wins) -> Array:
    """What each deal's quantity costs for a month by the list, tiers counted; not a number without tiers."""
    unit, flat = tiers_of(parameters, wins.product, wins.currency, np.ones(len(wins)))
    by_tier = tier_cents(wins.product, wins.users, unit, flat)
    plain = list_cents(parameters, wins.product, wins.currency, np.ones(len(wins))) * wins.users
    return np.where(np.isnan(by_tier), plain, by_tier)
