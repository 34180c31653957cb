"""What is billed: whole periods in advance, pro rata parts after changes, usage in arrears, setup, unused rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from revlayer.simulator.billing.catalogue import SETUP_CENTS, USAGE_CENTS, period_cents
from revlayer.simulator.billing.contracts import LAPSED, Items, Subscriptions
from revlayer.simulator.billing.days import place, step
from revlayer.simulator.billing.parameters import NEVER, BillingParameters
from revlayer.simulator.billing.segments import FIRST, Segments
from revlayer.simulator.clock import Array, Index, Mask
from revlayer.simulator.parameters import Parameters
from revlayer.simulator.world import START_RATES

#: Kinds of items: of a plan, setup and usage.
PLAN_ITEM, SETUP_ITEM, USAGE_ITEM = range(3)
METHODS = ("straight_line", "point_in_time", "usage", "milestone")
STRAIGHT, POINT, USAGE, MILESTONE = range(4)
LINE_TYPES = ("charge", "proration", "credit")
CHARGE, PRORATION, CREDIT = range(3)
USAGE_PRODUCTS = (3, 5, 6)


@dataclass(frozen=True)
class Lines:
    """One entry per invoice line; money in cents. `corrects` is the position of another line or -1."""

    item: Index
    kind: Index
    issued: Index
    line_type: Index
    quantity: Array
    unit: Index
    discount: Index
    amount: Index
    service_from: Index
    service_to: Index
    method: Index
    recognised: Index
    product: Index
    corrects: Index

    def __len__(self) -> int:
        return len(self.item)

    def take(self, rows: Index) -> Lines:
        """Some of the lines, in any order; what they correct is looked up anew."""
        place_of = np.full(len(self) + 1, -1, dtype=np.int64)
        place_of[rows] = np.arange(len(rows))
        found = {field.name: getattr(self, field.name)[rows] for field in fields(self)}
        found["corrects"] = place_of[found["corrects"]]
        return Lines(**found)


@dataclass(frozen=True)
class Rests:
    """Parts of lines that were paid for beyond an item's end: position of the line, day, cents."""

    line: Index
    day: Index
    cents: Index


def join_lines(parts: Sequence[Lines]) -> Lines:
    """All lines; what a line corrects must lie in the first part, whose positions stay."""
    return Lines(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Lines)))


def _lines(item: Index, **columns: Index | Array | int) -> Lines:
    count = len(item)
    defaults: dict[str, Index | Array | int] = {
        "kind": PLAN_ITEM, "line_type": CHARGE, "quantity": np.ones(count), "discount": 0, "method": STRAIGHT,
        "recognised": NEVER, "corrects": -1,
    }  # fmt: skip
    filled = {name: np.broadcast_to(np.asarray(value), (count,)).copy() for name, value in (defaults | columns).items()}
    return Lines(item=item, **filled)


def bill(
    parameters: Parameters, p: BillingParameters, subscriptions: Subscriptions, items: Items, segments: Segments,
    currency: Index, end_day: int, random: np.random.Generator,
) -> tuple[Lines, Rests]:  # fmt: skip
    """All lines issued before `end_day`, and the rests to be credited by notes instead of lines.

    Args:
        currency: of each item.
    """
    whole = _periods(parameters, subscriptions, items, segments, currency, end_day)
    parts = _prorations(parameters, items, segments, currency, whole, end_day)
    lines = join_lines([whole, parts])
    rests, credits = _rests(p, subscriptions, items, lines, end_day, random)
    setup = _setup(p, subscriptions, items, currency, end_day, random)
    return join_lines([lines, credits, setup, _usage(p, items, whole, currency, random)]), rests


def _periods(
    parameters: Parameters, subscriptions: Subscriptions, items: Items, segments: Segments, currency: Index,
    end_day: int,
) -> Lines:  # fmt: skip
    """A line for each period that begins before the item ends, none for those that begin in a pause."""
    last = np.minimum(items.end, end_day)
    shortest = np.array([28, 89, 89, 365, 30])[items.period]
    count = np.maximum(-(-(last - items.start) // shortest), 0)
    item = np.repeat(np.arange(len(items)), count)
    number = np.arange(len(item)) - np.repeat(np.cumsum(count) - count, count)
    start = step(items.start[item], items.period[item], number)
    sub = items.subscription[item]
    paused = (start >= subscriptions.paused_from[sub]) & (start < subscriptions.paused_to[sub])
    kept = np.flatnonzero((start < last[item]) & ~paused & (subscriptions.ending[sub] != LAPSED))
    item, number, start = item[kept], number[kept], start[kept]
    span = segments.at(item, start)
    gross, off = period_cents(parameters, items, segments, currency, span, start)
    return _lines(
        item, issued=start, quantity=segments.quantity[span], unit=segments.unit_cents[span], discount=off,
        amount=gross - off, service_from=start, service_to=step(items.start[item], items.period[item], number + 1),
        product=segments.product[span],
    )  # fmt: skip


def _prorations(
    parameters: Parameters, items: Items, segments: Segments, currency: Index, whole: Lines, end_day: int
) -> Lines:
    """Two lines per change within a period: the rest at the old price taken back, and at the new one.

    What becomes dearer is billed at once, what becomes cheaper with the next period, if there is one.
    """
    span = np.flatnonzero((segments.reason != FIRST) & segments.is_prorated)
    item, day = segments.item[span], segments.day[span]
    line = place(item, day, whole.item, whole.service_from)
    inside = (line >= 0) & (day > whole.service_from[line]) & (day < whole.service_to[line])
    span, item, day, line = span[inside], item[inside], day[inside], line[inside]
    start, stop = whole.service_from[line], whole.service_to[line]
    rest = (stop - day) / (stop - start)
    amounts = []
    for which in (span - 1, span):
        gross, off = period_cents(parameters, items, segments, currency, which, start)
        amounts.append(np.rint((gross - off) * rest).astype(np.int64))
    old, new = amounts
    waits = (new < old) & (stop < np.minimum(items.end[item], end_day))
    issued = np.where(waits, stop, day)
    kept = np.flatnonzero(old != new)
    return join_lines(
        [
            _lines(
                item[kept], line_type=PRORATION, issued=issued[kept], quantity=segments.quantity[which[kept]],
                unit=segments.unit_cents[which[kept]], amount=amount[kept], service_from=day[kept],
                service_to=stop[kept], product=segments.product[which[kept]], corrects=corrects,
            )
            for amount, which, corrects in ((-old, span - 1, line[kept]), (new, span, -1))
        ]
    )  # fmt: skip


def _rests(
    p: BillingParameters, subscriptions: Subscriptions, items: Items, lines: Lines, end_day: int,
    random: np.random.Generator,
) -> tuple[Rests, Lines]:  # fmt: skip
    """What was billed beyond an item's end: by credit note, or by a line that takes it back.

    Notes are for lines that nothing else takes back in part.
    """
    end = items.end[lines.item]
    over = np.flatnonzero((lines.service_from < end) & (end < lines.service_to) & (end < end_day))
    item, day = lines.item[over], end[over]
    length = lines.service_to[over] - lines.service_from[over]
    cents = np.rint(lines.amount[over] * (lines.service_to[over] - day) / length).astype(np.int64)
    has_parts = np.zeros(len(items), dtype=bool)
    has_parts[item[lines.line_type[over] == PRORATION]] = True
    by_note = random.random(len(subscriptions.start))[items.subscription[item]] < p.credit_note_rate
    by_note &= ~has_parts[item]
    noted = np.flatnonzero(by_note & (cents > 0))
    taken = np.flatnonzero(~by_note & (cents != 0))
    row = over[taken]
    credits = _lines(
        item[taken], line_type=PRORATION, issued=day[taken], quantity=lines.quantity[row], unit=lines.unit[row],
        amount=-cents[taken], service_from=day[taken], service_to=lines.service_to[row], product=lines.product[row],
        corrects=row,
    )  # fmt: skip
    return Rests(over[noted], day[noted], cents[noted]), credits


def _setup(
    p: BillingParameters, subscriptions: Subscriptions, items: Items, currency: Index, end_day: int,
    random: np.random.Generator,
) -> Lines:  # fmt: skip
    """Setup, with the first invoice of some subscriptions: earned on a day, or in steps."""
    draws = random.random((2, len(items)))
    is_first = items.win == items.subscription
    billed = is_first & (items.start < end_day) & (subscriptions.ending[items.subscription] != LAPSED)
    rows = np.flatnonzero(billed & (draws[0] < p.setup_rate))
    start, count = items.start[rows], len(rows)
    units = np.ceil(items.quantity[rows] / 40)
    unit = np.rint(SETUP_CENTS / START_RATES[currency[rows]]).astype(np.int64)
    in_steps = draws[1][rows] < p.milestone_rate
    return _lines(
        rows, kind=SETUP_ITEM, issued=start, quantity=units, unit=unit, amount=(units * unit).astype(np.int64),
        service_from=start, service_to=start, method=np.where(in_steps, MILESTONE, POINT),
        recognised=np.where(in_steps, NEVER, start + random.integers(0, 20, count)), product=-1,
    )  # fmt: skip


def uses(p: BillingParameters, items: Items, random: np.random.Generator) -> Mask:
    """Items that are billed for usage too."""
    return (random.random(len(items)) < p.usage_rate) & np.isin(items.product, USAGE_PRODUCTS)


def _usage(p: BillingParameters, items: Items, whole: Lines, currency: Index, random: np.random.Generator) -> Lines:
    """The usage of each period but the last, with the invoice of the next."""
    used = uses(p, items, random)
    rows = np.flatnonzero(used[whole.item])
    rows = rows[np.append(np.diff(whole.item[rows]) == 0, False)] if len(rows) else rows
    following = rows + 1
    item = whole.item[rows]
    units = np.ceil(items.quantity[item] * 40 * np.exp(0.5 * random.standard_normal(len(rows))))
    unit = np.maximum(np.rint(USAGE_CENTS / START_RATES[currency[item]]), 1).astype(np.int64)
    return _lines(
        item, kind=USAGE_ITEM, issued=whole.issued[following], quantity=units, unit=unit,
        amount=(units * unit).astype(np.int64), service_from=whole.service_from[rows],
        service_to=whole.service_to[rows], method=USAGE, product=whole.product[rows],
    )  # fmt: skip
