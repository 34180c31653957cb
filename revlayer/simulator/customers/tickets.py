"""Support cases with their course: opened, answered, solved, sometimes opened again, sometimes rated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.billing import Contracts, Wins
from revlayer.simulator.billing.columns import base, changes
from revlayer.simulator.changes import History, Ledger
from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.customers.interest import Interest
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.parameters import CustomerParameters
from revlayer.simulator.customers.users import Users, user_keys
from revlayer.simulator.world import World

FIELDS = ("status", "priority", "first_responded_at", "solved_at", "satisfaction_score")
CATEGORIES = ("how to", "billing", "defect", "access", "delivery")
DELIVERY = 4
PRIORITIES = ("low", "normal", "high", "urgent")
CHANNELS = ("mail", "chat", "phone")
#: Median hours to the first answer and to the solution, by priority.
ANSWER_HOURS = np.array([10.0, 5.0, 2.0, 0.7])
SOLUTION_HOURS = np.array([60.0, 36.0, 20.0, 8.0])


@dataclass(frozen=True)
class Cases:
    """One entry per ticket; `gloom` (0 to 1) lowers the rating. Keys are those of raw tables, null where unknown."""

    at: Array
    gloom: Array
    category: Index
    customer: pa.Array
    account: pa.Array
    billing: pa.Array
    owner: pa.Array

    def __len__(self) -> int:
        return len(self.at)


def subscriber_cases(
    p: CustomerParameters, wins: Wins, contracts: Contracts, users: Users, interest: Interest, world: World,
    clock: Clock, random: np.random.Generator,
) -> Cases:  # fmt: skip
    """Tickets about subscriptions: a Poisson process whose rate grows as interest fades."""
    s = contracts.subscriptions
    opened = np.flatnonzero(s.is_opened & (s.start < clock.end))
    segment = world.accounts.segment[wins.account[opened]]
    most = np.array(p.tickets_per_day)[segment] * (1 + p.ticket_fading_factor)
    life = np.maximum(np.minimum(s.ended[opened], clock.end) - s.start[opened], 0.0)
    count = random.poisson(most * life)
    sub = np.repeat(opened, count)
    at = s.start[sub] + random.random(len(sub)) * np.repeat(life, count)
    gloom = interest.lost(sub, at)
    kept = random.random(len(sub)) * (1 + p.ticket_fading_factor) < 1 + p.ticket_fading_factor * gloom
    sub, at, gloom = sub[kept], at[kept], gloom[kept]
    account = wins.account[sub]
    # The first user writes most often; others from when they are there.
    first = np.searchsorted(users.account, account, side="left")
    several = np.searchsorted(users.account, account, side="right") - first
    user = first + np.floor(random.random(len(sub)) ** 2 * several).astype(np.int64)
    user = np.where(users.created_at[user] <= at, user, first)
    owner = world.serving(world.accounts.owner[account], at)
    return Cases(
        at, gloom, random.choice(DELIVERY, len(sub), p=(0.4, 0.2, 0.25, 0.15)), user_keys(users, user),
        text.identifiers("A", account + 1, 6), text.identifiers("B", account + 1, 6, random.random(len(sub)) < 0.1),
        text.identifiers("U", owner + 1, 5, random.random(len(sub)) < 0.6),
    )  # fmt: skip


def ticket_tables(
    p: CustomerParameters, cases: Cases, clock: Clock, numbers: Numbers, random: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """raw.tickets and raw.ticket_changes; the history has every first value."""
    count = len(cases)
    keys = text.identifiers("K", numbers.take("ticket", count), 8)
    priority = random.choice(4, count, p=(0.25, 0.5, 0.2, 0.05))
    history = _history(cases, priority, clock, random)
    table = pa.table(
        base(keys, cases.at)
        | {
            "customer_source_id": cases.customer,
            "account_source_id": cases.account,
            "billing_customer_source_id": cases.billing,
            "owner_source_id": cases.owner,
            "subject": text.names([f"Question: {name}" for name in CATEGORIES], cases.category),
            "category": text.names(CATEGORIES, cases.category),
            "channel": text.names(CHANNELS, random.choice(3, count, p=(0.5, 0.35, 0.15))),
            "observed_at": text.stamps(text.seconds(cases.at)),
        }
        | history.state
    )
    lag = np.where(random.random(len(history)) < p.late_record_rate, random.uniform(0.1, 6.0, len(history)), 0.0)
    recorded = history.recorded(lag, text.seconds(cases.at), clock.end)
    first = numbers.first("ticket_change", len(history))
    key = {"ticket_source_id": keys.take(pa.array(history.row))}
    return table, changes(history, "KC", first, key, recorded)


def _history(cases: Cases, priority: Index, clock: Clock, random: np.random.Generator) -> History:
    every, count = np.arange(len(cases)), len(cases)
    noise = random.standard_normal((3, count))
    answered = cases.at + ANSWER_HOURS[priority] / 24 * np.exp(0.8 * noise[0])
    solved = answered + SOLUTION_HOURS[priority] / 24 * np.exp(0.9 * noise[1])
    again = np.flatnonzero(random.random(count) < 0.05 + 0.1 * cases.gloom)
    back = solved[again] + random.uniform(0.2, 6.0, len(again))
    final = solved.copy()
    final[again] = back + random.uniform(0.1, 5.0, len(again))
    rated = np.flatnonzero(random.random(count) < 0.35)
    score = np.clip(np.rint(4.3 - 1.6 * cases.gloom[rated] + 0.9 * noise[2][rated]), 1, 5)
    raised = np.flatnonzero((random.random(count) < 0.06) & (priority < 3))
    ledger = Ledger(FIELDS, count, np.full(count, clock.end))
    ledger.add("status", every, cases.at, text.constant("new", count))
    ledger.add("status", every, answered, text.constant("open", count))
    ledger.add("status", every, solved, text.constant("solved", count))
    ledger.add("status", again, back, text.constant("open", len(again)))
    ledger.add("status", again, final[again], text.constant("solved", len(again)))
    ledger.add("priority", every, cases.at, text.names(PRIORITIES, priority))
    midway = answered[raised] + 0.5 * (solved - answered)[raised]
    ledger.add("priority", raised, midway, text.names(PRIORITIES, priority[raised] + 1))
    ledger.add("first_responded_at", every, answered, moments(answered))
    ledger.add("solved_at", every, solved, moments(solved))
    ledger.add("solved_at", again, final[again], moments(final[again]))
    ledger.add("satisfaction_score", rated, final[rated] + 0.3, text.numbers(score))
    return ledger.close()


def moments(at: Array) -> pa.Array:
    """Times in ISO 8601."""
    return pc.strftime(text.stamps(text.seconds(at)), "%Y-%m-%dT%H:%M:%S+00:00")
