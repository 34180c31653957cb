"""Purchase histories as the models read them: repeat purchases, recency and age."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAYS_PER_WEEK = 7.0


@dataclass(frozen=True)
class Histories:
    """Sufficient statistics of N customers, time in weeks.

    Attributes:
        repeats: purchases after the first, x; several on one day are one.
        recency: weeks from the first purchase to the last, t_x; 0 without a repeat.
        age: weeks from the first purchase to the as-of date, T.
        customers: how many customers have this history; 1 each unless ``distinct`` made it.
    """

    repeats: Floats
    recency: Floats
    age: Floats
    customers: Floats

    @classmethod
    def of_days(cls, order_days: Floats, first_to_last: Floats, since_first: Floats) -> "Histories":
        """Make histories from order days and days; all [N], of customers who bought at least once.

        Raises:
            ValueError: a history is impossible or not known.
        """
        repeats = np.asarray(order_days, np.float64) - 1
        recency, age = (np.asarray(days, np.float64) / DAYS_PER_WEEK for days in (first_to_last, since_first))
        if not np.all((repeats >= 0) & (recency >= 0) & (recency <= age) & np.isfinite(repeats + age)):
            raise ValueError("a purchase history needs an order, and 0 <= days to the last order <= days until now")
        return cls(repeats, recency, age, np.ones(len(repeats)))

    def __len__(self) -> int:
        return len(self.repeats)

    def distinct(self) -> tuple["Histories", NDArray[np.int64]]:
        """Return the different histories with their numbers of customers, and of each row which one it has."""
        table = np.column_stack([self.repeats, self.recency, self.age])
        found, index = np.unique(table, axis=0, return_inverse=True)
        index = index.reshape(-1)
        customers = np.bincount(index, weights=self.customers, minlength=len(found)).astype(np.float64)
        return Histories(found[:, 0], found[:, 1], found[:, 2], customers), index
