"""All tables about customers as a stream: users of accounts, then shoppers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing import Wins, chunks, draw_contracts
from revlayer.simulator.billing.parameters import BillingParameters
from revlayer.simulator.clock import Clock, stream
from revlayer.simulator.customers.baskets import draw_baskets
from revlayer.simulator.customers.interest import draw_interest, interest_table
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.order_tables import (
    line_table,
    order_change_table,
    order_table,
    shopper_truth,
    write_down,
)
from revlayer.simulator.customers.parameters import CHUNK_SHOPPERS, CustomerParameters
from revlayer.simulator.customers.purchases import draw_purchases
from revlayer.simulator.customers.season import Season, build_season
from revlayer.simulator.customers.sessions import session_table
from revlayer.simulator.customers.shoppers import draw_shoppers, shopper_keys, shopper_tables
from revlayer.simulator.customers.tickets import DELIVERY, Cases, subscriber_cases, ticket_tables
from revlayer.simulator.customers.usage import usage_tables
from revlayer.simulator.customers.users import draw_users, user_tables
from revlayer.simulator.parameters import Parameters
from revlayer.simulator.world import World

Part = tuple[str, pa.Table]


def generate_customers(
    parameters: Parameters, wins: Wins, world: World, clock: Clock, seed: int, shoppers: int,
    customers: CustomerParameters | None = None,
) -> Iterator[Part]:  # fmt: skip
    """Yield (table name, rows) of the users of the accounts that buy and of `shoppers` shoppers."""
    p, numbers = customers or CustomerParameters(), Numbers()
    for chunk, part in chunks(wins, world):
        yield from _users(parameters, p, part, world, clock, seed, chunk, numbers)
    season = build_season(p, clock)
    for chunk, low in enumerate(range(0, shoppers, CHUNK_SHOPPERS)):
        rows = range(low, min(low + CHUNK_SHOPPERS, shoppers))
        yield from _shoppers(p, season, clock, seed, chunk, rows, numbers)


def _users(
    parameters: Parameters, p: CustomerParameters, wins: Wins, world: World, clock: Clock, seed: int, chunk: int,
    numbers: Numbers,
) -> Iterator[Part]:  # fmt: skip
    def random(name: str) -> np.random.Generator:
        return stream(seed, f"customers.{name}", chunk)

    contracts = draw_contracts(parameters, BillingParameters(), wins, world, clock, seed, chunk)
    users = draw_users(p, contracts.customers, world, clock, random("users"))
    interest = draw_interest(p, contracts.subscriptions, random("interest"))
    table, changes, links = user_tables(contracts.customers, users, clock, numbers, random("rows.users"))
    yield "raw.customers", table
    yield "raw.customer_changes", changes
    yield "raw.entity_links", links
    yield "truth.subscription_disengagements", interest_table(wins, contracts.subscriptions, interest, clock)
    yield from usage_tables(p, wins, contracts, users, interest, world, clock, numbers, random("usage"))
    cases = subscriber_cases(p, wins, contracts, users, interest, world, clock, random("tickets"))
    tickets, ticket_changes = ticket_tables(p, cases, clock, numbers, random("rows.tickets"))
    yield "raw.tickets", tickets
    yield "raw.ticket_changes", ticket_changes


def _shoppers(
    p: CustomerParameters, season: Season, clock: Clock, seed: int, chunk: int, rows: range, numbers: Numbers
) -> Iterator[Part]:
    def random(name: str) -> np.random.Generator:
        return stream(seed, f"shop.{name}", chunk)

    shoppers = draw_shoppers(p, season, rows, random("shoppers"))
    purchases = draw_purchases(p, shoppers, season, clock, random("purchases"))
    orders, lines = draw_baskets(p, shoppers, purchases, clock, random("baskets"))
    documents = write_down(p, orders, clock, numbers, random("documents"))
    table, changes = shopper_tables(p, shoppers, clock, numbers, random("rows.shoppers"))
    yield "raw.customers", table
    yield "raw.customer_changes", changes
    yield "raw.orders", order_table(p, shoppers, orders, lines, documents, random("rows.orders"))
    yield "raw.order_lines", line_table(shoppers, orders, lines, documents, numbers)
    yield "raw.order_changes", order_change_table(documents, clock, numbers, random("rows.order_changes"))
    yield (
        "raw.sessions",
        session_table(p, shoppers, purchases, orders, lines, documents, clock, numbers, random("sessions")),
    )
    draws = random("tickets")
    late = np.flatnonzero((draws.random(len(purchases)) < p.order_ticket_rate) & (purchases.at + 6 < clock.end))
    count, nothing = len(late), pa.nulls(len(late), pa.string())
    at = purchases.at[late] + draws.uniform(0.5, 6, count)
    keys = shopper_keys(shoppers.number[purchases.shopper[late]])
    cases = Cases(at, draws.random(count) * 0.6, np.full(count, DELIVERY), keys, nothing, nothing,
                  text.identifiers("U", np.ones(count, dtype=np.int64), 5, np.ones(count, dtype=bool)))  # fmt: skip
    tickets, ticket_changes = ticket_tables(p, cases, clock, numbers, random("rows.tickets"))
    yield "raw.tickets", tickets
    yield "raw.ticket_changes", ticket_changes
    yield "truth.shopper_states", shopper_truth(p, shoppers, purchases, clock)
