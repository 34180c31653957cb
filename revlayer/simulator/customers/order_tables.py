"""Rows of raw.orders, raw.order_lines and raw.order_changes, and what is true of shoppers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, cents_text
from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.customers.baskets import Lines, Orders
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.parameters import CATEGORIES, MARKETS, CustomerParameters
from revlayer.simulator.customers.purchases import Purchases
from revlayer.simulator.customers.shoppers import CURRENCIES, CURRENCY_OF_MARKET, Shoppers, shopper_keys
from revlayer.simulator.parameters import SOURCE_NAME

CHANNELS = ("web", "app", "shop", "phone")
SHOP = 2


@dataclass(frozen=True)
class Documents:
    """How orders are written down: keys, what the source's clock said, when it was known."""

    keys: pa.Array
    occurred: Array
    recorded: Array
    channel: Index
    is_cancelled: Mask


def write_down(
    p: CustomerParameters, orders: Orders, clock: Clock, numbers: Numbers, random: np.random.Generator
) -> Documents:
    """Some orders are recorded days late; the clock of some tills is ahead, so that they sold before they were made."""
    count = len(orders)
    lag = np.where(random.random(count) < p.late_record_rate, random.uniform(0.5, 10, count), 0.0)
    recorded = np.where(orders.at + lag < clock.end, orders.at + lag, orders.at)
    channel = random.choice(4, count, p=(0.62, 0.24, 0.1, 0.04))
    skewed = (random.random(count) < p.skewed_clock_rate) & (lag == 0)
    ahead = np.where(skewed, random.uniform(0.02, 0.3, count), 0.0)
    occurred = np.where(orders.at + ahead < clock.end, orders.at + ahead, orders.at)
    channel[skewed] = SHOP
    keys = text.identifiers("O", numbers.take("order", count), 9)
    came_back = np.zeros(count, dtype=bool)
    came_back[orders.returns[orders.returns >= 0]] = True
    cancelled = (random.random(count) < p.cancel_rate) & ~orders.is_return & ~came_back
    return Documents(keys, occurred, recorded, channel, cancelled & (recorded + 1 < clock.end))


def order_table(
    p: CustomerParameters, shoppers: Shoppers, orders: Orders, lines: Lines, documents: Documents,
    random: np.random.Generator,
) -> pa.Table:  # fmt: skip
    """raw.orders. The columns are as they were when the order was recorded, but for the status (see order_changes)."""
    count = len(orders)
    subtotal, discount, tax = (_sum(values, lines.order, count) for values in (lines.amount, lines.discount, lines.tax))
    free = (subtotal >= p.free_shipping_from * 100) | (random.random(count) < 0.1) | orders.is_return
    shipping = np.where(free, 0, round(p.shipping * 100))
    market = shoppers.market[orders.shopper]
    returned = orders.returns >= 0
    status = np.where(documents.is_cancelled, 1, np.where(orders.is_return, 2, 0))
    return pa.table(
        base(documents.keys, documents.occurred, documents.recorded)
        | {
            "customer_source_id": shopper_keys(shoppers.number[orders.shopper]),
            "status": text.names(("completed", "cancelled", "returned"), status),
            "currency_code": text.names(CURRENCIES, CURRENCY_OF_MARKET[market]),
            "subtotal_amount": cents_text(subtotal),
            "discount_amount": cents_text(discount),
            "shipping_amount": cents_text(shipping),
            "tax_amount": cents_text(tax),
            "total_amount": cents_text(subtotal + shipping + tax),
            "country_code": text.names([entry[0] for entry in MARKETS], market),
            "channel": text.names(CHANNELS, documents.channel),
            "is_return": pa.array(orders.is_return),
            "returned_order_source_id": documents.keys.take(pa.array(np.maximum(orders.returns, 0), mask=~returned)),
            "observed_at": text.stamps(text.seconds(documents.recorded)),
        }
    )


def _sum(cents: Index, order: Index, count: int) -> Index:
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, order, cents)
    return total


def line_table(shoppers: Shoppers, orders: Orders, lines: Lines, documents: Documents, numbers: Numbers) -> pa.Table:
    keys = text.identifiers("OL", numbers.take("order_line", len(lines)), 10)
    order = pa.array(lines.order)
    category = text.names([entry[0] for entry in CATEGORIES], lines.category)
    returned = lines.returns >= 0
    currency = CURRENCY_OF_MARKET[shoppers.market[orders.shopper[lines.order]]]
    return pa.table(
        base(keys, documents.occurred[lines.order], documents.recorded[lines.order])
        | {
            "order_source_id": documents.keys.take(order),
            "product_category": category,
            "description": text.join(" ", category, text.identifiers("", lines.article, 3)),
            "quantity": pa.array(lines.quantity),
            "unit_amount": cents_text(lines.unit),
            "discount_amount": cents_text(lines.discount),
            "amount": cents_text(lines.amount),
            "tax_amount": cents_text(lines.tax),
            "tax_class": text.names(("standard", "reduced"), (lines.category == 0).astype(np.int64)),
            "currency_code": text.names(CURRENCIES, currency),
            "is_return": pa.array(returned),
            "returned_line_source_id": keys.take(pa.array(np.maximum(lines.returns, 0), mask=~returned)),
        }
    )


def order_change_table(documents: Documents, clock: Clock, numbers: Numbers, random: np.random.Generator) -> pa.Table:
    """raw.order_changes: cancellations, which name the status before."""
    rows = np.flatnonzero(documents.is_cancelled)
    at = documents.recorded[rows] + random.uniform(0.05, 0.9, len(rows))
    return pa.table(
        base(text.identifiers("OC", numbers.take("order_change", len(rows)), 8), at)
        | {
            "order_source_id": documents.keys.take(pa.array(rows)),
            "field_name": text.constant("status", len(rows)),
            "old_value": text.constant("completed", len(rows)),
            "new_value": text.constant("cancelled", len(rows)),
        }
    )


def expected_order(p: CustomerParameters, shoppers: Shoppers) -> Array:
    """Expected subtotal of an order, returns not counted, in the shopper's currency."""
    price = np.array([entry[1] for entry in CATEGORIES])
    anything = float(np.array([entry[2] for entry in CATEGORIES]) @ price)
    mean = p.favourite_rate * price[shoppers.favourite] + (1 - p.favourite_rate) * anything
    per_line = mean * shoppers.level * np.exp(p.price_spread**2 / 2) * (1 + p.more_units)
    return np.asarray(per_line * (1 + p.more_lines) * (1 - p.promotion_rate * (0.1 + 0.15 + 0.25) / 3))


def shopper_truth(p: CustomerParameters, shoppers: Shoppers, purchases: Purchases, clock: Clock) -> pa.Table:
    """Rows of truth.shopper_states: shoppers who ever buy."""
    rows = np.flatnonzero(shoppers.buys)
    dropped = purchases.dropped_at[rows]
    return pa.table(
        {
            "customer_id": text.join("", pa.scalar(f"{SOURCE_NAME}:"), shopper_keys(shoppers.number[rows])),
            "purchases_per_day": pa.array(shoppers.rate[rows]),
            "dropout_probability": pa.array(shoppers.dropout[rows]),
            "expected_order_amount": pa.array(expected_order(p, shoppers)[rows]),
            "currency_code": text.names(CURRENCIES, CURRENCY_OF_MARKET[shoppers.market[rows]]),
            "dropped_at": text.stamps(text.seconds(dropped), ~np.isfinite(dropped) | (dropped >= clock.end)),
        }
    )
