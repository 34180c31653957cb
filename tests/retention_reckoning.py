"""Bridges, retention and cohorts reckoned customer by customer in Python, to hold the models against.

Amounts are those of recurring_reckoning at the ends of months, item by item; nothing here follows the models' SQL.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from recurring_reckoning import Reckoning

ZERO = Decimal(0)
Key = tuple[Any, ...]
Sums = dict[Key, dict[str, Any]]
Held = Mapping[str, Sequence[Decimal]]


def ratio(numerator: Decimal | int, denominator: Decimal | int) -> float | None:
    """As the tables show it: a double, null where nothing is divided by."""
    return float(numerator) / float(denominator) if denominator else None


class Ledger:
    """What every customer pays at the end of each month."""

    def __init__(
        self, reckoning: Reckoning, months: Sequence[tuple[date, date]], segments: Mapping[tuple[str, date], str]
    ) -> None:
        """Args: months as (first day, day measured); segments by customer and first day of the month."""
        self.reckoning, self.months, self.segments = reckoning, months, segments
        self.held: list[dict[str, dict[str, list[Decimal]]]] = []
        self.arr: list[dict[str, Decimal]] = []
        for _, end in months:
            held: dict[str, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
            arr: dict[str, Decimal] = defaultdict(Decimal)
            for terms, mrr, yearly in reckoning.by_item(end).values():
                held[terms["customer"]][terms["currency"]].append(mrr)
                arr[terms["currency"]] += yearly
            self.held.append({customer: dict(amounts) for customer, amounts in held.items()})
            self.arr.append(arr)
        self.customers = sorted({customer for held in self.held for customer in held})
        #: First month in which a customer pays, of those who ever do.
        self.first: dict[str, int] = {}
        for number, held in enumerate(self.held):
            for customer in held:
                if self.pays(customer, number):
                    self.first.setdefault(customer, number)
        self.begin = next((number for number, held in enumerate(self.held) if held), len(months))

    def of(self, customer: str, number: int) -> Held:
        """Amounts of the items by currency at the end of a month; nothing before the first."""
        return self.held[number].get(customer, {}) if number >= 0 else {}

    def pays(self, customer: str, number: int) -> bool:
        """Is anything above 0 in some currency? Negative amounts alone make nobody a customer."""
        return any(sum(amounts) > 0 for amounts in self.of(customer, number).values())

    def has_rate(self, currency: str, number: int) -> bool:
        return number >= 0 and self.reckoning.rate(currency, self.months[number][1]) is not None

    def reported(self, amounts: Sequence[Decimal], currency: str, number: int) -> Decimal:
        """Amounts at the rate of a month's end, each to the cent; 0 without a rate."""
        if not self.has_rate(currency, number):
            return ZERO
        return sum((self.reckoning.reported(one, currency, self.months[number][1]) or ZERO for one in amounts), ZERO)

    def total(self, held: Held, number: int) -> Decimal:
        return sum((self.reported(amounts, currency, number) for currency, amounts in held.items()), ZERO)

    def segment(self, customer: str, number: int) -> str | None:
        return self.segments[customer, self.months[number][0]] if self.of(customer, number) else None

    def at_rates_of(self, number: int, before: Held, after: Held, *, by_item: bool) -> Decimal:
        """What is paid afterwards at the rates of an earlier month's end; what did not change is what it was.

        Args:
            by_item: each item to the cent; otherwise whole amounts of a currency.
        """
        found = ZERO
        for currency, amounts in after.items():
            if not by_item and sum(amounts) != sum(before.get(currency, [])):
                amounts = [sum(amounts, ZERO)]
            elif not by_item:
                amounts = before[currency]
            found += self.reported(amounts, currency, number)
        return found


def retention(ledger: Ledger, length: int, *, by_item: bool) -> Sums:
    """Rows of retention by (month, breakdown, segment, cohort), over windows of `length` months."""
    found: Sums = {}
    begin = ledger.begin
    seen = {ledger.segment(customer, number) for number, held in enumerate(ledger.held) for customer in held}
    for number in range(begin, len(ledger.months)):
        start = ledger.months[number][0]
        keys: list[Key] = [(start, "all", "(all)", None), *((start, "segment", name, None) for name in seen)]
        keys += [(start, "cohort", "(all)", ledger.months[cohort][0]) for cohort in range(begin, number + 1)]
        found |= {key: defaultdict(Decimal) for key in keys}
        for customer, first in ledger.first.items():
            cohort = ledger.months[first][0]
            for side, name, amount in _counted(ledger, customer, number - length, number, by_item):
                segment = ledger.segment(customer, number - length if side == "opening" else number)
                for key in ((start, "all", "(all)", None), (start, "segment", segment, None),
                            (start, "cohort", "(all)", cohort)):  # fmt: skip
                    found[key][name] += amount
    for row in found.values():
        row |= _rates(row)
    return found


def _counted(ledger: Ledger, customer: str, opening: int, closing: int, by_item: bool) -> Iterator[Any]:
    """What a customer counts as in a window: (side whose segment it is, column, amount)."""
    before, after = ledger.of(customer, opening), ledger.of(customer, closing)
    paid = ledger.total(after, closing)
    was_paying, is_paying = ledger.pays(customer, opening), ledger.pays(customer, closing)
    if is_paying:
        yield "closing", "paying_customer_count", 1
        yield "closing", "mrr_amount", paid
        known = [ledger.has_rate(currency, closing) for currency in after]
        yield "closing", "converted_customer_count", int(any(known))
        yield "closing", "unconverted_closing_customer_count", int(not all(known))
    if was_paying:
        had, has = ledger.total(before, opening), ledger.at_rates_of(opening, before, after, by_item=by_item)
        known = [ledger.has_rate(currency, opening) for currency in {*before, *after}]
        yield "opening", "opening_customer_count", 1
        yield "opening", "retained_customer_count" if is_paying else "churned_customer_count", 1
        yield "opening", "unconverted_customer_count", int(not all(known))
        yield "opening", "opening_amount", had
        yield "opening", "closing_amount", has
        yield "opening", "retained_amount", min(had, has)
        kind = "expansion" if has > had else "contraction" if is_paying else "churn"
        yield "opening", f"{kind}_amount", has - had
    elif is_paying:
        is_new = ledger.first[customer] > opening
        yield "closing", "new_customer_count" if is_new else "reactivated_customer_count", 1
        yield "closing", "new_amount" if is_new else "reactivation_amount", paid


def _rates(row: Mapping[str, Any]) -> dict[str, Any]:
    lost = -row["contraction_amount"] - row["churn_amount"]
    share = ratio(row["mrr_amount"], row["converted_customer_count"])
    opening = max(row["opening_amount"], ZERO)
    return {
        "nrr_rate": ratio(row["closing_amount"], opening),
        "grr_rate": ratio(row["retained_amount"], opening),
        "logo_churn_rate": ratio(row["churned_customer_count"], row["opening_customer_count"]),
        "revenue_churn_rate": ratio(-row["churn_amount"], opening),
        "quick_ratio": ratio(row["new_amount"] + row["expansion_amount"] + row["reactivation_amount"], lost),
        "arpa_amount": None if share is None else share,
    }


def bridge(ledger: Ledger, committed: Mapping[tuple[date, str], Decimal]) -> Sums:
    """Rows of the bridge by (month, currency), each in its own currency."""
    found: Sums = {}
    currencies = {name for held in ledger.held for own in held.values() for name in own}
    currencies |= {name for _, name in committed}
    starts = [start for start, _ in ledger.months]
    begin = min([*starts[ledger.begin : ledger.begin + 1], *(start for start, _ in committed)], default=None)
    for number, (start, _) in enumerate(ledger.months):
        for currency in currencies if begin and start >= begin else ():
            row = found[start, currency] = defaultdict(Decimal)
            row["arr_amount"] = ledger.arr[number].get(currency, ZERO)
            row["committed_mrr_amount"] = committed.get((start, currency), ZERO)
            for customer in ledger.customers:
                _move(ledger, row, customer, currency, number)
    return found


def _move(ledger: Ledger, row: dict[str, Any], customer: str, currency: str, number: int) -> None:
    before, after = ledger.of(customer, number - 1), ledger.of(customer, number)
    had, has = (sum(held.get(currency, []), ZERO) for held in (before, after))
    row["opening_amount"] += had
    row["closing_amount"] += has
    row["opening_customer_count"] += int(had > 0)
    row["closing_customer_count"] += int(has > 0)
    if had == has:
        return
    kind, count = kind_of(ledger, customer, number)
    row["switched_customer_count"] += int(has > 0) - int(had > 0)
    if not kind:
        kind = "expansion" if has > had else "contraction"
    else:
        row[count] += 1
        row["switched_customer_count"] -= -1 if kind == "churn" else 1
    row[f"{kind}_amount"] += has - had


def kind_of(ledger: Ledger, customer: str, number: int) -> tuple[str, str]:
    """How a customer begins, returns or leaves in a month, and the column that counts it; empty in other months."""
    was_paying, is_paying = ledger.pays(customer, number - 1), ledger.pays(customer, number)
    if was_paying == is_paying:
        return "", ""
    if was_paying:
        return "churn", "churned_customer_count"
    is_new = ledger.first[customer] == number
    return ("new", "new_customer_count") if is_new else ("reactivation", "reactivated_customer_count")
