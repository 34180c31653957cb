"""What is served at each origin: the chosen methods, reconciled, with intervals from errors known there."""

from dataclasses import dataclass

import numpy as np

from revlayer_training.series.intervals import half_widths
from revlayer_training.series.panel import TOTAL, Floats, Ints
from revlayer_training.series.reconciliation import reconcile
from revlayer_training.series.rolling import Rolled
from revlayer_training.series.selection import WINDOW, choose

SERVED = "served"


@dataclass(frozen=True)
class Served:
    """Forecasts as served at every origin of a ``Rolled``, the total first.

    Attributes:
        methods: [origins, series]: places in METHODS, -1 where there is no forecast.
        mean, half: [origins, series, horizon]: forecast, and half the width of its 80 % interval; NaN where none.
    """

    methods: Ints
    mean: Floats
    half: Floats


def serve(rolled: Rolled) -> Served:
    """Choose, reconcile and give intervals, origin by origin, each with what was known before it."""
    chosen = choose(rolled)
    at = np.maximum(chosen, 0)[None, :, :, None]
    plain = np.take_along_axis(rolled.forecasts, at, axis=0)[0]
    plain[chosen < 0] = np.nan
    squared = _squared_errors(plain, rolled)
    mean = np.stack([reconcile(plain[place], squared[place]) for place in range(len(plain))])
    return Served(chosen, mean, half_widths(mean, rolled))


def _squared_errors(plain: Floats, rolled: Rolled) -> Floats:
    """Return [origins, 2 + series, horizon]: mean squares known at each origin, those of the segments' sum last.

    All horizons share one, so that few errors suffice: only how they compare between series counts.
    """
    summed = np.nansum(plain[:, 1:], axis=1, keepdims=True) - rolled.actuals[:, TOTAL : TOTAL + 1]
    errors = np.concatenate([plain - rolled.actuals, summed], axis=1) ** 2
    made = np.full(errors.shape, np.nan)
    for place in range(len(errors)):
        held = np.where(rolled.known(place, WINDOW)[:, None, :], errors, np.nan)
        count = (~np.isnan(held)).sum(axis=(0, 2))
        mean = np.where(count > 0, np.nansum(held, axis=(0, 2)) / np.maximum(count, 1), np.nan)
        made[place] = mean[:, None]
    return made
