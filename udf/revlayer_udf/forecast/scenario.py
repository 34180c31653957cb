"""What SQL needs to make a forecast of a scenario: open deals by win probability and time to the win, and all months.

Open deals are taken together by segment and hundredth of their win probability, so that a scenario can raise win
probabilities without one above 1. With p a deal's win probability, V its lognormal value and f the probability that a
win falls into an interval of days, each row adds up p x f, p x f x E[V] and p x f x E[V^2] over deals. Sums over
intervals hold the whole of p, also what no month of the forecast has.
"""

import numpy as np
import pyarrow as pa

from revlayer_udf.forecast.distribution import PROBABILITIES
from revlayer_udf.forecast.engine import Forecast
from revlayer_udf.forecast.months import Floats
from revlayer_udf.targets import CLOSE_DAYS

BASIS, HORIZON = "revenue_scenario_basis", "revenue_forecast_horizon"
TABLES = (BASIS, HORIZON)
# Classes of win probability.
_CLASSES = 100
# Deals whose intervals are held at once.
_ROWS = 100_000


def basis_table(made: Forecast) -> pa.Table:
    """Return the rows of scoring.revenue_scenario_basis; where nothing can be won there is none."""
    deals, names = made.deals, made.parts.segments
    sums = np.zeros((3, len(names) * _CLASSES, len(CLOSE_DAYS) + 1))
    classes = np.minimum((deals.win_probability * _CLASSES).astype(np.int64), _CLASSES - 1)
    codes = made.parts.codes(deals) * _CLASSES + classes
    for start in range(0, len(deals), _ROWS):
        rows = slice(start, start + _ROWS)
        within = np.pad(deals.close_cdf[rows], ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
        wins = deals.win_probability[rows, None] * np.diff(within, axis=1).clip(min=0.0)
        value, growth = deals.value_mean[rows], np.exp(deals.value_sigma[rows] ** 2)
        for order, power in enumerate((np.ones_like(value), value, value**2 * growth)):
            for interval in range(wins.shape[1]):
                weights = wins[:, interval] * power
                sums[order, :, interval] += np.bincount(codes[rows], weights, minlength=sums.shape[1])
    count = np.bincount(codes, minlength=sums.shape[1])
    total = np.bincount(codes, deals.win_probability, minlength=sums.shape[1])
    return _rows(made, sums, np.divide(total, count, out=np.zeros(len(count)), where=count > 0))


def _rows(made: Forecast, sums: Floats, probability: Floats) -> pa.Table:
    cell, interval = np.nonzero(sums[0] > 0)
    edges = np.array((0, *CLOSE_DAYS), dtype=np.int32)
    last = interval == len(CLOSE_DAYS)
    segments = pa.array(made.parts.segments, pa.string())
    return pa.table(
        {
            "as_of_date": pa.array([made.as_of] * len(cell), pa.date32()),
            "segment_id": segments.take(pa.array(cell // _CLASSES)),
            "win_class": pa.array((cell % _CLASSES).astype(np.int32)),
            "from_days": pa.array(edges[interval]),
            "to_days": pa.array(edges[np.minimum(interval + 1, len(CLOSE_DAYS))], mask=last),
            "win_probability": pa.array(probability[cell]),
            "win_count": pa.array(sums[0, cell, interval]),
            "mean_amount": pa.array(sums[1, cell, interval]),
            "second_moment": pa.array(sums[2, cell, interval]),
        }
    )


def horizon_table(made: Forecast) -> pa.Table:
    """Return the rows of scoring.revenue_forecast_horizon: quantiles of the sum of all months."""
    count = len(PROBABILITIES)
    return pa.table(
        {
            "as_of_date": pa.array([made.as_of] * (len(made.segments) * count), pa.date32()),
            "segment_id": pa.array(np.repeat(np.array(made.segments, dtype=object), count), pa.string()),
            "mean_amount": pa.array(np.repeat(made.mean.sum(axis=1), count)),
            "probability": pa.array(np.tile(PROBABILITIES, len(made.segments))),
            "amount": pa.array(made.distribution.horizon.reshape(-1)),
        }
    )
