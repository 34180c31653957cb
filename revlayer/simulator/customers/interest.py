"""Interest in a subscription: the latent state through which use and tickets foretell an end, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.contract_tables import subscription_keys
from revlayer.simulator.billing.contracts import Subscriptions
from revlayer.simulator.billing.parameters import NEVER
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.customers.parameters import CustomerParameters
from revlayer.simulator.parameters import SOURCE_NAME


@dataclass(frozen=True)
class Interest:
    """One entry per won deal, like Subscriptions; days as floats. Depths are 0 where nothing fades."""

    fades_from: Array
    faded_at: Array
    depth: Array
    dip_from: Array
    dip_to: Array
    dip_depth: Array

    def lost(self, subscription: Index, at: Array) -> Array:
        """Share of the interest that is gone at each time, 0 to 1."""
        start, full = self.fades_from[subscription], self.faded_at[subscription]
        faded = np.clip((at - start) / np.maximum(full - start, 1.0), 0.0, 1.0) * self.depth[subscription]
        begin, end = self.dip_from[subscription], self.dip_to[subscription]
        place = np.clip((at - begin) / np.maximum(end - begin, 1.0), 0.0, 1.0)
        dipped = self.dip_depth[subscription] * (1 - np.abs(2 * place - 1))
        return np.asarray(np.maximum(faded, dipped))


def draw_interest(p: CustomerParameters, s: Subscriptions, random: np.random.Generator) -> Interest:
    """Fading ends on the day on which the end is asked for; a withdrawn notice is the end of a dip."""
    count = len(s.opener)
    asked = s.requested.astype(np.float64)
    length = 10 + random.gamma(p.fading_shape, p.fading_days / p.fading_shape, count)
    is_sudden = random.random(count) < p.sudden_rate
    depth = np.where(is_sudden, 0.0, random.uniform(*p.fading_depth, count))
    days = random.uniform(*p.dip_days, count)
    life = np.maximum(np.minimum(asked, s.billed_from + 1500.0) - s.billed_from, 0.0)
    at = s.billed_from + random.random(count) * life
    withdraws = s.withdrawn_from < NEVER
    dips = withdraws | (random.random(count) < p.dip_rate)
    return Interest(
        np.maximum(asked - length, s.start), asked, depth,
        np.where(withdraws, s.withdrawn_from - 30.0, at), np.where(withdraws, s.withdrawn_to + 15.0, at + days),
        np.where(dips, random.uniform(0.4, 0.9, count), 0.0),
    )  # fmt: skip


def interest_table(wins: Wins, s: Subscriptions, interest: Interest, clock: Clock) -> pa.Table:
    """Rows of truth.subscription_disengagements: subscriptions whose interest has begun to fade."""
    rows = np.flatnonzero(s.is_opened & (interest.depth > 0) & (interest.fades_from < clock.end))
    keys = text.join("", pa.scalar(f"{SOURCE_NAME}:"), subscription_keys(wins, rows))
    return pa.table(
        {
            "subscription_id": keys,
            "from_on": text.dates(np.floor(interest.fades_from[rows]).astype(np.int64)),
            "full_on": text.dates(np.floor(interest.faded_at[rows]).astype(np.int64)),
            "depth": pa.array(interest.depth[rows]),
        }
    )
