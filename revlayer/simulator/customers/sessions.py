"""Visits of those shoppers who can be followed: before orders, and without one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base
from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.customers.baskets import Lines, Orders
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.order_tables import CHANNELS, SHOP, Documents
from revlayer.simulator.customers.parameters import MARKETS, CustomerParameters
from revlayer.simulator.customers.purchases import Purchases
from revlayer.simulator.customers.shoppers import Shoppers, shopper_keys

PLATFORMS = ("iOS", "ios", "Android", "android ", "web", "Web")
PLATFORM_SHARES = (0.22, 0.05, 0.24, 0.03, 0.42, 0.04)
DEVICES = ("phone", "tablet", "desktop")


def session_table(
    p: CustomerParameters, shoppers: Shoppers, purchases: Purchases, orders: Orders, lines: Lines, documents: Documents,
    clock: Clock, numbers: Numbers, random: np.random.Generator,
) -> pa.Table:  # fmt: skip
    """raw.sessions, by shopper and time. Visits grow rare, but do not end, when a shopper has dropped out."""
    online = (documents.channel != SHOP) & ~orders.is_return & shoppers.is_tracked[orders.shopper]
    order = np.flatnonzero(online & (random.random(len(orders)) < p.order_session_rate))
    ahead = random.uniform(0.003, 0.03, len(order))
    browser, browsed_at = _browsing(p, shoppers, purchases, clock, random)
    shopper = np.concatenate((orders.shopper[order], browser))
    at = np.concatenate((orders.at[order] - ahead, browsed_at))
    bought = np.concatenate((order, np.full(len(browser), -1)))
    least = np.concatenate((ahead + 0.001, np.zeros(len(browser))))
    sorting = np.lexsort((at, shopper))
    return _table(p, shoppers, shopper[sorting], at[sorting], bought[sorting], least[sorting], lines, documents,
                  clock, numbers, random)  # fmt: skip


def _browsing(
    p: CustomerParameters, shoppers: Shoppers, purchases: Purchases, clock: Clock, random: np.random.Generator
) -> tuple[Index, Array]:
    rows = np.flatnonzero(shoppers.is_tracked)
    left = clock.end - shoppers.created_at[rows]
    count = random.poisson((p.browse_base + p.browse_factor * np.minimum(shoppers.rate[rows], 0.2)) * left)
    shopper = np.repeat(rows, count)
    at = shoppers.created_at[shopper] + random.random(len(shopper)) * np.repeat(left, count)
    kept = random.random(len(shopper)) < np.where(at > purchases.dropped_at[shopper], p.browse_after, 1.0)
    return shopper[kept], at[kept]


def _table(
    p: CustomerParameters, shoppers: Shoppers, shopper: Index, at: Array, bought: Index, least: Array, lines: Lines,
    documents: Documents, clock: Clock, numbers: Numbers, random: np.random.Generator,
) -> pa.Table:  # fmt: skip
    count, has_order = len(shopper), bought >= 0
    in_cart = np.bincount(lines.order, minlength=len(documents.channel))[np.maximum(bought, 0)]
    has_cart = has_order | (random.random(count) < p.cart_rate)
    carted = np.where(has_order, in_cart, np.where(has_cart, 1 + random.poisson(0.7, count), 0))
    seen = carted + random.poisson(2.5, count)
    ended = np.minimum(at + least + random.gamma(2.0, 0.002, count), clock.end - 0.001)
    channel = np.where(has_order, documents.channel[np.maximum(bought, 0)], random.integers(0, 2, count))
    return pa.table(
        base(text.identifiers("V", numbers.take("session", count), 10), at, np.maximum(ended, at))
        | {
            "customer_source_id": shopper_keys(shoppers.number[shopper]),
            "order_source_id": documents.keys.take(pa.array(np.maximum(bought, 0), mask=~has_order)),
            "ended_at": text.stamps(text.seconds(np.maximum(ended, at))),
            "page_view_count": pa.array(1.0 + seen + random.poisson(2.0, count)),
            "item_view_count": pa.array(seen.astype(np.float64)),
            "cart_add_count": pa.array(carted.astype(np.float64)),
            "has_cart": pa.array(has_cart),
            "has_order": pa.array(has_order),
            "platform": text.names(PLATFORMS, random.choice(len(PLATFORMS), count, p=PLATFORM_SHARES)),
            "device_family": text.names(DEVICES, random.choice(3, count, p=(0.55, 0.08, 0.37)),
                                        random.random(count) < 0.05),
            "country_code": text.names([entry[0] for entry in MARKETS], shoppers.market[shopper]),
            "channel": text.names(CHANNELS, channel),
        }
    )  # fmt: skip
