"""Won deals into subscriptions and their items: which deal opens one, which adds to one, and how each ends."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from revlayer.simulator.billing.days import add_months, next_month, step
from revlayer.simulator.billing.parameters import NEVER, PERIODS, TIERED, BillingParameters
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.clock import Array, Index, Mask
from revlayer.simulator.world import World

#: How a subscription ends: not within the history, at the end of a term, at once, with its trial.
STAYS, NOTICE, IMMEDIATE, LAPSED = range(4)
RENEWAL_DEAL = 2
WORTH = np.array([period[5] for period in PERIODS])
IS_SHORT = WORTH < 2


@dataclass(frozen=True)
class Subscriptions:
    """One entry per won deal, as if each opened one; `opener` says which do (its own position) or join another.

    Times are day numbers, NEVER for what does not happen; ends are exclusive.
    """

    opener: Index
    start: Index
    billed_from: Index
    period: Index
    term_months: Index
    ending: Index
    ended: Index
    requested: Index
    withdrawn_from: Index
    withdrawn_to: Index
    paused_from: Index
    paused_to: Index

    @property
    def is_opened(self) -> Mask:
        return self.opener == np.arange(len(self.opener))


@dataclass(frozen=True)
class Items:
    """One entry per won deal that added something; renewals of a running subscription only change its first item."""

    win: Index
    subscription: Index
    product: Index
    quantity: Array
    unit_cents: Index
    discount_rate: Array
    discount_cents: Index
    discount_until: Index
    start: Index
    end: Index
    period: Index

    def __len__(self) -> int:
        return len(self.win)


def draw_subscriptions(p: BillingParameters, wins: Wins, world: World, random: np.random.Generator) -> Subscriptions:
    """The subscription that each won deal would open, then which of them really do."""
    count = len(wins)
    start = np.floor(wins.won_at).astype(np.int64) + 1 + random.integers(0, p.start_delay_days, count)
    start = np.where(random.random(count) < p.first_of_month_rate, next_month(start), start)
    has_trial = (random.random(count) < p.trial_rate) & (wins.segment == 0)
    billed = start + np.where(has_trial, np.where(random.random(count) < 0.7, *p.trial_days), 0)
    edges = np.cumsum(np.array(p.period_shares)[wins.segment], axis=1)
    period = np.minimum((random.random(count)[:, None] > edges).sum(axis=1), len(PERIODS) - 1)
    term = wins.months.astype(np.int64)
    period = np.where((term <= p.short_term_months) & (WORTH[period] > 3), 1, period)
    ending, ended, requested = _ends(p, wins, world, billed, term, has_trial, random)
    notice_from = billed + random.integers(5, 200, count)
    withdraws = (random.random(count) < p.withdrawn_rate) & (notice_from + 30 < np.minimum(requested, ended))
    withdrawn_from = np.where(withdraws, notice_from, NEVER)
    pauses = (random.random(count) < p.pause_rate) & IS_SHORT[period]
    first, length = random.integers(1, 10, count), random.integers(1, p.pause_periods + 1, count)
    paused_from, paused_to = step(billed, period, first), step(billed, period, first + length)
    pauses &= paused_to < np.minimum(ended, requested)
    opener = _openers(wins, start, ended)
    return Subscriptions(
        opener, start, billed, period, term, ending, ended, requested, withdrawn_from,
        np.where(withdraws, notice_from + random.integers(3, 25, count), NEVER),
        np.where(pauses, paused_from, NEVER), np.where(pauses, paused_to, NEVER),
    )  # fmt: skip


def _ends(
    p: BillingParameters, wins: Wins, world: World, billed: Index, term: Index, has_trial: Mask,
    random: np.random.Generator,
) -> tuple[Index, Index, Index]:  # fmt: skip
    """How and when each ends, and when that was asked for."""
    count = len(wins)
    rate = np.array(p.renewal_rates)[wins.segment] + p.renewal_fit_effect * world.accounts.fit[wins.account]
    rate = np.clip(rate, 0.3, 0.97) ** (term / 12.0)
    terms = np.ceil(np.log(np.maximum(random.random(count), 1e-12)) / np.log(rate)).astype(np.int64)
    terms = np.clip(terms, 1, 60)
    ended = add_months(billed, term * terms)
    requested = np.maximum(ended - random.integers(*p.notice_days, count), billed + 1)
    ending = np.full(count, NOTICE)
    at_once = random.random(count) < p.immediate_end_rate
    cut = billed + 10 + np.floor(random.random(count) * (ended - billed - 10)).astype(np.int64)
    ended, ending = np.where(at_once, cut, ended), np.where(at_once, IMMEDIATE, ending)
    requested = np.where(at_once, cut, requested)
    lapses = has_trial & (random.random(count) < p.trial_lapse_rate)
    return (
        np.where(lapses, LAPSED, ending), np.where(lapses, billed, ended), np.where(lapses, billed, requested)
    )  # fmt: skip


def _openers(wins: Wins, start: Index, ended: Index) -> Index:
    """A deal joins its account's running subscription in its currency, and opens one where there is none.

    One round per deal of an account, all accounts at once: whether a deal joins hangs on those before it.
    """
    count = len(wins)
    opener = np.arange(count)
    order = np.lexsort((wins.won_at, wins.account))
    account = wins.account[order]
    is_first = np.append(True, account[1:] != account[:-1])
    rank = np.arange(count) - np.maximum.accumulate(np.where(is_first, np.arange(count), 0))
    by_rank = order[np.argsort(rank, kind="stable")]
    bounds = np.append(0, np.cumsum(np.bincount(rank)))
    current = np.full(int(account.max(initial=-1)) + 1, -1, dtype=np.int64)
    for low, high in pairwise(bounds):
        rows = by_rank[low:high]
        running = current[wins.account[rows]]
        # Something added in the last month of a subscription would end before it began.
        joins = (running >= 0) & (start[rows] + 31 < ended[running]) & (wins.currency[rows] == wins.currency[running])
        opener[rows] = np.where(joins, opener[running], rows)
        current[wins.account[rows]] = opener[rows]
    return opener


def draw_items(
    p: BillingParameters, wins: Wins, subscriptions: Subscriptions, list_cents: Array, random: np.random.Generator
) -> Items:
    """What each deal adds.

    Args:
        list_cents: list price of the deal's quantity for a month in its currency, which discounts start from for
            products with tiers.
    """
    s, count = subscriptions, len(wins)
    opener, period = s.opener, s.period[s.opener]
    start = np.where(s.is_opened, s.start, np.maximum(s.start, s.billed_from[opener]))
    anchor = np.where(s.is_opened, s.billed_from, start)
    monthly = wins.amount * 100 / wins.months
    has_tiers = wins.product >= TIERED
    shown = np.where(has_tiers, np.clip(np.round(1 - monthly / list_cents, 4), 0.0, 0.6), wins.discount)
    unit = np.rint(monthly * WORTH[period] / wins.users / (1 - shown)).astype(np.int64)
    in_money = (random.random(count) < p.money_discount_rate) & (shown > 0)
    gross = np.where(has_tiers, list_cents * WORTH[period], unit * wins.users)
    ends = (random.random(count) < p.discount_ends_rate) & (shown > 0)
    taken_off = step(anchor, period, random.integers(2, 8, count))
    ended = s.ended[opener]
    leaves_early = ~s.is_opened & (random.random(count) < p.item_end_rate) & (taken_off < ended)
    items = Items(
        np.arange(count), opener, wins.product, wins.users, np.maximum(unit, 1),
        np.where(in_money, 0.0, shown), np.where(in_money, np.rint(gross * shown), 0).astype(np.int64),
        np.where(ends, add_months(anchor, s.term_months), NEVER), anchor,
        np.where(leaves_early, taken_off, ended), period,
    )  # fmt: skip
    added = s.is_opened | (wins.deal_type != RENEWAL_DEAL)
    return Items(*(getattr(items, name)[added] for name in items.__dataclass_fields__))
