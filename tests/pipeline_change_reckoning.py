"""The change of the open pipeline between two days, by cause, reckoned event by event."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from deal_events import Event, State
from pipeline_reckoning import PipelineReckoning

Key = tuple[str, str | None, str | None, str]


def change(
    reckoning: PipelineReckoning, events: list[Event], first: date, last: date, is_in: Callable[[date | None], bool],
    is_bounded: bool,
) -> dict[Key, list[Any]]:  # fmt: skip
    """Events, deals, deals without a rate, amount and reporting amount by cause, currency, owner and segment."""
    found: dict[Key, list[Any]] = defaultdict(lambda: [0, 0, 0, Decimal(0), Decimal(0)])

    def put(cause: str, state: State, sign: int, day: date, counted: int) -> None:
        row = found[cause, state.currency, state.owner, state.segment]
        reported = reckoning.reported(state.amount, state.currency, day)
        is_balance = cause in ("opening", "closing")
        parts = (counted, sign, int(is_balance and state.amount is not None and reported is None),
                 sign * (state.amount or 0), sign * (reported or 0))  # fmt: skip
        for place, part in enumerate(parts):
            row[place] += part

    for state in reckoning.pipeline(first).values():
        if is_in(state.close_on):
            put("opening", state, 1, first, 0)
            at_first, at_last = (reckoning.reported(state.amount, state.currency, day) for day in (first, last))
            if at_first != at_last:
                cause = "rate_missing" if None in (at_first, at_last) else "fx"
                found[cause, state.currency, state.owner, state.segment][4] += (at_last or 0) - (at_first or 0)
    for state in reckoning.pipeline(last).values():
        if is_in(state.close_on):
            put("closing", state, 1, last, 0)
    for event in events:
        if first < event.day <= last:
            before = event.before if event.before and event.before.is_open and is_in(event.before.close_on) else None
            after = event.after if event.after.is_open and is_in(event.after.close_on) else None
            is_shift, cause = event.cause in ("pulled_in", "pushed_out"), event.cause
            if is_shift and bool(before) == bool(after) and is_bounded:
                continue
            if is_shift and bool(before) != bool(after):
                cause = "pulled_in" if after else "pushed_out"
            if before:
                put(cause, before, -1, last, int(not after and (is_shift or not event.after.is_open)))
            if after:
                put(cause, after, 1, last, 1)
    return dict(found)
