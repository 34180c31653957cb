"""From deals to cash by month: bookings are billed, what is billed is earned over its period and paid after its delay.

Arrays in, arrays out; no database, no clock. Months count from the one in which the day after the as-of date lies.
Everything is linear in bookings, in the base of running contracts and in what is open, so means are exact; quantiles
are those of drawn paths, each with one course of bookings and of retention through all stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from revlayer_udf.cash.law import unpaid

Floats = NDArray[np.float64]

STAGES = ("bookings", "billings", "revenue", "cash")
ISSUED, RUNNING, NEW = "issued", "running", "new"
ALL = "(all)"
TERM_MONTHS = 12
_DAYS = 365.25 / 12


@dataclass(frozen=True)
class Bookings:
    """Won revenue still to come, by month [M].

    Attributes:
        mean: its mean.
        probabilities: [P], rising.
        quantiles: [M, P], its quantiles at them.
        correlation: between its months, of the normal numbers behind them.
    """

    mean: Floats
    probabilities: Floats
    quantiles: Floats
    correlation: float

    def draw(self, draws: int, rng: Generator) -> Floats:
        """Return paths [draws, M]: every month has these quantiles, and a normal copula joins the months."""
        common, own = rng.standard_normal((draws, 1)), rng.standard_normal((draws, len(self.mean)))
        z = np.sqrt(self.correlation) * common + np.sqrt(1 - self.correlation) * own
        # By ranks instead of the normal distribution: in every month the sample spreads evenly over it.
        level = (np.argsort(np.argsort(z, axis=0), axis=0) + 0.5) / draws
        return np.column_stack(
            [np.interp(level[:, month], self.probabilities, held) for month, held in enumerate(self.quantiles)]
        )


@dataclass(frozen=True)
class Contracts:
    """What is billed again.

    Attributes:
        renewals: by months that an invoice covers, the amount of the next invoices by month [M].
        retention: shares of recurring revenue kept in past months; none means that all is kept.
        won: by months that an invoice covers, its share of what won deals brought; none: all is billed up front.
    """

    renewals: Mapping[int, Floats]
    retention: Floats
    won: Mapping[int, float]

    def draw_kept(self, months: int, draws: int, rng: Generator) -> Floats:
        """Return the share of the base still there [draws, months], months' retention drawn from the past ones."""
        if not len(self.retention):
            return np.ones((draws, months))
        return np.cumprod(rng.choice(self.retention, (draws, months)), axis=1)

    def mean_kept(self, months: int) -> Floats:
        """Return the mean of that [months]."""
        kept = float(self.retention.mean()) if len(self.retention) else 1.0
        return np.asarray(kept ** np.arange(1, months + 1), np.float64)


def earned(period: int) -> Floats:
    """Return which shares of an invoice are earned from its month on: from the middle of the first one."""
    shares = np.ones(period + 1)
    shares[[0, -1]] = 0.5
    return np.asarray(shares / period)


def collected(terms: float, location: float, scale: float, months: int) -> Floats:
    """Return which shares of an invoice are paid from its month on [months], issued on any day of it alike.

    Args:
        terms: days from issue to due date.
        location, scale: of the law of payment, in days past due; a scale of 0 pays on the due date.
    """
    ahead = (np.arange(1, months + 1) - np.linspace(0.02, 0.98, 25)[:, None]) * _DAYS
    if scale <= 0:
        paid = (ahead >= terms).astype(np.float64)
    else:
        since = np.full_like(ahead, -terms)
        paid = 1 - unpaid(ahead - terms, since, np.full_like(ahead, location), np.full_like(ahead, scale))
    within = paid.mean(axis=0)
    return np.diff(within, prepend=0.0)


def follow(paths: Floats, shares: Floats) -> Floats:
    """Return what comes of amounts by month [..., M] when shares of each come in the months from its own on."""
    out = np.zeros_like(paths)
    for lag, share in enumerate(shares[: paths.shape[-1]]):
        out[..., lag:] += share * paths[..., : paths.shape[-1] - lag]
    return out


def billed_again(first: Floats, period: int) -> Floats:
    """Return invoices by month [..., M] where each amount is billed again every ``period`` months."""
    every = np.zeros(first.shape[-1])
    every[::period] = 1.0
    return follow(first, every)


@dataclass(frozen=True)
class Flow:
    """A stage of a part, by month: its mean [M] and paths [draws, M]."""

    mean: Floats
    paths: Floats

    def __add__(self, other: "Flow") -> "Flow":
        return Flow(self.mean + other.mean, self.paths + other.paths)

    def then(self, shares: Floats) -> "Flow":
        """Follow all of it."""
        return Flow(follow(self.mean, shares), follow(self.paths, shares))

    def times(self, factor: float) -> "Flow":
        """Scale all of it."""
        return Flow(self.mean * factor, self.paths * factor)

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """Return quantiles [levels, M] of the paths."""
        return np.asarray(np.quantile(self.paths, levels, axis=0))


def chain(
    bookings: Flow, contracts: Contracts, kept: Flow, scheduled: Floats, issued_cash: Flow, collection: Floats
) -> dict[tuple[str, str], Flow]:
    """Return every stage by part, and in total under ``(all)``.

    Args:
        bookings: won revenue to come.
        kept: share of the running contracts still there.
        scheduled: what will be recognised of what was billed already [M].
        issued_cash: cash of open invoices.
        collection: which shares of an invoice are paid from its month on.
    """
    nothing = bookings.times(0.0)
    new = [(period, bookings.times(share)) for period, share in (contracts.won or {TERM_MONTHS: 1.0}).items()]
    parts: dict[tuple[str, str], Flow] = {("bookings", NEW): bookings}
    invoices = {NEW: [_of_deal(flow, period) for period, flow in new], RUNNING: []}
    for period, first in contracts.renewals.items():
        amounts = billed_again(first, period)
        invoices[RUNNING].append((period, Flow(amounts * kept.mean, amounts * kept.paths)))
    for part, held in invoices.items():
        billed = sum((flow for _, flow in held), nothing)
        parts["billings", part] = billed
        parts["revenue", part] = sum((flow.then(earned(period)) for period, flow in held), nothing)
        parts["cash", part] = billed.then(collection)
    parts["revenue", ISSUED] = Flow(scheduled, np.broadcast_to(scheduled, bookings.paths.shape))
    parts["cash", ISSUED] = issued_cash
    for stage in STAGES:
        parts[stage, ALL] = sum((flow for (name, _), flow in list(parts.items()) if name == stage), nothing)
    return parts


def _of_deal(value: Flow, period: int) -> tuple[int, Flow]:
    """Invoices of a deal's value, in equal parts every ``period`` months of its term, the first in its own month."""
    covered = min(period, TERM_MONTHS)
    count = -(-TERM_MONTHS // covered)
    shares = np.zeros((count - 1) * covered + 1)
    shares[::covered] = 1 / count
    return covered, value.then(shares)
