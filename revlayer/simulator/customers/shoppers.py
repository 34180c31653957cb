"""Shoppers: people who buy in the shop, with how often, for how long and what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, changes
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.company_tables import FIRST_NAMES, LAST_NAMES
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.parameters import (
    CATEGORIES,
    FASHION,
    LEADS,
    MARKETS,
    SOCIAL,
    CustomerParameters,
)
from revlayer.simulator.customers.season import Season

CURRENCIES = tuple(dict.fromkeys(market[1] for market in MARKETS))
CURRENCY_OF_MARKET = np.array([CURRENCIES.index(market[1]) for market in MARKETS])


@dataclass(frozen=True)
class Shoppers:
    """One entry per shopper. Rates are per day of the season's clock; `created_at` is the first visit that counts."""

    number: Index
    created_at: Array
    market: Index
    lead: Index
    favourite: Index
    rate: Array
    dropout: Array
    is_regular: Mask
    buys: Mask
    level: Array
    hour: Array
    is_tracked: Mask

    def __len__(self) -> int:
        return len(self.number)


def draw_shoppers(p: CustomerParameters, season: Season, rows: range, random: np.random.Generator) -> Shoppers:
    """The shoppers numbered `rows`."""
    count = len(rows)
    created = season.days(random.random(count) ** p.growth_power * season.length)
    market = random.choice(len(MARKETS), count, p=[entry[3] for entry in MARKETS])
    lead = random.choice(len(LEADS), count, p=[entry[1] for entry in LEADS])
    favourite = random.choice(len(CATEGORIES), count, p=[entry[2] for entry in CATEGORIES])
    rate = p.purchase_rate * np.array([entry[2] for entry in LEADS])[lead]
    rate = rate * random.gamma(p.purchase_shape, 1 / p.purchase_shape, count)
    odds = random.beta(*p.dropout_law, count)
    effect = np.array([entry[3] for entry in LEADS])[lead] - 0.9 * ((lead == SOCIAL) & (favourite == FASHION))
    odds = np.clip(odds, 1e-4, 1 - 1e-4) / (1 - np.clip(odds, 1e-4, 1 - 1e-4)) * np.exp(effect)
    return Shoppers(
        np.asarray(rows, dtype=np.int64) + 1, np.floor(created) + random.uniform(0.3, 0.85, count), market, lead,
        favourite, np.maximum(rate, 1 / 5000), odds / (1 + odds), random.random(count) < p.regular_rate,
        random.random(count) >= p.never_bought_rate, np.exp(p.spend_spread * random.standard_normal(count)),
        random.choice([9.0, 12.5, 17.0, 20.5], count), random.random(count) < p.tracked_rate,
    )  # fmt: skip


def shopper_keys(number: Index, null: Mask | None = None) -> pa.Array:
    return text.identifiers("H", number, 8, null)


def shopper_tables(
    p: CustomerParameters, shoppers: Shoppers, clock: Clock, numbers: Numbers, random: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """raw.customers and raw.customer_changes. Some bought as guests: they were registered after their first order."""
    count = len(shoppers)
    rows = np.arange(count)
    is_guest = (random.random(count) < p.guest_rate) & shoppers.buys
    registered = shoppers.created_at + np.where(is_guest, random.uniform(2, 40, count), 0.0)
    registered = np.where(registered < clock.end, registered, shoppers.created_at)
    moves = np.flatnonzero(random.random(count) < p.moved_rate)
    moved_at = registered[moves] + random.random(len(moves)) * (clock.end - registered[moves])
    codes = [market[0] for market in MARKETS]
    ledger = Ledger(("country_code",), count, np.full(count, clock.end))
    ledger.add("country_code", rows, registered, text.names(codes, shoppers.market))
    ledger.add("country_code", moves, moved_at, text.names(codes, random.integers(0, len(MARKETS), len(moves))))
    history = ledger.close()
    regions = [region for market in MARKETS for region in market[2]]
    offset = np.cumsum([0] + [len(market[2]) for market in MARKETS])[:-1][shoppers.market]
    per_market = np.array([len(market[2]) for market in MARKETS])[shoppers.market]
    region = offset + np.floor(random.random(count) * per_market).astype(np.int64)
    no_region = (per_market == 0) | (random.random(count) < 0.1)
    keys = shopper_keys(shoppers.number)
    first, last = random.integers(0, len(FIRST_NAMES), count), random.integers(0, len(LAST_NAMES), count)
    mail = text.join("", pa.scalar("shopper"), text.identifiers("", shoppers.number, 8), pa.scalar("@example.com"))
    leads = text.names([lead[0] for lead in LEADS], shoppers.lead, random.random(count) < 0.08)
    table = pa.table(
        base(keys, registered)
        | {
            "name": text.join(" ", text.names(FIRST_NAMES, first), text.names(LAST_NAMES, last)),
            "email": mail,
            "account_source_id": pa.nulls(count, pa.string()),
            "billing_customer_source_id": pa.nulls(count, pa.string()),
            "country_code": history.state["country_code"],
            "region_code": text.names(regions, np.minimum(region, len(regions) - 1), no_region),
            "lead_source": leads,
            "observed_at": text.stamps(text.seconds(registered)),
        }
    )
    number = numbers.first("customer_change", len(history))
    return table, changes(history, "CC", number, {"customer_source_id": keys.take(pa.array(history.row))}, history.at)
