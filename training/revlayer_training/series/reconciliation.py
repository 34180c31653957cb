"""Segments and their total made to agree, exactly; and again after rounding to cents."""

import math

import numpy as np

from revlayer_training.series.panel import TOTAL, Floats, Ints


def reconcile(forecast: Floats, squared_errors: Floats) -> Floats:
    """Make forecasts of the segments add up to that of the total.

    The total becomes the mean of its own forecast and the segments' sum, each weighted by the inverse of its known
    squared error; what the segments then lack is spread over them by theirs. With errors of the sum that are those
    of independent segments this is trace minimisation with a diagonal of variances (Wickramasuriya et al., 2019);
    segments err together, so the sum's are taken as they were.

    Args:
        forecast: [1 + segments, horizon], the total first; NaN for a segment without a forecast, which adds nothing.
        squared_errors: [2 + segments, horizon]: of the total, the segments, and the segments' sum; NaN where unknown.

    Returns:
        [1 + segments, horizon]; each total is the exact sum of its segments, rounded once (``math.fsum``). Nothing
        that was foretold as 0 or more becomes negative.
    """
    own, parts = forecast[TOTAL], forecast[1:]
    summed = np.nansum(parts, axis=0)
    of_total, of_parts, of_sum = squared_errors[TOTAL], squared_errors[1:-1], squared_errors[-1]
    both = of_total + of_sum
    share = np.where(both > 0, of_sum / np.where(both > 0, both, 1.0), 0.5)
    lacking = np.where(np.isnan(own), 0.0, share * (own - summed))
    weights = np.where(np.isnan(parts), 0.0, np.where(np.isnan(of_parts).any(axis=0), np.abs(parts), of_parts))
    together = weights.sum(axis=0)
    spread = np.where(together > 0, weights / np.where(together > 0, together, 1.0), 0.0)
    made = parts + spread * lacking
    made = np.where(parts >= 0, np.maximum(made, 0.0), made)
    return np.vstack([exact_sums(made), made])


def exact_sums(parts: Floats) -> Floats:
    """Return [1, columns]: the sum of each column, rounded once; NaN where the column has no number."""
    columns = ([x for x in column if not math.isnan(x)] for column in parts.T)
    return np.array([[math.fsum(column) if column else math.nan for column in columns]])


def in_cents(made: Floats) -> Ints:
    """Round reconciled forecasts so that they still add up: the total to its nearest cent, the segments to it.

    Every segment is rounded down and the cents that are left go to the largest remainders.

    Args:
        made: [1 + segments, horizon], from ``reconcile``; without NaN.

    Returns:
        The same in whole cents.
    """
    exact = made[1:] * 100
    floors = np.floor(exact)
    total = np.rint(made[TOTAL] * 100)
    left = (total - floors.sum(axis=0)).astype(np.int64)
    remainders = exact - floors
    order = np.argsort(-remainders, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(exact))[:, None] * np.ones_like(order), axis=0)
    cents = floors + (rank < left)
    return np.vstack([cents.sum(axis=0), cents]).astype(np.int64)
