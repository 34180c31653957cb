"""Recurring revenue reckoned day by day in Python from raw rows, to hold the models against.

Nothing here follows the models' SQL: each day's state of a field is looked up among its changes, each item is priced
for that day alone, in exact fractions.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from reckoned_days import cents, day_of, instant

Row = dict[str, Any]
Money = Decimal
CENT = Decimal("0.01")
NEVER = date.max
PER_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
COMMITTED_DAYS = 365


class Reckoning:
    """Recurring revenue of the rows of raw tables, as known by the end of `as_of`."""

    def __init__(self, rows: dict[str, list[Row]], as_of: date) -> None:
        self.as_of = as_of
        self.links = {
            (row["entity"], f"{row['source_name']}:{row['source_id']}"): row["canonical_id"]
            for row in rows.get("entity_links", [])
        }
        self.prices = {row["source_id"]: row for row in rows.get("prices", []) if self._is_known(row)}
        self.tiers = self._grouped(rows, "price_tiers", "price_source_id")
        self.subscriptions = self._kept(rows, "subscriptions")
        self.items = self._kept(rows, "subscription_items")
        self.changes: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in rows.get("subscription_changes", []):
            item = row.get("subscription_item_source_id")
            owner = ("item", item) if item else ("subscription", row["subscription_source_id"])
            self.changes[(*owner, row["field_name"])].append(row)
        for row in rows.get("price_changes", []):
            self.changes["price", row["price_source_id"], row["field_name"]].append(row)
        for found in self.changes.values():
            found.sort(key=lambda row: (instant(row["occurred_at"]), self._known_at(row), row["source_id"]))
        self.value = cache(self._value)
        self.worth = cache(self._worth)
        self.rate = cache(self._rate)
        self.rates = self._paired(rows.get("exchange_rates", []))

    @staticmethod
    def _known_at(row: Row) -> datetime:
        names = ("recorded_at", "occurred_at", "observed_at", "loaded_at")
        return instant(next(row[name] for name in names if row.get(name)))

    def _is_known(self, row: Row) -> bool:
        moments = [self._known_at(row)] + ([instant(row["occurred_at"])] if row.get("occurred_at") else [])
        return max(moments).astimezone(UTC).date() <= self.as_of

    def _is_kept(self, row: Row) -> bool:
        gone = day_of(row.get("deleted_at"))
        return self._is_known(row) and (gone is None or gone > self.as_of)

    def _kept(self, rows: dict[str, list[Row]], table: str) -> dict[str, Row]:
        return {row["source_id"]: row for row in rows.get(table, []) if self._is_kept(row)}

    def _grouped(self, rows: dict[str, list[Row]], table: str, parent: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self._kept(rows, table).values():
            found[row[parent]].append(row)
        return found

    # -- state of fields ------------------------------------------------------------------------------------------

    def _value(self, kind: str, key: str, field: str, day: date) -> Any:
        """What a field says on a day, as text or as the row has it."""
        row = {"item": self.items, "subscription": self.subscriptions, "price": self.prices}[kind][key]
        changes = self.changes.get((kind, key, field))
        if not changes:
            return row.get(field, row.get(f"{field}_source_id"))
        said = changes[0]["old_value"]
        for change in changes:
            if self._is_known(change) and instant(change["occurred_at"]).astimezone(UTC).date() <= day:
                said = change["new_value"]
        return said

    def _told_days(self, kind: str, key: str, fields: tuple[str, ...]) -> set[date]:
        return {
            instant(change["occurred_at"]).astimezone(UTC).date()
            for field in fields
            for change in self.changes.get((kind, key, field), [])
            if self._is_known(change)
        }

    def _with_told_later(self, kind: str, key: str, fields: tuple[str, ...], day: date, read: Any) -> date | None:
        """A day as told on `day`, or an earlier one that was told only after it had come."""
        found = [read(day)]
        for told in self._told_days(kind, key, fields):
            if told > day and (said := read(told)) is not None and said < told:
                found.append(said)
        return min((said for said in found if said is not None), default=None)

    def _subscription_end_told(self, key: str, day: date) -> date | None:
        def get(field: str) -> Any:
            return self.value("subscription", key, field, day)

        said = day_of(get("ended_at")) or day_of(get("cancels_at"))
        if said is None and get("status") == "cancelled":
            observed = self.subscriptions[key]
            tracked = self.changes.get(("subscription", key, "status"))
            begun = max(
                (told for told in self._told_days("subscription", key, ("status",)) if told <= day), default=None
            )
            return (begun or date.min) if tracked else day_of(observed.get("observed_at") or observed["loaded_at"])
        return said

    def _ends(self, item: str, day: date) -> date:
        subscription = self.items[item]["subscription_source_id"]
        fields = ("ended_at", "cancels_at", "status")
        ends = (
            self._with_told_later("item", item, ("ended_on",), day,
                                  lambda told: day_of(self.value("item", item, "ended_on", told))),
            self._with_told_later("subscription", subscription, fields, day,
                                  lambda told: self._subscription_end_told(subscription, told)),
        )  # fmt: skip
        return min((end for end in ends if end is not None), default=NEVER)

    def _told_end(self, item: str, day: date) -> date:
        """The end as told on the day itself, lapse of a commitment without renewal included."""
        subscription = self.items[item]["subscription_source_id"]
        ends = [day_of(self.value("item", item, "ended_on", day)), self._subscription_end_told(subscription, day)]
        if str(self.value("subscription", subscription, "is_auto_renewed", day)).lower() == "false":
            ends.append(day_of(self.value("subscription", subscription, "committed_until", day)))
        return min((end for end in ends if end is not None), default=NEVER)

    def _starts(self, item: str, day: date) -> date:
        key = self.items[item]["subscription_source_id"]

        def item_start(told: date) -> date | None:
            return day_of(self.value("item", item, "started_on", told)) or day_of(self.items[item].get("occurred_at"))

        def whole_start(told: date) -> date | None:
            fields = ("started_at", "trial_started_at")
            said = [day_of(self.value("subscription", key, field, told)) for field in fields]
            return next((one for one in said if one), day_of(self.subscriptions[key]["occurred_at"]))

        return max(
            self._with_told_later("item", item, ("started_on",), day, item_start) or date.min,
            self._with_told_later("subscription", key, ("started_at", "trial_started_at"), day, whole_start)
            or date.min,
        )

    def _is_trial(self, key: str, told: date, day: date) -> bool:
        begun, ended = (
            day_of(self.value("subscription", key, f"trial_{what}_at", told)) for what in ("started", "ended")
        )
        if ended:
            return (begun or date.min) <= day < ended
        return self.value("subscription", key, "status", told) in ("trialing",)

    def is_paused(self, key: str, told: date, day: date) -> bool:
        paused, resumes = (
            day_of(self.value("subscription", key, field, told)) for field in ("paused_at", "resumes_at")
        )
        if paused is None:
            return False
        return paused <= day and not (resumes and resumes > paused and day >= resumes)

    # -- amounts --------------------------------------------------------------------------------------------------

    def terms(self, item: str, day: date) -> dict[str, Any]:
        """Customer, currency, plan, quantity and yearly amounts before and after discount, on the terms of a day."""
        get = lambda field: self.value("item", item, field, day)  # noqa: E731
        subscription = self.items[item]["subscription_source_id"]
        price = get("price") if get("price") in self.prices else None

        def listed(field: str) -> Any:
            return self.value("price", price, field, day) if price else None

        customer = "test:" + self.value("subscription", subscription, "billing_customer", day)
        quantity = Fraction(str(get("quantity") if get("quantity") is not None else 1))
        gross = self._gross(price, listed("charge_model"), quantity, get("unit_amount"), listed("unit_amount"))
        period = get("billing_period") or listed("billing_period")
        count = get("billing_period_count")
        if count is None:
            count = (None if get("billing_period") else listed("billing_period_count")) or 1
        net = gross
        if gross > 0:
            net = gross * (1 - Fraction(str(get("discount_rate") or 0))) - Fraction(str(get("discount_amount") or 0))
        factor = Fraction(PER_YEAR.get(period, 0)) / Fraction(str(count))
        return {
            "customer": self.links.get(("billing_customer", customer), customer),
            "currency": get("currency_code") or listed("currency_code")
            or self.value("subscription", subscription, "currency_code", day) or "(none)",
            "plan": get("plan") or listed("plan"), "quantity": quantity, "model": listed("charge_model"),
            "discount": (Fraction(str(get("discount_rate") or 0)), Fraction(str(get("discount_amount") or 0))),
            "discount_end": day_of(get("discount_ended_on")) or NEVER,
            "gross": gross * factor, "net": max(net, Fraction(0)) * factor if gross > 0 else net * factor,
        }  # fmt: skip

    def _gross(self, price: str | None, model: Any, quantity: Fraction, own: Any, listed: Any) -> Fraction:
        if model == "usage":
            return Fraction(0)
        unit = own if own is not None else listed
        if model == "flat":
            return Fraction(str(unit or 0))
        if own is not None or model not in ("tiered", "volume"):
            return quantity * Fraction(str(unit or 0))
        return self._by_tiers(str(price), model, quantity)

    def _by_tiers(self, price: str, model: str, quantity: Fraction) -> Fraction:
        """Steps are walked unit by unit span: from each step's first quantity to the next one's."""
        steps = sorted(self.tiers.get(price, []), key=lambda row: Fraction(row["from_quantity"]))
        bounds = [Fraction(step["from_quantity"]) for step in steps]
        amounts = [(Fraction(step["unit_amount"] or 0), Fraction(step["flat_amount"] or 0)) for step in steps]
        if not steps or quantity <= 0:
            return Fraction(0)
        if model == "volume":
            place = max((number for number, bound in enumerate(bounds) if bound <= quantity), default=0)
            return quantity * amounts[place][0] + amounts[place][1]
        total, last = Fraction(0), quantity + bounds[0]
        for number, (unit, flat) in enumerate(amounts):
            end = min(last, bounds[number + 1]) if number + 1 < len(bounds) else last
            if end > bounds[number]:
                total += (end - bounds[number]) * unit + flat
        return total

    def _worth(self, item: str, day: date) -> tuple[dict[str, Any], Fraction] | None:
        """Terms and yearly amount of an item on a day; None where it is not paid for."""
        key = self.items[item]["subscription_source_id"]
        if key not in self.subscriptions or not self._starts(item, day) <= day < self._ends(item, day):
            return None
        if self._is_trial(key, day, day) or self.is_paused(key, day, day):
            return None
        terms = self.terms(item, day)
        return terms, terms["net"] if day < terms["discount_end"] else terms["gross"]

    def committed(self, item: str, day: date) -> tuple[dict[str, Any], Decimal] | None:
        """Terms and monthly amount of an item that is agreed on a day for COMMITTED_DAYS later."""
        key, then = self.items[item]["subscription_source_id"], day + timedelta(days=COMMITTED_DAYS)
        if key not in self.subscriptions or day < (day_of(self.items[item]["occurred_at"]) or date.min):
            return None
        if self._starts(item, day) > then or self._told_end(item, day) <= then or self._ends(item, day) <= day:
            return None
        if self._is_trial(key, day, day) or self._is_trial(key, day, then) or self.is_paused(key, day, then):
            return None
        terms = self.terms(item, day)
        return terms, cents((terms["net"] if then < terms["discount_end"] else terms["gross"]) / 12)

    def by_item(self, day: date) -> dict[str, tuple[dict[str, Any], Decimal, Decimal]]:
        """Terms, MRR and ARR of the items that are worth anything at the end of a day."""
        found = {}
        for item in self.items:
            if worth := self.worth(item, day):
                terms, yearly = worth
                if cents(yearly / 12):
                    found[item] = (terms, cents(yearly / 12), cents(yearly))
        return found

    # -- exchange rates -------------------------------------------------------------------------------------------

    def _paired(self, rows: list[Row]) -> list[tuple[str, date, int, datetime, str, Decimal]]:
        found = []
        for row in rows:
            if not self._is_kept(row):
                continue
            is_direct = row["to_currency_code"] == "USD"
            rate = float(row["rate"]) if is_direct else 1 / float(row["rate"])
            exact = Decimal(f"{rate:.15g}").quantize(Decimal("1e-12"), ROUND_HALF_UP)
            currency = row["from_currency_code"] if is_direct else row["to_currency_code"]
            found.append((currency, date.fromisoformat(row["rate_on"]), int(is_direct), self._known_at(row),
                          row["source_id"], exact))  # fmt: skip
        return sorted(found)

    def _rate(self, currency: str, day: date) -> Decimal | None:
        if currency == "USD":
            return Decimal(1)
        return next((rate[-1] for rate in reversed(self.rates) if rate[0] == currency and rate[1] <= day), None)

    def reported(self, amount: Decimal, currency: str, day: date) -> Decimal | None:
        """An amount in US dollars at the rate of a day."""
        rate = self.rate(currency, day)
        return None if rate is None else (amount * rate).quantize(CENT, ROUND_HALF_UP)
