"""Plain stand-ins for a model that does not serve: the CRM's own figures, then the company's history.

Every one is a number for every deal, whatever is missing.
"""

import numpy as np

from revlayer_udf.forecast.inputs import ClosedDeals
from revlayer_udf.forecast.months import Floats
from revlayer_udf.forecast.pipeline import KNOT_DAYS

# Pseudo-deals beside the history: one won of four, closing after 90 days in the mean.
_PRIOR_WON, _PRIOR_CLOSED = 1.0, 4.0
_PRIOR_CYCLE_DAYS, _PRIOR_CYCLES = 90.0, 5.0
# Spread of the log of a value around what the CRM says of it.
VALUE_SIGMA = 0.5


def win_probability(stage_probability: Floats, known: ClosedDeals) -> Floats:
    """Return the CRM's stage probability, or the company's win rate where there is none, [N]."""
    rate = (float(known.is_won.sum()) + _PRIOR_WON) / (len(known) + _PRIOR_CLOSED)
    return np.where(np.isfinite(stage_probability), stage_probability, rate)


def value_mean(forecast_amount: Floats, known: ClosedDeals) -> Floats:
    """Return the deal's amount, else the mean won amount, else 0, [N]."""
    amounts = known.won().amount
    typical = float(amounts[amounts > 0].mean()) if (amounts > 0).any() else 0.0
    return np.where(np.isfinite(forecast_amount), forecast_amount, typical)


def close_cdf(count: int, known: ClosedDeals) -> Floats:
    """Return the distribution of past cycles of won deals for every deal, [N, 10].

    Drawn to an exponential with a mean of 90 days that counts for five deals.
    """
    won = known.won()
    cycles = (won.closed_on - won.created_on).astype("timedelta64[D]")
    days = cycles[~np.isnat(cycles)].astype(np.float64)
    knots = np.array(KNOT_DAYS, dtype=np.float64)
    seen = (days[:, None] <= knots).sum(axis=0)
    prior = 1.0 - np.exp(-knots / _PRIOR_CYCLE_DAYS)
    shares = (seen + _PRIOR_CYCLES * prior) / (len(days) + _PRIOR_CYCLES)
    return np.tile(shares, (count, 1))
