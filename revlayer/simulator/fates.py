"""What ends a deal's record early, or blurs it: deletion, restoring, merging, late recording.

All of it is independent of the journey, so truth stays exact for the deals that remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask, stream
from revlayer.simulator.deals import Deals
from revlayer.simulator.journey import Journey
from revlayer.simulator.parameters import LOST, WON, Parameters


@dataclass(frozen=True)
class Fates:
    """Times are float days, inf for never; `cut` ends the record (at the latest the end of time)."""

    deleted_at: Array
    restored_at: Array
    merged_at: Array
    cut: Array
    closed_first_at: Array
    recorded_lag: Array

    def gone(self, moment: float) -> Mask:
        """Deleted or merged away at that moment."""
        deleted = (self.deleted_at <= moment) & (moment < self.restored_at)
        return deleted | (self.merged_at <= moment)

    @property
    def deleted_for_good(self) -> Mask:
        return np.isfinite(self.deleted_at) & ~np.isfinite(self.restored_at)


def build_fates(parameters: Parameters, deals: Deals, journey: Journey, clock: Clock, seed: int, chunk: int) -> Fates:
    """Draw the fates of a chunk of deals."""
    random = stream(seed, "fates", chunk)
    p, count = parameters, len(deals)
    closed = np.minimum(journey.first_entry(WON), journey.first_entry(LOST))
    limit = np.minimum(closed, clock.end)

    def event(probability: float, delay: float) -> Array:
        at = deals.created_at + 0.5 + random.exponential(delay, count)
        return np.where((random.random(count) < probability) & (at < limit), at, np.inf)

    deleted = event(p.delete_probability, p.delete_delay_days)
    merged = event(p.merge_probability, p.merge_delay_days)
    # A deal is merged into the one before it; the first of a chunk has none, and only one thing happens.
    merged[0] = np.inf
    merged[np.isfinite(deleted)] = np.inf
    merged[1:][np.isfinite(merged[:-1]) | np.isfinite(deleted[:-1])] = np.inf
    back = deleted + random.uniform(1.0, 14.0, count)
    restores = np.isfinite(deleted) & (random.random(count) < p.restore_rate) & (back < clock.end)
    restored = np.where(restores, back, np.inf)
    cut = np.minimum(np.where(restores, np.inf, np.nextafter(deleted, np.inf)), merged)
    late = (random.random(count) < p.late_rate / 4) & ~np.isfinite(deleted) & ~np.isfinite(merged)
    lag = np.where(late, random.uniform(*p.late_days, count), 0.0)
    lag = np.where(deals.created_at + lag < clock.end, lag, 0.0)
    return Fates(deleted, restored, merged, np.minimum(cut, clock.end), closed, lag)


def change_lags(parameters: Parameters, count: int, seed: int, chunk: int) -> Array:
    """Days that each of `count` moments is recorded late; mostly 0."""
    random = stream(seed, "lateness", chunk)
    late = random.random(count) < parameters.late_rate
    return np.where(late, random.uniform(*parameters.late_days, count), 0.0)


def wrong_spelling(parameters: Parameters, count: int, random: np.random.Generator) -> Index:
    """1 where a word is spelt wrongly."""
    return (random.random(count) < parameters.spelling_rate).astype(np.int64)
