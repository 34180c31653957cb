"""Sessions and use of random histories, told late and deleted again, as reckoned day by day in Python."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AS_OF, DATES, Shop

DAYS = [date.fromisoformat(day) for day in [*DATES, AS_OF]]
LAST = DAYS[-1]
delays = st.none() | st.integers(-5, 60)
# Whether a session; days before the last as-of date; days until it is told; days until it is deleted after that.
events = st.tuples(st.booleans(), st.integers(0, 600), delays, st.none() | st.integers(0, 250))


class Event:
    """One session or use: when it happened, from when it was known, and until when."""

    def __init__(self, is_session: bool, age: int, delay: int | None, gone: int | None) -> None:
        self.is_session, self.day, self.delay = is_session, LAST - timedelta(age), delay
        self.known = self.day + timedelta(max(delay or 0, 0))
        self.deleted = None if gone is None else self.known + timedelta(gone)
        self.is_early = (delay or 0) < 0

    def row(self) -> dict[str, object]:
        told = None if self.delay is None else f"{self.day + timedelta(self.delay)}T10:00:00Z"
        return {"recorded_at": told, "deleted_at": self.deleted and f"{self.deleted}T10:00:00Z"}

    def is_known(self, day: date) -> bool:
        return self.known <= day and (self.deleted is None or day < self.deleted)


def _expected(found: list[Event], day: date) -> dict[str, float | None]:
    # What was deleted on the day it became known was never there, and covers nobody.
    ever = [event for event in found if event.deleted is None or event.deleted > event.known]
    covered = {kind: any(e.known <= day for e in ever if e.is_session or kind == "any") for kind in ("session", "any")}
    known = [event for event in ever if event.is_known(day)]
    ages = [((day - event.day).days, event.is_session) for event in known]
    sessions = [age for age, is_session in ages if is_session]
    expected: dict[str, float | None] = {
        "days_since_last_session": min(sessions, default=None),
        "time_since_last_use_days": min((age for age, _ in ages), default=None),
        "clock_skew_count": sum(event.is_early for event in known) if covered["any"] else None,
    }
    for days in (30, 90, 365):
        count = sum(age < days for age in sessions)
        expected[f"session_count_{days}d"] = count if covered["session"] else None
    for days in (7, 30, 90):
        expected[f"activity_{days}d"] = sum(age < days for age, _ in ages) if covered["any"] else None
    for days in (30, 90):
        active = len({age for age, _ in ages if age < days})
        expected[f"active_days_{days}d"] = active if covered["any"] else None
    return expected


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, min_size=1, max_size=12))
def test_activity_is_that_of_what_was_known_on_each_day(models, drawn):
    found, shop = [Event(*values) for values in drawn], Shop()
    shop.customer("C", "2020-01-01")
    for event in found:
        table, named = ("sessions", {}) if event.is_session else ("usage_events", {"event_name": "open"})
        shop.add(table, event.day.isoformat(), customer_source_id="C", **named, **event.row())
    names = list(_expected(found, LAST))
    with models.filled(shop.rows) as conn:
        query = f"select as_of_date, {', '.join(names)} from features.ftr_customers where customer_id = 's:C'"
        rows = {row[0]: dict(zip(names, row[1:], strict=True)) for row in conn.execute(query.encode()).fetchall()}
    assert {day: rows[day] for day in DAYS} == {day: _expected(found, day) for day in DAYS}
