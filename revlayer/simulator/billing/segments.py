"""What happens to items: seats, prices and plans over time, as spans during which nothing changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.billing.contracts import RENEWAL_DEAL, Items, Subscriptions
from revlayer.simulator.billing.days import add_months, place
from revlayer.simulator.billing.parameters import TIERED, TIERS, UPGRADES, VOLUME, BillingParameters
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.clock import Array, Index, Mask

REASONS = ("seats", "price", "plan")
SEATS, PRICE, PLAN = range(3)
FIRST = -1
MAX_RENEWALS = 8


@dataclass(frozen=True)
class Segments:
    """Spans of items, sorted by item and first day; `reason` is FIRST for an item's first span."""

    item: Index
    day: Index
    reason: Index
    quantity: Array
    unit_cents: Index
    product: Index
    is_prorated: Mask

    def at(self, item: Index, day: Index) -> Index:
        """Position of the span in force; -1 before the first."""
        return place(item, day, self.item, self.day)


@dataclass(frozen=True)
class _Events:
    item: Index
    day: Index
    reason: Index
    seats: Array
    factor: Array
    move: Index


def draw_segments(
    p: BillingParameters, wins: Wins, subscriptions: Subscriptions, items: Items, list_prices: Array, end_day: int,
    random: np.random.Generator,
) -> Segments:  # fmt: skip
    """All changes of the items before `end_day`, seats first."""
    parts = [
        *_seats(p, items, end_day, random),
        _price_rises(p, subscriptions, items, random),
        _renewal_deals(wins, subscriptions, items),
        _plan_moves(p, items, list_prices, end_day, random),
    ]
    events = _Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Events.__annotations__))
    inside = (events.day > items.start[events.item]) & (events.day < np.minimum(items.end[events.item], end_day))
    by_tier = (items.product[events.item] >= TIERED) & (events.reason != SEATS)
    return _spans(p, items, events, np.flatnonzero(inside & ~by_tier), random)


def _event(item: Index, day: Index, reason: int, seats: Array, factor: Array, move: Index) -> _Events:
    return _Events(item, day, np.full(len(item), reason), seats, factor, move)


def _seats(p: BillingParameters, items: Items, end_day: int, random: np.random.Generator) -> list[_Events]:
    found = []
    life = np.minimum(items.end, end_day) - items.start
    for rate in p.seat_event_rates:
        rows = np.flatnonzero(random.random(len(items)) < rate)
        day = items.start[rows] + 1 + np.floor(random.random(len(rows)) * np.maximum(life[rows], 0)).astype(np.int64)
        share = np.clip(random.normal(p.seat_mean, p.seat_sigma, len(rows)), -0.5, 1.0)
        seats = np.rint(items.quantity[rows] * share)
        seats = np.where(seats == 0, 1.0, seats)
        ones, still = np.ones(len(rows)), np.zeros(len(rows), dtype=np.int64)
        found.append(_event(rows, day, SEATS, seats, ones, still))
    return found


def _price_rises(
    p: BillingParameters, subscriptions: Subscriptions, items: Items, random: np.random.Generator
) -> _Events:
    """At each renewal of the subscription, for the items that it then holds."""
    count = len(items)
    term = np.arange(1, MAX_RENEWALS + 1)
    sub = items.subscription
    day = add_months(np.repeat(subscriptions.billed_from[sub], MAX_RENEWALS),
                     (subscriptions.term_months[sub][:, None] * term).ravel())  # fmt: skip
    item = np.repeat(np.arange(count), MAX_RENEWALS)
    kept = random.random(len(item)) < p.price_rise_rate
    factor = 1 + random.uniform(p.price_rise[0], p.price_rise[1], len(item))
    none = np.zeros(int(kept.sum()))
    return _event(item[kept], day[kept], PRICE, none, factor[kept], none.astype(np.int64))


def _renewal_deals(wins: Wins, subscriptions: Subscriptions, items: Items) -> _Events:
    """A renewal deal on a running subscription sets a new price of its first item, from the day it is won."""
    deals = np.flatnonzero(~subscriptions.is_opened & (wins.deal_type == RENEWAL_DEAL))
    first = np.full(len(wins), -1, dtype=np.int64)
    openers = np.flatnonzero(items.win == items.subscription)
    first[items.subscription[openers]] = openers
    item = first[subscriptions.opener[deals]]
    day = np.floor(wins.won_at[deals]).astype(np.int64)
    none = np.zeros(len(deals))
    return _event(item, day, PRICE, none, 1.05 - wins.discount[deals] / 2, none.astype(np.int64))


def _plan_moves(
    p: BillingParameters, items: Items, list_prices: Array, end_day: int, random: np.random.Generator
) -> _Events:
    """Up or down within the family; the price goes with the list prices."""
    up = np.arange(len(list_prices))
    down = up.copy()
    for low, high in UPGRADES.items():
        up[low], down[high] = high, low
    draws = random.random((3, len(items)))
    target = np.where(draws[1] < p.downgrade_rate, down[items.product], up[items.product])
    rows = np.flatnonzero((draws[0] < p.plan_switch_rate) & (target != items.product))
    life = np.maximum(np.minimum(items.end, end_day) - items.start, 0)[rows]
    day = items.start[rows] + 1 + np.floor(draws[2][rows] * life).astype(np.int64)
    factor = list_prices[target[rows]] / list_prices[items.product[rows]]
    return _event(rows, day, PLAN, np.zeros(len(rows)), factor, target[rows] - items.product[rows])


def _spans(p: BillingParameters, items: Items, events: _Events, kept: Index, random: np.random.Generator) -> Segments:
    count = len(items)
    item = np.concatenate((np.arange(count), events.item[kept]))
    day = np.concatenate((items.start, events.day[kept]))
    reason = np.concatenate((np.full(count, FIRST), events.reason[kept]))
    seats = np.concatenate((np.zeros(count), events.seats[kept]))
    factor = np.concatenate((np.zeros(count), np.log(events.factor[kept])))
    move = np.concatenate((np.zeros(count, dtype=np.int64), events.move[kept]))
    # Of changes on one day only one is kept: the order is that of the parts.
    order = np.lexsort((reason, day, item))
    again = (item[order][1:] == item[order][:-1]) & (day[order][1:] == day[order][:-1])
    order = order[np.append(True, ~again)]
    item, day, reason = item[order], day[order], reason[order]
    quantity = np.maximum(items.quantity[item] + _running(seats[order], reason), 1.0)
    unit = np.rint(items.unit_cents[item] * np.exp(_running(factor[order], reason))).astype(np.int64)
    product = items.product[item] + np.rint(_running(move[order].astype(np.float64), reason)).astype(np.int64)
    return Segments(
        item, day, reason, quantity, np.maximum(unit, 1), product, random.random(len(item)) >= p.unprorated_rate
    )


def _running(values: Array, reason: Index) -> Array:
    """Sum over an item's spans so far."""
    total = np.cumsum(values)
    starts = np.flatnonzero(reason == FIRST)
    before = (total - values)[starts]
    return np.asarray(total - np.repeat(before, np.diff(np.append(starts, len(values)))))


def tier_cents(product: Index, quantity: Array, unit_cents: Array, flat_cents: Array) -> Array:
    """Price of a quantity by tiers, in cents.

    Args:
        unit_cents: price of a unit in each tier: one row per entry, one column per tier.
        flat_cents: flat amount of each tier, likewise.
    """
    low = np.array([tier[0] for tier in TIERS], dtype=np.float64)
    high = np.append(low[1:], np.inf)
    quantity = quantity[:, None]
    within = np.clip(np.minimum(quantity, high) - low, 0.0, None)
    reached = quantity > low
    graduated = (within * unit_cents + reached * flat_cents).sum(axis=1)
    here = (quantity >= low) & (quantity < high)
    whole = (here * (quantity * unit_cents + flat_cents)).sum(axis=1)
    return np.where(product == VOLUME, whole, np.where(product == TIERED, graduated, np.nan))
