"""Won deals, in brief: all that billing needs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from revlayer.simulator.changes import History
from revlayer.simulator.clock import Array, Index
from revlayer.simulator.events import Scene
from revlayer.simulator.parameters import WON


@dataclass(frozen=True)
class Wins:
    """One entry per won deal; `amount` is the contract's value in its own currency."""

    number: Index
    account: Index
    won_at: Array
    segment: Index
    product: Index
    users: Array
    discount: Array
    months: Array
    currency: Index
    deal_type: Index
    amount: Array

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: Index) -> Wins:
        return Wins(*(getattr(self, field.name)[rows] for field in fields(self)))


def wins_of(scene: Scene, history: History) -> Wins:
    """The deals of a chunk that were won within the history, with the amount that the CRM ends with."""
    at = scene.journey.first_entry(WON)
    rows = np.flatnonzero(at < scene.fates.cut)
    deals = scene.deals
    amount = history.state["amount"].take(pa.array(rows)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return Wins(
        deals.number[rows], deals.account[rows], at[rows], deals.segment[rows], deals.product[rows],
        deals.users[rows], deals.discount[rows], deals.months[rows], deals.currency[rows], deals.deal_type[rows],
        amount,
    )  # fmt: skip


def concatenate_wins(parts: Sequence[Wins]) -> Wins:
    return Wins(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Wins)))
