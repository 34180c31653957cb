"""The shop's clock: purchases come at even rates on it, and so more often in winter and at weekends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock
from revlayer.simulator.customers.parameters import CustomerParameters


@dataclass(frozen=True)
class Season:
    """Calendar days (midnights) against time on the shop's clock, which runs as fast on average."""

    nodes: Array
    passed: Array

    @property
    def length(self) -> float:
        """The whole history on the shop's clock."""
        return float(self.passed[-1])

    def days(self, passed: Array) -> Array:
        return np.interp(passed, self.passed, self.nodes)

    def on_clock(self, days: Array) -> Array:
        return np.interp(days, self.nodes, self.passed)


def build_season(p: CustomerParameters, clock: Clock) -> Season:
    days = np.arange(int(clock.start), int(clock.end), dtype=np.int64)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    weight = np.array(p.season)[month] * np.where((days + 3) % 7 >= 5, p.season_weekend, 1.0)
    weight *= len(days) / weight.sum()
    return Season(np.append(days, days[-1] + 1).astype(np.float64), np.append(0.0, np.cumsum(weight)))
