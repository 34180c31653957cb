"""What installs do: events of the first days, purchases of the first week and later, advertisements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.installs.audience import Audience
from revlayer.simulator.installs.parameters import EVENTS, InstallParameters
from revlayer.simulator.installs.revenue import Law

WEEK = 7.0


@dataclass(frozen=True)
class Events:
    """One entry per event; `kind` is a position in EVENTS or one beyond for a purchase, whose cents it holds."""

    install: Index
    at: Array
    kind: Index
    count: Index
    cents: Index


@dataclass(frozen=True)
class Advertisements:
    """One entry per install and day with any; dollars."""

    install: Index
    day: Index
    impressions: Index
    amount: Array


def draw_events(p: InstallParameters, a: Audience, law: Law, clock: Clock, random: np.random.Generator) -> Events:
    """All events within the history, by install and time."""
    is_payer = random.random(len(a)) < law.payer
    parts = [_first_days(a, random), _purchases(p, a, law, is_payer, random), _later(p, a, law, is_payer, random)]
    install, at, kind, count, cents = (
        np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__
    )
    inside = np.flatnonzero(at < clock.end)
    order = inside[np.lexsort((at[inside], install[inside]))]
    return Events(install[order], at[order], kind[order], count[order], cents[order])


def _first_days(a: Audience, random: np.random.Generator) -> Events:
    """Counts by install: of the first day, and for those who return of the two days after it."""
    count, u = len(a), a.interest
    tutorial = (random.random(count) < 1 / (1 + np.exp(-0.5 - 0.8 * u))).astype(np.int64)
    numbers = np.stack(
        (
            1 + random.poisson(np.exp(0.3 + 0.4 * u)), tutorial, tutorial * random.poisson(np.exp(0.6 + 0.5 * u)),
            random.poisson(np.exp(-1.5 + 0.6 * u)), random.poisson(np.exp(-0.6 + 0.7 * u)),
        )
    )  # fmt: skip
    # The last kind of event belongs to the second and third day.
    begins = np.array([0.0, 0.01, 0.03, 0.05, 1.0])
    kind, install = np.nonzero(numbers)
    spread = np.where(kind == len(EVENTS) - 1, 2.0, np.where(kind == 0, 0.0, 0.9))
    at = a.at[install] + begins[kind] + spread * random.random(len(kind))
    return Events(install, at, kind, numbers[kind, install], np.zeros(len(kind), dtype=np.int64))


def _purchases(p: InstallParameters, a: Audience, law: Law, is_payer: Mask, random: np.random.Generator) -> Events:
    """Purchases of the first week. The app's shop opens a day after the install, so the first day tells none."""
    payer = np.flatnonzero(is_payer)
    spend = np.exp(law.log_mean[payer] + p.spend_log_sigma * random.standard_normal(len(payer)))
    cents = np.maximum(np.rint(100 * spend), 1).astype(np.int64)
    number = np.minimum(1 + random.poisson(p.more_purchases, len(payer)), 6)
    return _split(a, payer, cents, number, 1.0, WEEK - 1.0 - 1e-4, random)


def _later(p: InstallParameters, a: Audience, law: Law, is_payer: Mask, random: np.random.Generator) -> Events:
    """Purchases after the first week: of those who have paid, and of a few others."""
    buyer = np.flatnonzero(random.random(len(a)) < np.where(is_payer, p.late_rate, p.late_first_rate))
    mean = law.log_mean[buyer] + p.late_log_mean
    cents = np.rint(100 * np.exp(mean + p.spend_log_sigma * random.standard_normal(len(buyer)))).astype(np.int64)
    number = np.minimum(1 + random.poisson(1.2, len(buyer)), 8)
    return _split(a, buyer, np.maximum(cents, 1), number, WEEK, p.late_days, random)


def _split(
    a: Audience, buyer: Index, cents: Index, number: Index, begin: float, length: float, random: np.random.Generator
) -> Events:
    """Purchases between `begin` and `begin` + `length` days after the install that add up to the cents."""
    place = np.repeat(np.arange(len(buyer)), number)
    weight = random.gamma(2.0, 1.0, len(place))
    total = np.bincount(place, weight, minlength=len(buyer))
    part = np.floor(cents[place] * weight / total[place]).astype(np.int64)
    first = np.cumsum(number) - number
    given = np.zeros(len(buyer), dtype=np.int64)
    np.add.at(given, place, part)
    part[first] += cents - given
    at = a.at[buyer[place]] + begin + length * random.random(len(place))
    kept = part > 0
    count = int(kept.sum())
    return Events(buyer[place[kept]], at[kept], np.full(count, len(EVENTS)), np.ones(count, dtype=np.int64), part[kept])


def draw_advertisements(
    p: InstallParameters, a: Audience, law: Law, clock: Clock, random: np.random.Generator
) -> Advertisements:
    """Advertisements of the first seven days, as far as the days are over when the history ends."""
    install, since = np.nonzero(random.random(law.ad_days.shape) < law.ad_days)
    day = np.floor(a.at[install]).astype(np.int64) + since
    inside = day + 1 < clock.end
    install, day = install[inside], day[inside]
    impressions = 1 + random.poisson(p.ad_mean, len(install))
    noise = random.gamma(p.ad_price_shape, 1 / p.ad_price_shape, len(install))
    return Advertisements(install, day, impressions, impressions * law.ad_price[install] * noise)
