"""Cash by period from the laws of open invoices: the mean exactly, the quantiles by simulation.

Invoices are independent but for one shift, normal around 0, that brings all payments earlier or later together.
Arrays in, arrays out; no database, no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from revlayer_udf.cash.law import day_unpaid, unpaid

Floats = NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)
# Nodes of the integral over the shift: exact to 1e-6 of the amounts for shifts of a few days.
_NODES = 9
_CHUNK_CELLS = 2_000_000
# So many drawn payments at most: fewer draws for more invoices, whose sum varies less.
_MOST_CELLS, _FEWEST_DRAWS = 400_000_000, 400


@dataclass(frozen=True)
class OpenInvoices:
    """Invoices unpaid at the end of a day, all [N].

    Attributes:
        past_due: days from the due date to the day; negative before it.
        amount: what is owed.
        location, scale: of the law of payment, days past due.
    """

    past_due: Floats
    amount: Floats
    location: Floats
    scale: Floats


def amounts_due(past_due: Floats, amount: Floats, ends: Sequence[int]) -> Floats:
    """Return what falls due in each period, [J + 1]: everything paid on its due date, what is past due at once.

    Args:
        ends: last days of the periods, in days after the day; what comes later is the last number.
    """
    ahead = np.maximum(-past_due, 1.0)
    return np.bincount(np.searchsorted(ends, ahead), amount, minlength=len(ends) + 1).astype(np.float64)


def mean_by_period(invoices: OpenInvoices, ends: Sequence[int], shift: float) -> Floats:
    """Return expected cash in each period, [J + 1]; together it is all that is owed.

    Args:
        shift: standard deviation of the common shift, in days.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    still = np.zeros(len(ends))
    for node, weight in zip(shift * nodes, weights / weights.sum(), strict=True):
        location = invoices.location + node
        for place, end in enumerate(ends):
            open_then = unpaid(invoices.past_due + end, invoices.past_due, location, invoices.scale)
            still[place] += weight * float(open_then @ invoices.amount)
    total = float(invoices.amount.sum())
    return -np.diff(np.concatenate([[total], still, [0.0]]))


def sample_size(count: int, draws: int) -> int:
    """Return how many draws are taken for so many invoices: with very many fewer."""
    return int(np.clip(_MOST_CELLS // max(count, 1), min(_FEWEST_DRAWS, draws), draws))


def draw_by_period(
    invoices: OpenInvoices, ends: Sequence[Sequence[int]], shift: float, draws: int, seed: int
) -> list[Floats]:
    """Return drawn cash of each period, [J + 1, draws], for several series of periods, all of the same payments.

    Args:
        ends: by series, the last days of its periods, in days after the day.
        draws: size of the sample.
        seed: same invoices in the same order and seed, same draws.
    """
    rng = default_rng(seed)
    shifts = shift * rng.standard_normal(draws)
    sums = [np.zeros((len(series) + 1) * draws) for series in ends]
    rows = max(_CHUNK_CELLS // draws, 1)
    for first in range(0, len(invoices.amount), rows):
        part = slice(first, first + rows)
        since = invoices.past_due[part, None]
        share = 1.0 - rng.random((len(since), draws))  # above 0
        paid = day_unpaid(share, since, invoices.location[part, None] + shifts, invoices.scale[part, None])
        ahead = np.maximum(np.ceil(paid - since), 1.0)
        weights = np.broadcast_to(invoices.amount[part, None], ahead.shape).ravel()
        for total, series in zip(sums, ends, strict=True):
            cell = np.searchsorted(series, ahead) * draws + np.arange(draws)
            total += np.bincount(cell.ravel(), weights, minlength=len(total))
    return [total.reshape(-1, draws) for total in sums]


def quantiles_by_period(
    invoices: OpenInvoices, ends: Sequence[Sequence[int]], shift: float, draws: int, seed: int
) -> list[Floats]:
    """Return p10, p50 and p90 of these, [3, J + 1]."""
    return [np.quantile(drawn, QUANTILES, axis=1) for drawn in draw_by_period(invoices, ends, shift, draws, seed)]
