"""Rows of raw.subscriptions, raw.subscription_items and raw.subscription_changes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.catalogue import EXTRAS, extra_keys, price_keys
from revlayer.simulator.billing.charges import PLAN_ITEM, Lines
from revlayer.simulator.billing.columns import (
    EMPTIED,
    base,
    cents_text,
    changes,
    days_text,
    emptied,
    midnights,
    without_first_values,
)
from revlayer.simulator.billing.contracts import LAPSED, Items, Subscriptions
from revlayer.simulator.billing.customers import customer_keys
from revlayer.simulator.billing.days import add_months
from revlayer.simulator.billing.parameters import NEVER, PERIODS, TIERED
from revlayer.simulator.billing.segments import FIRST, REASONS, Segments
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.changes import History, Ledger
from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.world import CURRENCIES

SUBSCRIPTION_FIELDS = (
    "status", "started_at", "trial_ended_at", "committed_until", "cancel_requested_at", "cancels_at", "ended_at",
    "paused_at", "resumes_at", "cancel_reason",
)  # fmt: skip
ITEM_FIELDS = ("quantity", "unit_amount", "plan", "price", "ended_on")
CANCEL_REASONS = ("price", "no longer needed", "competitor", "service", "closed down")
MOST_RENEWALS = 8


def subscription_keys(wins: Wins, rows: Index) -> pa.Array:
    return text.identifiers("S", wins.number[rows], 7)


def item_keys(wins: Wins, items: Items, item: Index, kind: Index) -> pa.Array:
    prefixes = pa.array(("I", "IS", "IU")).take(pa.array(kind))
    return text.join("", prefixes, text.identifiers("", wins.number[items.win[item]], 7))


def _recorded(history: History, random: np.random.Generator, late_rate: float, clock: Clock) -> Index:
    lag = np.where(random.random(len(history)) < late_rate, random.uniform(1, 14, len(history)), 0.0)
    return history.recorded(lag, np.zeros(history.row.max(initial=0) + 1, dtype=np.int64), clock.end)


def subscription_tables(
    wins: Wins, s: Subscriptions, clock: Clock, late_rate: float, first_number: int, random: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """raw.subscriptions and their changes, which hold every tracked field's first value."""
    rows = np.flatnonzero(s.is_opened)
    count = len(rows)
    history = _subscription_history(wins, s, rows, clock, random)
    keys = subscription_keys(wins, rows)
    trial = s.billed_from[rows] > s.start[rows]
    table = pa.table(
        base(keys, wins.won_at[rows])
        | {
            "billing_customer_source_id": customer_keys(wins.account[rows]),
            "deal_source_id": text.identifiers("D", wins.number[rows], 7),
            "currency_code": text.names(CURRENCIES, wins.currency[rows]),
            "trial_started_at": text.stamps(s.start[rows] * text.DAY_SECONDS, ~trial),
            "is_auto_renewed": pa.array(np.ones(count, dtype=bool)),
            "observed_at": text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1)),
        }
        | {name: emptied(values) for name, values in history.state.items()}
    )
    key = {
        "subscription_source_id": keys.take(pa.array(history.row)),
        "subscription_item_source_id": pa.nulls(len(history), pa.string()),
        "reason": pa.nulls(len(history), pa.string()),
        "is_prorated": pa.nulls(len(history), pa.bool_()),
    }
    return table, changes(history, "SC", first_number, key, _recorded(history, random, late_rate, clock))


def _subscription_history(
    wins: Wins, s: Subscriptions, rows: Index, clock: Clock, random: np.random.Generator
) -> History:
    count = len(rows)
    every, won_at = np.arange(count), wins.won_at[rows]
    ledger = Ledger(SUBSCRIPTION_FIELDS, count, np.full(count, clock.end))
    trial = np.flatnonzero(s.billed_from[rows] > s.start[rows])
    billed, ended, asked = s.billed_from[rows], s.ended[rows], s.requested[rows]
    is_trial = np.zeros(count, dtype=np.int64)
    is_trial[trial] = 1
    ledger.add("status", every, won_at, text.names(("active", "trialing"), is_trial))
    ledger.add("started_at", every, won_at, midnights(s.start[rows]))
    ledger.add("trial_ended_at", trial, won_at[trial], midnights(billed[trial]))
    begins = trial[s.ending[rows][trial] != LAPSED]
    ledger.add("status", begins, billed[begins].astype(np.float64), text.constant("active", len(begins)))
    term = s.term_months[rows]
    ledger.add("committed_until", every, won_at, midnights(add_months(billed, term)))
    for number in range(1, MOST_RENEWALS):
        at = add_months(billed, term * number)
        again = np.flatnonzero((at < ended) & (at < clock.end))
        until = midnights(add_months(billed[again], term[again] * (number + 1)))
        ledger.add("committed_until", again, at[again].astype(np.float64), until)
    _add_endings(s, rows, asked, ended, ledger, random)
    return ledger.close()


def _add_endings(
    s: Subscriptions, rows: Index, asked: Index, ended: Index, ledger: Ledger, random: np.random.Generator
) -> None:
    """Cancellations, those withdrawn, and pauses. What lies beyond the history is left out by the ledger."""
    every, count = np.arange(len(rows)), len(rows)
    at, end = asked.astype(np.float64), ended.astype(np.float64)
    capped = np.minimum(ended, 10**5)
    ledger.add("cancel_requested_at", every, at, midnights(np.minimum(asked, 10**5)))
    ledger.add("cancels_at", every, at, midnights(capped))
    ledger.add("cancel_reason", every, at, text.names(CANCEL_REASONS, random.integers(0, len(CANCEL_REASONS), count)))
    ledger.add("ended_at", every, end, midnights(capped))
    ledger.add("status", every, end, text.constant("cancelled", count))
    back = np.flatnonzero(s.withdrawn_from[rows] < NEVER)
    begun, over = s.withdrawn_from[rows][back], s.withdrawn_to[rows][back]
    for field, days in (("cancel_requested_at", begun), ("cancels_at", begun + 60)):
        ledger.add(field, back, begun.astype(np.float64), midnights(days))
        ledger.add(field, back, over.astype(np.float64), text.constant(EMPTIED, len(back)))
    paused = np.flatnonzero(s.paused_from[rows] < NEVER)
    begun, over = s.paused_from[rows][paused], s.paused_to[rows][paused]
    ledger.add("paused_at", paused, begun.astype(np.float64), midnights(begun))
    ledger.add("resumes_at", paused, begun.astype(np.float64), midnights(over))
    ledger.add("status", paused, begun.astype(np.float64), text.constant("paused", len(paused)))
    ledger.add("status", paused, over.astype(np.float64), text.constant("active", len(paused)))


def item_tables(
    wins: Wins, s: Subscriptions, items: Items, segments: Segments, lines: Lines, clock: Clock, late_rate: float,
    first_number: int, random: np.random.Generator,
) -> tuple[pa.Table, pa.Table]:  # fmt: skip
    """raw.subscription_items (of plans, then of setup and usage as far as billed) and the changes of the former.

    The changes have no first values but name them as old ones: sources of both kinds exist.
    """
    history = _item_history(wins, items, segments, clock)
    plain = _plan_items(wins, s, items, history, clock)
    keys = plain["source_id"].combine_chunks()
    for name in ("quantity", "unit_amount", "plan", "price"):
        history = without_first_values(history, name)
    table = pa.concat_tables([plain, _extra_items(wins, items, lines, clock)], promote_options="default")
    span = segments.at(history.row, np.maximum(history.at // text.DAY_SECONDS, items.start[history.row]))
    field = np.array(history.fields, dtype=object)[history.code]
    told = (segments.reason[span] != FIRST) & (field != "ended_on") & (history.at >= _midnight(segments.day[span]))
    key = {
        "subscription_source_id": subscription_keys(wins, items.subscription[history.row]),
        "subscription_item_source_id": keys.take(pa.array(history.row)),
        "reason": text.names(REASONS, np.maximum(segments.reason[span], 0), ~told),
        "is_prorated": pa.array(segments.is_prorated[span], mask=~told),
    }
    return table, changes(history, "IC", first_number, key, _recorded(history, random, late_rate, clock))


def _midnight(day: Index) -> Index:
    return day * text.DAY_SECONDS


def _item_history(wins: Wins, items: Items, segments: Segments, clock: Clock) -> History:
    count = len(items)
    ledger = Ledger(ITEM_FIELDS, count, np.full(count, clock.end))
    item, first = segments.item, segments.reason == FIRST
    at: Array = np.where(first, wins.won_at[items.win[item]], segments.day)
    currency = wins.currency[items.subscription[item]]
    ledger.add("quantity", item, at, text.numbers(segments.quantity))
    has_own = np.flatnonzero(items.product[item] < TIERED)
    ledger.add("unit_amount", item[has_own], at[has_own], cents_text(segments.unit_cents[has_own]))
    ledger.add("plan", item, at, text.identifiers("PL", segments.product + 1, 2))
    ledger.add("price", item, at, price_keys(segments.product, currency, items.period[item]))
    early = np.flatnonzero(items.end < NEVER)
    ended = items.end[early]
    ledger.add("ended_on", early, ended.astype(np.float64), days_text(np.minimum(ended, 10**5)))
    return ledger.close()


def _plan_items(wins: Wins, s: Subscriptions, items: Items, history: History, clock: Clock) -> pa.Table:
    every = np.arange(len(items))
    is_first = items.win == items.subscription
    start = np.where(is_first, s.start[items.subscription], items.start)
    in_money = items.discount_cents > 0
    no_rate = (items.discount_rate <= 0) | in_money
    state = dict(history.state)
    return pa.table(
        base(item_keys(wins, items, every, np.full(len(items), PLAN_ITEM)), wins.won_at[items.win])
        | {
            "subscription_source_id": subscription_keys(wins, items.subscription),
            "plan_source_id": state["plan"],
            "price_source_id": state["price"],
            "product_source_id": text.identifiers("P", items.product + 1, 2),
            "quantity": state["quantity"],
            "unit_amount": state["unit_amount"],
            "currency_code": text.names(CURRENCIES, wins.currency[items.subscription]),
            "billing_period": text.names([entry[1] for entry in PERIODS], items.period),
            "billing_period_count": pa.array(np.array([float(entry[2]) for entry in PERIODS])[items.period]),
            "discount_rate": pa.array(items.discount_rate, mask=no_rate),
            "discount_amount": cents_text(items.discount_cents, ~in_money),
            "discount_ended_on": days_text(np.minimum(items.discount_until, 10**5), items.discount_until == NEVER),
            "started_on": days_text(start),
            "ended_on": state["ended_on"],
            "observed_at": text.stamps(np.full(len(items), int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )


def _extra_items(wins: Wins, items: Items, lines: Lines, clock: Clock) -> pa.Table:
    """Setup and usage: no recurring revenue."""
    billed = np.flatnonzero(lines.kind != PLAN_ITEM)
    pairs = np.unique(np.stack((lines.item[billed], lines.kind[billed])), axis=1)
    item, kind = pairs
    currency = wins.currency[items.subscription[item]]
    sub = items.subscription[item]
    return pa.table(
        base(item_keys(wins, items, item, kind), wins.won_at[items.win[item]])
        | {
            "subscription_source_id": subscription_keys(wins, sub),
            "price_source_id": extra_keys(kind - 1, currency),
            "quantity": pa.array(np.ones(len(item))).cast(pa.string()),
            "currency_code": text.names(CURRENCIES, currency),
            "billing_period": text.names([extra[1] for extra in EXTRAS], kind - 1),
            "billing_period_count": pa.array(np.ones(len(item))),
            "started_on": days_text(items.start[item]),
            "observed_at": text.stamps(np.full(len(item), int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )
