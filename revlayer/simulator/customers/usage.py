"""Use of subscriptions by day, and single events, of the users whose use is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing import Contracts, Wins
from revlayer.simulator.billing.charges import USAGE_PRODUCTS
from revlayer.simulator.billing.columns import base, days_text, moment
from revlayer.simulator.billing.customers import customer_keys
from revlayer.simulator.billing.days import SPAN
from revlayer.simulator.billing.segments import SEATS
from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.customers.interest import Interest
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.parameters import CHUNK_USERS, CustomerParameters
from revlayer.simulator.customers.users import Users, user_keys
from revlayer.simulator.world import PRODUCTS, World

EVENTS = ("limit_reached", "invite", "export", "login_failed")
#: Use of a day arrives the next morning; this part of a day later.
ARRIVAL = 1.1


@dataclass(frozen=True)
class _Days:
    """Days on which somebody used a subscription: position of the user and of the won deal that opened it."""

    user: Index
    subscription: Index
    day: Index
    log_odds: Array

    def __len__(self) -> int:
        return len(self.user)


def usage_tables(
    p: CustomerParameters, wins: Wins, contracts: Contracts, users: Users, interest: Interest, world: World,
    clock: Clock, numbers: Numbers, random: np.random.Generator,
) -> Iterator[tuple[str, pa.Table]]:  # fmt: skip
    """Yield rows of raw.daily_usage and raw.usage_events, some users at a time."""
    user, subscription = _pairs(wins, contracts, users)
    rises = _seat_rises(contracts)
    for low in range(0, len(user), CHUNK_USERS):
        part = slice(low, low + CHUNK_USERS)
        days = _days(p, wins, contracts, users, interest, world, clock, user[part], subscription[part], random)
        if len(days):
            yield "raw.daily_usage", _daily(p, wins, users, days, clock, numbers, random)
            yield "raw.usage_events", _events(p, wins, users, days, rises, clock, numbers, random)


def _pairs(wins: Wins, contracts: Contracts, users: Users) -> tuple[Index, Index]:
    """Every counted user with every subscription of the account."""
    opened = np.flatnonzero(contracts.subscriptions.is_opened)
    opened = opened[np.argsort(wins.account[opened], kind="stable")]
    account = wins.account[opened]
    counted = np.flatnonzero(np.isfinite(users.measured_from))
    first = np.searchsorted(account, users.account[counted], side="left")
    count = np.searchsorted(account, users.account[counted], side="right") - first
    user = np.repeat(counted, count)
    offset = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    return user, opened[np.repeat(first, count) + offset]


def _days(
    p: CustomerParameters, wins: Wins, contracts: Contracts, users: Users, interest: Interest, world: World,
    clock: Clock, user: Index, subscription: Index, random: np.random.Generator,
) -> _Days:  # fmt: skip
    s = contracts.subscriptions
    known_from = np.ceil(np.maximum(users.created_at[user], users.measured_from[user])).astype(np.int64)
    start = np.maximum(s.start[subscription], known_from)
    # The use of the last day has not arrived when the history ends.
    stop = np.minimum(s.ended[subscription], int(clock.end) - 1)
    length = np.maximum(stop - start, 0)
    pair = np.repeat(np.arange(len(user)), length)
    day = start[pair] + np.arange(len(pair)) - np.repeat(np.cumsum(length) - length, length)
    sub = subscription[pair]
    own = p.use_intercept + users.taste[user] + p.use_fit_effect * world.accounts.fit[wins.account[subscription]]
    log_odds = (
        own[pair]
        + p.use_fading_effect * interest.lost(sub, day.astype(np.float64))
        + p.use_weekend_effect * ((day + 3) % 7 >= 5)
        + p.use_start_effect * np.exp(-(day - s.start[sub]) / p.use_start_days)
    )
    is_used = random.random(len(day)) < 1 / (1 + np.exp(-log_odds))
    is_used &= (day < s.paused_from[sub]) | (day >= s.paused_to[sub])
    kept = np.flatnonzero(is_used)
    return _Days(user[pair[kept]], sub[kept], day[kept], log_odds[kept])


def _keys(wins: Wins, users: Users, days: _Days) -> dict[str, pa.Array]:
    account = users.account[days.user]
    item = text.identifiers("I", wins.number[days.subscription], 7)
    return {
        "customer_source_id": user_keys(users, days.user),
        "account_source_id": text.identifiers("A", account + 1, 6),
        "billing_customer_source_id": customer_keys(account),
        "subscription_item_source_id": item,
    }


def _daily(
    p: CustomerParameters, wins: Wins, users: Users, days: _Days, clock: Clock, numbers: Numbers,
    random: np.random.Generator,
) -> pa.Table:  # fmt: skip
    count = len(days)
    chance = 1 / (1 + np.exp(-days.log_odds))
    late = random.random(count) < p.late_record_rate
    arrived = moment(days.day, ARRIVAL) + np.where(late, np.floor(random.uniform(1, 7, count)), 0.0)
    arrived = np.where(arrived < clock.end, arrived, days.day + ARRIVAL)
    events = 1 + random.poisson(3 + 22 * chance)
    score = np.clip(chance + p.score_noise * random.standard_normal(count), 0.0, 1.0)
    product = wins.product[days.subscription]
    calls = np.isin(product, USAGE_PRODUCTS)
    return pa.table(
        base(text.identifiers("DU", numbers.take("daily_usage", count), 10), moment(days.day, 0.99), arrived)
        | _keys(wins, users, days)
        | {
            "usage_on": days_text(days.day),
            "feature_name": text.names([family for _, family in PRODUCTS], product),
            "event_count": pa.array(events.astype(np.float64)),
            "session_count": pa.array(1.0 + random.poisson(0.3 + chance)),
            "active_user_count": pa.array(np.ones(count)),
            "active_seconds": pa.array(np.ceil(events * random.gamma(2.0, 45.0, count))),
            "quantity": pa.array(np.rint(events * random.uniform(5, 60, count)), mask=~calls),
            "unit": text.names(("call",), np.zeros(count, dtype=np.int64), ~calls),
            "usage_score": pa.array(np.round(score, 3), mask=random.random(count) < p.missing_score_rate),
        }
    )


def _seat_rises(contracts: Contracts) -> Index:
    """Sorted subscription × SPAN + day of the days on which seats were added."""
    g = contracts.segments
    more = np.flatnonzero((g.reason == SEATS) & (g.quantity > np.append(0.0, g.quantity[:-1])))
    return np.sort(contracts.items.subscription[g.item[more]] * SPAN + g.day[more])


def _events(
    p: CustomerParameters, wins: Wins, users: Users, days: _Days, rises: Index, clock: Clock, numbers: Numbers,
    random: np.random.Generator,
) -> pa.Table:  # fmt: skip
    """Single events within days of use. Those who will add seats run into their limit more often before."""
    count = len(days)
    now = days.subscription * SPAN + days.day
    following = np.append(rises, np.iinfo(np.int64).max)[np.searchsorted(rises, now, side="right")]
    near = following - now <= p.limit_days
    at_limit = random.random(count) < np.where(near, p.limit_before_seats_rate, p.limit_rate)
    other = random.random(count) < p.other_event_rate
    kept = np.flatnonzero(at_limit | other)
    kind = np.where(at_limit[kept], 0, random.integers(1, len(EVENTS), len(kept)))
    some = _Days(days.user[kept], days.subscription[kept], days.day[kept], days.log_odds[kept])
    at = some.day + random.uniform(0.3, 0.8, len(kept))
    lag = np.where(random.random(len(kept)) < p.late_record_rate, random.uniform(0.1, 5.0, len(kept)), 0.0)
    recorded = np.where(at + lag < clock.end, at + lag, at)
    seconds = np.ceil(random.gamma(1.5, 40.0, len(kept)))
    return pa.table(
        base(text.identifiers("UE", numbers.take("usage_event", len(kept)), 10), at, recorded)
        | _keys(wins, users, some)
        | {
            "event_name": text.names(EVENTS, kind),
            "feature_name": text.names([family for _, family in PRODUCTS], wins.product[some.subscription]),
            "quantity": pa.array(np.ones(len(kept))),
            "unit": text.constant("event", len(kept)),
            "duration_seconds": pa.array(seconds, mask=kind == EVENTS.index("login_failed")),
        }
    )
