"""One simulated company as a stream of Arrow tables, in loading order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pyarrow as pa

from revlayer.simulator.activities import activity_table
from revlayer.simulator.billing import concatenate_wins, generate_billing, wins_of
from revlayer.simulator.clock import Clock, build_clock
from revlayer.simulator.company_tables import (
    account_tables,
    owner_tables,
    product_tables,
    rate_table,
    stage_table,
)
from revlayer.simulator.customers import generate_customers
from revlayer.simulator.deal_tables import attribute_table, change_table, deal_table, link_table, truth_table
from revlayer.simulator.deals import build_deals
from revlayer.simulator.events import Scene, record
from revlayer.simulator.extent import Extent
from revlayer.simulator.fates import build_fates
from revlayer.simulator.installs import generate_installs
from revlayer.simulator.journey import walk
from revlayer.simulator.parameters import CHUNK_DEALS, Parameters
from revlayer.simulator.world import World, build_world

#: Schema-qualified name and rows.
Part = tuple[str, pa.Table]
MAX_DEALS = 9_999_999


def generate(
    deals: int, seed: int, months: int, end_on: date, parameters: Parameters | None = None, extent: Extent | None = None
) -> Iterator[Part]:
    """Yield (table name, rows); the same arguments give the same rows in the same order.

    Args:
        extent: how many shoppers and installs there are besides; None for CRM and billing alone. The rows of CRM and
            billing are the same with it and without it, but for the links of customers in raw.entity_links.

    Raises ValueError for fewer than 50 deals, more than fit the identifiers, or under 3 months.
    """
    if not 50 <= deals <= MAX_DEALS:
        raise ValueError(f"deals must be between 50 and {MAX_DEALS}, not {deals}")
    if seed < 0:
        raise ValueError("seed must not be negative")
    chosen = parameters or Parameters()
    clock = build_clock(chosen, seed, months, end_on)
    world = build_world(chosen, clock, seed, deals)
    yield from _company(chosen, clock, world, seed)
    change_number = activity_number = 1
    won = []
    for chunk, low in enumerate(range(0, deals, CHUNK_DEALS)):
        rows = slice(low, min(low + CHUNK_DEALS, deals))
        scene = build_scene(chosen, world, clock, seed, chunk, rows)
        history = record(scene).close()
        activities = activity_table(scene, activity_number)
        yield "raw.deals", deal_table(scene, history)
        yield "raw.deal_changes", change_table(scene, history, change_number)
        yield "raw.activities", activities
        yield "raw.entity_links", link_table(scene)
        yield "raw.entity_attributes", attribute_table(scene)
        yield "truth.deal_win_probability", truth_table(scene, months)
        change_number += len(history)
        activity_number += activities.num_rows
        won.append(wins_of(scene, history))
    wins = concatenate_wins(won)
    yield from generate_billing(chosen, wins, world, clock, seed, months)
    if extent is not None:
        yield from generate_customers(chosen, wins, world, clock, seed, extent.shoppers)
        yield from generate_installs(clock, seed, extent.installs, extent.shoppers)


def build_scene(parameters: Parameters, world: World, clock: Clock, seed: int, chunk: int, rows: slice) -> Scene:
    """Deals `rows` with their journeys and fates."""
    deals = build_deals(parameters, world, clock, seed, chunk, rows)
    journey = walk(parameters, deals, clock, seed, chunk)
    fates = build_fates(parameters, deals, journey, clock, seed, chunk)
    return Scene(parameters, world, clock, deals, journey, fates, seed, chunk)


def _company(parameters: Parameters, clock: Clock, world: World, seed: int) -> Iterator[Part]:
    yield "raw.stages", stage_table(clock)
    yield "raw.exchange_rates", rate_table(clock, world)
    owners, owner_changes = owner_tables(parameters, clock, world)
    yield "raw.owners", owners
    yield "raw.owner_changes", owner_changes
    products, product_changes = product_tables(parameters, clock)
    yield "raw.products", products
    yield "raw.product_changes", product_changes
    for accounts, account_changes in account_tables(parameters, clock, world, seed):
        yield "raw.accounts", accounts
        yield "raw.account_changes", account_changes
