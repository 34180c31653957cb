"""Forecasts at past origins by every method, refitted at each, beside what came."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from revlayer_training.series.methods import forecast_all
from revlayer_training.series.panel import Floats, Ints, Panel, error_scales

Mapped = Callable[[Callable[[int], Any], Sequence[int]], Iterable[Any]]


@dataclass(frozen=True)
class Rolled:
    """Every forecast of a panel, its total in front.

    Attributes:
        origins: [origins], ascending: months known at each.
        forecasts: [methods, origins, series, horizon]; NaN where a method has none.
        actuals: [origins, series, horizon]; NaN where nobody knows yet.
        scales: [origins, series]: what errors are measured in, as known at the origin.
    """

    panel: Panel
    origins: Ints
    forecasts: Floats
    actuals: Floats
    scales: Floats

    @property
    def horizon(self) -> int:
        """Months ahead."""
        return self.actuals.shape[2]

    def known(self, origin: int, window: int) -> np.ndarray:
        """Tell of which forecasts the month was over at an origin, by place, and among its last ``window`` months.

        Returns:
            [origins, horizon].
        """
        now, ahead = self.origins[origin], np.arange(1, self.horizon + 1)
        over = self.origins[:, None] + ahead
        return np.asarray((over <= now) & (over > now - window))


def roll(panel: Panel, origins: Sequence[int], horizon: int, mapped: Mapped = map) -> Rolled:
    """Forecast at every origin with the months known there and nothing else.

    Args:
        origins: months known; the last may be all of the panel's, of which nothing has come yet.
        horizon: 1 to 12 months ahead.
        mapped: ``map``, or the method of that name of a pool of processes.
    """
    found = list(mapped(partial(_at, panel, horizon), list(origins)))
    values = panel.with_total()
    padded = np.hstack([values, np.full((len(values), horizon), np.nan)])
    actuals = np.stack([padded[:, origin : origin + horizon] for origin in origins])
    forecasts, scales = (np.stack(parts) for parts in zip(*found, strict=True))
    return Rolled(panel, np.array(origins), np.moveaxis(forecasts, 1, 0), actuals, scales)


def _at(panel: Panel, horizon: int, origin: int) -> tuple[Floats, Floats]:
    known = panel.with_total()[:, :origin]
    # Matrices of a few dozen months: threads would wait for each other most of the time, and others for them.
    with threadpool_limits(1, user_api="blas"):
        return forecast_all(known, panel.first_month, horizon), error_scales(known)
