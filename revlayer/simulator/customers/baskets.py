"""What is in orders and what comes back: lines in whole cents, and the orders that they add up to."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.customers.parameters import CATEGORIES, MARKETS, CustomerParameters
from revlayer.simulator.customers.purchases import Purchases
from revlayer.simulator.customers.shoppers import Shoppers

TAX_RATES = np.array([market[4] for market in MARKETS])


@dataclass(frozen=True)
class Lines:
    """One entry per line, sorted by order; money in cents; `returns` is the position of the returned line or -1."""

    order: Index
    category: Index
    article: Index
    quantity: Index
    unit: Index
    discount: Index
    amount: Index
    tax: Index
    returns: Index

    def __len__(self) -> int:
        return len(self.order)


@dataclass(frozen=True)
class Orders:
    """Purchases, then returns. `returns` is the position of the returned order or -1."""

    shopper: Index
    at: Array
    is_return: Mask
    returns: Index

    def __len__(self) -> int:
        return len(self.shopper)


def draw_baskets(
    p: CustomerParameters, shoppers: Shoppers, purchases: Purchases, clock: Clock, random: np.random.Generator
) -> tuple[Orders, Lines]:
    """The orders of a chunk with all that is returned within the history."""
    lines = _lines(p, shoppers, purchases, random)
    order, at, source, line = _returns(p, purchases, lines, clock, random)
    count = len(purchases)
    orders = Orders(
        np.concatenate((purchases.shopper, purchases.shopper[source])), np.concatenate((purchases.at, at)),
        np.arange(count + len(at)) >= count,
        # A refund of goodwill, the second of its order, names none.
        np.concatenate((np.full(count, -1), np.where(np.arange(len(at)) < len(np.unique(source)), source, -1))),
    )  # fmt: skip
    back = Lines(
        count + order, lines.category[line], lines.article[line], -lines.quantity[line], lines.unit[line],
        -lines.discount[line], -lines.amount[line], -lines.tax[line], line,
    )  # fmt: skip
    both = Lines(*(np.concatenate((getattr(lines, f.name), getattr(back, f.name))) for f in fields(Lines)))
    return orders, both


def _lines(p: CustomerParameters, shoppers: Shoppers, purchases: Purchases, random: np.random.Generator) -> Lines:
    per_order = 1 + random.poisson(p.more_lines, len(purchases))
    order = np.repeat(np.arange(len(purchases)), per_order)
    count, shopper = len(order), purchases.shopper[order]
    anything = random.choice(len(CATEGORIES), count, p=[entry[2] for entry in CATEGORIES])
    category = np.where(random.random(count) < p.favourite_rate, shoppers.favourite[shopper], anything)
    price = np.array([entry[1] for entry in CATEGORIES])[category] * shoppers.level[shopper]
    unit = np.rint(100 * price * np.exp(p.price_spread * random.standard_normal(count))).astype(np.int64)
    unit = np.maximum(unit, 50)
    quantity = 1 + random.poisson(p.more_units, count)
    promoted = random.random(len(purchases)) < p.promotion_rate
    rate = np.where(promoted, random.choice([0.1, 0.15, 0.25], len(purchases)), 0.0)[order]
    discount = np.rint(unit * quantity * rate).astype(np.int64)
    amount = unit * quantity - discount
    tax = np.rint(amount * TAX_RATES[shoppers.market[shopper]]).astype(np.int64)
    article = random.integers(1, 200, count)
    return Lines(order, category, article, quantity, unit, discount, amount, tax, np.full(count, -1))


def _returns(
    p: CustomerParameters, purchases: Purchases, lines: Lines, clock: Clock, random: np.random.Generator
) -> tuple[Index, Array, Index, Index]:
    """Returns: of each line its return, the times, the orders they belong to, and the lines returned.

    Second refunds of an order come last.
    """
    first_line = np.searchsorted(lines.order, np.arange(len(purchases)), side="left")
    chance = np.array([entry[3] for entry in CATEGORIES])[lines.category[first_line]]
    at = purchases.at + random.uniform(2, 30, len(purchases))
    source = np.flatnonzero((random.random(len(purchases)) < chance) & (at < clock.end))
    at = at[source]
    whole = random.random(len(source)) < p.whole_return_rate
    again = np.flatnonzero(whole & (random.random(len(source)) < p.second_refund_rate) & (at + 5 < clock.end))
    source, whole = np.append(source, source[again]), np.append(whole, whole[again])
    at = np.append(at, at[again] + random.uniform(0.5, 5, len(again)))
    per_order = np.bincount(lines.order, minlength=len(purchases))[source]
    order = np.repeat(np.arange(len(source)), per_order)
    offset = np.arange(len(order)) - np.repeat(np.cumsum(per_order) - per_order, per_order)
    line = first_line[source[order]] + offset
    kept = whole[order] | (offset == 0) | (random.random(len(order)) < 0.3)
    return order[kept], at, source, line[kept]
