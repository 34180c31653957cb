"""What is told of a deal, where it stands, and what an event does to what is open."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

END = date(9999, 12, 31)
#: Fields whose values a state shows, by the name they have there.
SHOWN = {"currency_code": "currency", "amount": "amount", "expected_close_on": "close_on", "owner": "owner"}


@dataclass(frozen=True)
class Told:
    """One value of one field, with the day and instant it counts from and its rank among values of the field."""

    day: date
    at: datetime | None
    field: str
    value: Any
    rank: tuple[Any, ...]
    is_first: bool = False


@dataclass(frozen=True)
class State:
    """Where a deal stands."""

    status: str
    stage: str | None
    currency: str | None
    amount: Decimal | None
    close_on: date | None
    owner: str | None
    account: str | None
    segment: str
    category: str | None

    @property
    def is_open(self) -> bool:
        return self.status == "open"


@dataclass(frozen=True)
class Event:
    """A change of what is open."""

    deal: str
    day: date
    cause: str
    before: State | None
    after: State


def cause_of(before: State, after: State, *, is_first_day: bool, field: str) -> str | None:
    """Why what is open is another after an event; none where it is the same."""
    if before.is_open != after.is_open:
        if before.is_open:
            return after.status
        return "reopened" if before.status in ("won", "lost") else "restored"
    if not after.is_open:
        return None
    if field in ("account", "segment"):
        was, now = before.account, after.account
        if before.segment == after.segment:
            return None
    elif field in SHOWN:
        was, now = getattr(before, SHOWN[field]), getattr(after, SHOWN[field])
        if was == now:
            return None
    else:
        return None
    if is_first_day and was is None and field != "segment":
        return "created"
    if field == "amount":
        return "increased" if (now or 0) >= (was or 0) else "decreased"
    if field == "expected_close_on":
        return "pulled_in" if (now or END) < (was or END) else "pushed_out"
    return {"currency_code": "currency_moved", "owner": "owner_moved"}.get(field, "segment_moved")
