"""A few subscriptions as raw rows, as little of each as a case needs."""

from typing import Any

Row = dict[str, Any]


class Company:
    """Raw rows of one source, as little of each as a case needs."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}

    def add(self, table: str, key: str, occurred: str | None, **columns: object) -> None:
        row = {"source_name": "s", "source_id": key, "occurred_at": occurred and f"{occurred}T08:00:00Z", **columns}
        row.setdefault("loaded_at", "2024-06-01T00:00:00Z")
        self.rows.setdefault(table, []).append(row)

    def subscribe(self, key: str, start: str, amount: str, customer: str = "C", **columns: object) -> None:
        """A subscription with one item of the same key; item columns are those that subscriptions lack."""
        item_columns = ("quantity", "billing_period", "billing_period_count", "plan_source_id", "price_source_id",
                        "discount_rate", "discount_amount", "discount_ended_on", "ended_on")  # fmt: skip
        item = {"billing_period": "month", "unit_amount": amount, "currency_code": "USD"}
        item |= {name: columns.pop(name) for name in item_columns if name in columns}
        if "currency_code" in columns:
            item["currency_code"] = columns["currency_code"]
        self.add("subscriptions", key, start, billing_customer_source_id=customer, started_at=start, **columns)
        self.add("subscription_items", key, start, subscription_source_id=key, started_on=start, **item)

    def change(self, key: str, day: str | None, field: str, old: object, new: object, *, item: bool = True,
               **columns: object) -> None:  # fmt: skip
        number = str(len(self.rows.get("subscription_changes", [])) + 1)
        self.add("subscription_changes", number, day, subscription_source_id=key, field_name=field,
                 subscription_item_source_id=key if item else None,
                 old_value=None if old is None else str(old), new_value=None if new is None else str(new),
                 **columns)  # fmt: skip

    def rate(self, currency: str, day: str, rate: float) -> None:
        self.add("exchange_rates", f"{currency}{day}", day, from_currency_code=currency, to_currency_code="USD",
                 rate=rate, rate_on=day)  # fmt: skip
