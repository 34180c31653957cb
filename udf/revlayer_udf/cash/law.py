"""The law of the day an invoice is paid: logistic around a location, in days past due.

An invoice unpaid at day a is still unpaid at day t > a with probability S(t) / S(a), where
S(t) = 1 / (1 + exp((t - location) / scale)), a log-logistic law's form on a scale of days (Kalbfleisch and Prentice,
"The Statistical Analysis of Failure Time Data", chapter 2). Far in the tail the chance of being paid tomorrow is
1 / scale, however long ago the invoice was due. Days are counted whole: unpaid through day a is unpaid until a + 1/2.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF = 0.5


def log_survival(day: Floats, location: Floats, scale: Floats) -> Floats:
    """Return the log of the probability of being unpaid after a day; arrays broadcast.

    Args:
        day: days past due, negative before the due date.
        location, scale: days, scale above 0.
    """
    return np.asarray(-np.logaddexp(0.0, (day + HALF - location) / scale))


def unpaid(day: Floats, since: Floats, location: Floats, scale: Floats) -> Floats:
    """Return the probability of being unpaid after ``day`` of invoices unpaid after the day ``since``.

    Args:
        day, since: days past due; a day before ``since`` counts as ``since``.
    """
    until = np.maximum(day, since)
    return np.asarray(np.exp(log_survival(until, location, scale) - log_survival(since, location, scale)))


def day_unpaid(share: Floats, since: Floats, location: Floats, scale: Floats) -> Floats:
    """Return the day past due until which an invoice unpaid after ``since`` stays so with probability ``share``.

    Args:
        share: above 0, at most 1.
    """
    log_share = np.log(share) + log_survival(since, location, scale)
    # log(1 / S - 1) of a survival near 0 is -log S.
    odds = np.where(log_share < -30, -log_share, np.log(np.expm1(np.minimum(-log_share, 30.0))))
    return np.asarray(np.maximum(location + scale * odds - HALF, since))
