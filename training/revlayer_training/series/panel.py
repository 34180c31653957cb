"""Monthly series side by side, and the hierarchy they make: segments and their total."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.errors import RevlayerError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEASON = 12  # months
# Where the total stands among the rows of every array that has it; the segments follow.
TOTAL = 0


@dataclass(frozen=True)
class Panel:
    """Series of one measure, which add up to its total.

    Attributes:
        names: of the segments.
        first_month: of the first column, in months since January 1970.
        values: [segments, months]; NaN before a segment begins, and nowhere else.
    """

    names: tuple[str, ...]
    first_month: int
    values: Floats

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] != len(self.names) or not self.names:
            raise RevlayerError("a panel has one row of values per name, and at least one")
        if len(set(self.names)) != len(self.names):
            raise RevlayerError("a series stands in a panel once")
        known = ~np.isnan(self.values)
        holes = (np.diff(known.astype(np.int8), axis=1) < 0).any(axis=1)
        for name, bad in zip(self.names, holes | ~known[:, -1] | np.isinf(self.values).any(axis=1), strict=True):
            if bad:
                raise RevlayerError(
                    f"the series {name} has months without a number between its first and the panel's last",
                    "A month in which nothing came is 0; leave out only months before the series begins.",
                )

    @classmethod
    def of(cls, names: Sequence[str], first_month: int, values: Floats) -> "Panel":
        """Make a panel without the months that no series has."""
        begun = np.flatnonzero(~np.isnan(values).all(axis=0))
        first = int(begun[0]) if len(begun) else 0
        return cls(tuple(names), first_month + first, np.asarray(values, np.float64)[:, first:])

    @property
    def months(self) -> int:
        """Months known."""
        return self.values.shape[1]

    def with_total(self) -> Floats:
        """Return [1 + segments, months]: the total, then the segments; a segment not begun adds nothing."""
        return np.vstack([np.nansum(self.values, axis=0, keepdims=True), self.values])


def beginnings(values: Floats) -> Ints:
    """Return the column in which each row begins; the number of columns where it has not."""
    known = ~np.isnan(values)
    return np.where(known.any(axis=1), known.argmax(axis=1), values.shape[1])


def error_scales(values: Floats) -> Floats:
    """Return what errors of each series are measured in: [series], NaN where nothing is known.

    The mean absolute seasonal difference of the last three years (the scale of MASE: Hyndman and Koehler, 2006);
    of a series without a second year, the mean absolute difference from month to month. A series that never moves
    is measured in hundredths of its level.
    """
    known = values[:, -3 * SEASON :]
    seasonal = np.abs(values[:, SEASON:] - values[:, :-SEASON])[:, -3 * SEASON :]
    monthly = np.abs(np.diff(known, axis=1))
    seasonal_mean, monthly_mean, level = _mean(seasonal), _mean(monthly), _mean(np.abs(known))
    scale = np.where(np.isnan(seasonal_mean), monthly_mean, seasonal_mean)
    least = np.where(level > 0, level / 100, 1.0)
    return np.where(np.isnan(level), np.nan, np.maximum(np.nan_to_num(scale), least))


def _mean(values: Floats) -> Floats:
    count = (~np.isnan(values)).sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)
