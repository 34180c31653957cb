"""When shoppers buy: a Poisson process that may end after each order, or evenly spaced orders for the regular ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.customers.parameters import CustomerParameters
from revlayer.simulator.customers.season import Season
from revlayer.simulator.customers.shoppers import Shoppers


@dataclass(frozen=True)
class Purchases:
    """Orders sorted by shopper and time; `dropped_at` has one entry per shopper, inf for those still alive."""

    shopper: Index
    at: Array
    dropped_at: Array

    def __len__(self) -> int:
        return len(self.shopper)


def draw_purchases(
    p: CustomerParameters, shoppers: Shoppers, season: Season, clock: Clock, random: np.random.Generator
) -> Purchases:
    """The first order follows the first visit at once; after each order the shopper drops out with its chance."""
    begun = season.on_clock(shoppers.created_at)
    shopper, passed = _candidates(shoppers, begun, season.length, random)
    order = np.lexsort((passed, shopper))
    shopper, passed = shopper[order], passed[order]
    first = np.searchsorted(shopper, np.arange(len(shoppers)), side="left")
    rank = np.arange(len(shopper)) - first[shopper]
    last = random.geometric(shoppers.dropout)
    kept = (rank < last[shopper]) & shoppers.buys[shopper]
    shopper, passed, rank = shopper[kept], passed[kept], rank[kept]
    hour = np.clip((shoppers.hour[shopper] + 1.8 * random.standard_normal(len(shopper))) / 24, 0.3, 0.96)
    day = np.floor(season.days(passed))
    opening = shoppers.created_at[shopper]
    at = np.where(day == np.floor(opening), np.maximum(day + hour, opening + 0.01 * np.minimum(rank, 10)), day + hour)
    at = np.where(rank == 0, opening + 0.004, np.minimum(at, day + 0.99))
    dropped = np.full(len(shoppers), np.inf)
    is_last = rank + 1 == last[shopper]
    dropped[shopper[is_last]] = at[is_last]
    return _with_twins(p, shopper, at, dropped, clock, random)


def _candidates(shoppers: Shoppers, begun: Array, length: float, random: np.random.Generator) -> tuple[Index, Array]:
    """Shopper and time on the shop's clock of every order that there would be without dropping out."""
    left = length - begun
    every = np.arange(len(shoppers))
    count = np.where(shoppers.is_regular, np.floor(shoppers.rate * left), random.poisson(shoppers.rate * left))
    shopper = np.repeat(every, count.astype(np.int64))
    rank = np.arange(len(shopper)) - np.repeat(np.cumsum(count) - count, count.astype(np.int64)).astype(np.int64)
    at_random = random.random(len(shopper)) * left[shopper]
    evenly = (rank + 1 + 0.18 * random.uniform(-1, 1, len(shopper))) / shoppers.rate[shopper]
    since = np.where(shoppers.is_regular[shopper], np.minimum(evenly, left[shopper] - 1e-6), at_random)
    return np.concatenate((every, shopper)), np.concatenate((begun, begun[shopper] + since))


def _with_twins(
    p: CustomerParameters, shopper: Index, at: Array, dropped: Array, clock: Clock, random: np.random.Generator
) -> Purchases:
    """Some orders are followed by another on the same day."""
    twin: Mask = random.random(len(at)) < p.twin_rate
    later = np.minimum(at[twin] + random.uniform(0.01, 0.1, int(twin.sum())), np.floor(at[twin]) + 0.995)
    shopper, at = np.concatenate((shopper, shopper[twin])), np.concatenate((at, later))
    inside = at < clock.end
    shopper, at = shopper[inside], at[inside]
    order = np.lexsort((at, shopper))
    return Purchases(shopper[order], at[order], dropped)
