"""Counters of source ids over all chunks."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from revlayer.simulator.clock import Index


class Numbers:
    """Hands out the next numbers of each kind of row, from 1."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = defaultdict(int)

    def first(self, kind: str, count: int) -> int:
        """The first of the next `count` numbers, which are taken."""
        first = self._taken[kind] + 1
        self._taken[kind] += count
        return first

    def take(self, kind: str, count: int) -> Index:
        """The next `count` numbers."""
        return self.first(kind, count) + np.arange(count, dtype=np.int64)
