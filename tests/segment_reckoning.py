"""The bridge by segment in the reporting currency and the triangles of cohorts, reckoned customer by customer."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from retention_reckoning import ZERO, Key, Ledger, Sums, kind_of, ratio


def segment_bridge(ledger: Ledger, segments: set[str], begin: date | None) -> Sums:
    """Rows by (month, segment): every month from `begin`, every segment."""
    found: Sums = {
        (start, segment): defaultdict(Decimal)
        for start, _ in ledger.months
        for segment in segments
        if begin and start >= begin
    }
    for number, (start, _) in enumerate(ledger.months):
        for customer in ledger.customers:
            _pass(ledger, found, customer, number, start)
    return found


def _pass(ledger: Ledger, found: Sums, customer: str, number: int, start: date) -> None:
    before, after = ledger.of(customer, number - 1), ledger.of(customer, number)
    was_paying, is_paying = ledger.pays(customer, number - 1), ledger.pays(customer, number)
    had, has = ledger.total(before, number - 1), ledger.total(after, number)
    if not before and not after:
        return
    origin = found[start, ledger.segment(customer, number - 1)] if before else None
    target = found[start, ledger.segment(customer, number)] if after else None
    if origin is not None:
        origin["opening_amount"] += had
        origin["opening_customer_count"] += int(was_paying)
    if target is not None:
        target["closing_amount"] += has
        target["closing_customer_count"] += int(is_paying)
        lacks_rate = not all(ledger.has_rate(name, number) for name in after)
        target["unconverted_customer_count"] += int(is_paying and lacks_rate)
    kind, count = kind_of(ledger, customer, number)
    moved, missing = _changed(ledger, before, after, number, kind)
    begins = kind in ("new", "reactivation")
    # What had nothing before has no segment to leave.
    begun = target if begins or origin is None else origin
    assert begun is not None
    if kind:
        begun[count] += 1
    begun[f"{kind or ('expansion' if moved > 0 else 'contraction')}_amount"] += moved
    rest = origin if origin is not None else target
    assert rest is not None
    rest["fx_amount"] += has - had - moved
    rest["missing_rate_amount"] += missing
    if origin is not None and target is not None and origin is not target:
        for row, sign in ((target, 1), (origin, -1)):
            row["transfer_amount"] += sign * (has - moved if begins else has)
            row["transferred_customer_count"] += sign * int(was_paying and is_paying)


def _changed(ledger: Ledger, before: Any, after: Any, number: int, kind: str) -> tuple[Decimal, Decimal]:
    """The change at the opening rate, of who begins or where there is none at the closing one; and what comes or goes
    for want of a rate."""
    moved = missing = ZERO
    for currency in {*before, *after}:
        had, has = before.get(currency, []), after.get(currency, [])
        at_opening = kind == "churn" or (not kind and ledger.has_rate(currency, number - 1))
        valued_at = number - 1 if at_opening else number
        change = ledger.reported(has, currency, valued_at) - ledger.reported(had, currency, valued_at)
        moved += change
        if (had and not ledger.has_rate(currency, number - 1)) or (has and not ledger.has_rate(currency, number)):
            missing += ledger.reported(has, currency, number) - ledger.reported(had, currency, number - 1) - change
    return moved, missing


def cohorts(ledger: Ledger) -> Sums:
    """Rows of the triangles by (cohort month, months since, segment)."""
    names = {ledger.segment(customer, first) for customer, first in ledger.first.items()} | {"(all)"}
    begin = min(ledger.first.values(), default=len(ledger.months))
    found: Sums = {
        (ledger.months[cohort][0], number - cohort, name): defaultdict(Decimal)
        for cohort in range(begin, len(ledger.months))
        for number in range(cohort, len(ledger.months))
        for name in names
    }
    for customer, first in ledger.first.items():
        begun = ledger.of(customer, first)
        for number in range(first, len(ledger.months)):
            held = ledger.of(customer, number)
            for name in ("(all)", ledger.segment(customer, first)):
                row = found[ledger.months[first][0], number - first, name]
                row["opening_customer_count"] += 1
                row["opening_amount"] += ledger.total(begun, first)
                row["paying_customer_count"] += int(ledger.pays(customer, number))
                row["closing_amount"] += ledger.at_rates_of(first, begun, held, by_item=False)
                lacks_rate = not all(ledger.has_rate(one, first) for one in held)
                row["unconverted_customer_count"] += int(ledger.pays(customer, number) and lacks_rate)
    for row in found.values():
        row |= _shares(row)
    return found


def _shares(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "logo_retention_rate": ratio(row["paying_customer_count"], row["opening_customer_count"]),
        "revenue_retention_rate": ratio(row["closing_amount"], max(row["opening_amount"], ZERO)),
    }


def keyed(rows: list[dict[str, Any]], names: tuple[str, ...]) -> dict[Key, dict[str, Any]]:
    """Rows of a table by the columns of their grain."""
    return {tuple(row[name] for name in names): row for row in rows}
