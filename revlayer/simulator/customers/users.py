"""Users of the accounts that buy: the first is the billing customer itself, the others belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, changes
from revlayer.simulator.billing.customers import Customers, customer_keys, region_codes
from revlayer.simulator.billing.tax import CODES
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.parameters import CustomerParameters
from revlayer.simulator.parameters import SOURCE_NAME
from revlayer.simulator.world import World

LEAD_SOURCES = ("sales", "invitation", "trial")


@dataclass(frozen=True)
class Users:
    """One entry per user, by account and number; `customer` is the position among the billing customers."""

    customer: Index
    account: Index
    number: Index
    created_at: Array
    is_linked: Mask
    knows_billing: Mask
    taste: Array
    measured_from: Array

    def __len__(self) -> int:
        return len(self.customer)


def draw_users(
    p: CustomerParameters, customers: Customers, world: World, clock: Clock, random: np.random.Generator
) -> Users:
    """The users of a chunk of billing customers. `measured_from` is when their use began to be counted, or inf."""
    segment = world.accounts.segment[customers.account]
    more = np.minimum(random.poisson(np.array(p.more_users)[segment]), 5)
    customer = np.repeat(np.arange(len(customers)), 1 + more)
    count = len(customer)
    number = np.arange(count) - np.repeat(np.cumsum(1 + more) - 1 - more, 1 + more)
    since = customers.since[customer]
    joined = since + random.random(count) * np.minimum(150.0, clock.end - since)
    is_first = number == 0
    covered = random.random(len(customers)) < p.usage_coverage
    late = random.random(len(customers)) < p.late_coverage_rate
    begun = customers.since + np.where(late, random.random(len(customers)) * (clock.end - customers.since), 0.0)
    return Users(
        customer, customers.account[customer], number, np.where(is_first, since, joined),
        is_first & (random.random(count) >= p.unlinked_rate), random.random(count) >= p.unknown_billing_rate,
        p.use_spread * random.standard_normal(count), np.where(covered, begun, np.inf)[customer],
    )  # fmt: skip


def user_keys(users: Users, rows: Index) -> pa.Array:
    """Keys like C000123-1."""
    account = text.identifiers("C", users.account[rows] + 1, 6)
    return text.join("-", account, text.identifiers("", users.number[rows] + 1, 1))


def user_tables(
    customers: Customers, users: Users, clock: Clock, numbers: Numbers, random: np.random.Generator
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """raw.customers, the changes of those who learnt later to whom they belong, and raw.entity_links."""
    count = len(users)
    rows = np.arange(count)
    keys = user_keys(users, rows)
    billing = customer_keys(users.account)
    learns = np.flatnonzero(users.knows_billing & (users.number > 0) & (random.random(count) < 0.2))
    learnt_at = users.created_at[learns] + random.uniform(1, 30, len(learns))
    ledger = Ledger(("billing_customer",), count, np.full(count, clock.end))
    ledger.add("billing_customer", learns, learnt_at, billing.take(pa.array(learns)))
    history = ledger.close()
    told = users.knows_billing.copy()
    told[learns[learnt_at >= clock.end]] = False
    nobody = pa.scalar(None, pa.string())
    source = np.where(users.number == 0, 0, random.integers(1, 3, count))
    table = pa.table(
        base(keys, users.created_at)
        | {
            "name": text.join(" ", pa.scalar("User"), keys),
            "email": text.join("", pc.utf8_lower(keys), pa.scalar("@example.com")),
            "account_source_id": text.identifiers("A", users.account + 1, 6),
            "billing_customer_source_id": pc.if_else(pa.array(told), billing, nobody),
            "country_code": text.names(CODES, customers.country[users.customer]),
            "region_code": region_codes(customers).take(pa.array(users.customer)),
            "lead_source": text.names(LEAD_SOURCES, source),
            "observed_at": text.stamps(text.seconds(users.created_at)),
        }
    )
    first = numbers.first("customer_change", len(history))
    changed = changes(history, "CC", first, {"customer_source_id": keys.take(pa.array(history.row))}, history.at)
    return table, changed, _links(users, keys, billing)


def _links(users: Users, keys: pa.Array, billing: pa.Array) -> pa.Table:
    """A customer and a billing customer that are one share the latter's id, from the beginning."""
    rows = pa.array(np.flatnonzero(users.is_linked))
    count = len(rows)
    return pa.table(
        {
            "entity": text.constant("customer", count),
            "source_name": text.constant(SOURCE_NAME, count),
            "source_id": keys.take(rows),
            "canonical_id": text.join("", pa.scalar(f"{SOURCE_NAME}:"), billing.take(rows)),
            "valid_from": text.constant("-infinity", count),
            "valid_to": text.constant("infinity", count),
        }
    )
