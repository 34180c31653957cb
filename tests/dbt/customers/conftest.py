"""The models of customer features, compiled once, and a small shop to try them on."""

from collections.abc import Callable
from typing import Any

import pytest
from compiled_models import compile_models

from .predictions import MARTS

AS_OF = "2024-12-31"
DATES = ["2024-03-31", "2024-06-30", "2024-09-30"]
NAMES = ("ftr_customers", "lbl_customers", "ftr_customer_snapshot_features", "int_customer_rates_missing")
Row = dict[str, Any]


@pytest.fixture(scope="session")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("customers", built),
        [f"+{name}" for name in NAMES],
        AS_OF,
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01", "customer_snapshot_dates": DATES},
    )


@pytest.fixture(scope="session")
def score_models(make_database, built, tmp_path_factory):
    """The marts of customers with all they read, and the rules they use."""
    database, target = make_database("scores", built), tmp_path_factory.mktemp("target")
    variables = {"calendar_start_on": "2023-01-01", "customer_snapshot_dates": DATES}
    return compile_models(database, [f"+{name}" for name in MARTS], AS_OF, target, variables)


class Shop:
    """Raw rows of one source, as little of each as a case needs."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}

    def add(self, table: str, occurred: str | None, key: str | None = None, **columns: object) -> str:
        """Add a row; a day without a time is at 10 o'clock."""
        key = key or f"{table}{len(self.rows.get(table, []))}"
        at = occurred if occurred is None or "T" in occurred else f"{occurred}T10:00:00Z"
        row = {"source_name": "s", "source_id": key, "occurred_at": at, "loaded_at": "2024-12-31T00:00:00Z"}
        self.rows.setdefault(table, []).append(row | columns)
        return key

    def customer(self, key: str = "C", created: str | None = "2024-01-01", **columns: object) -> None:
        self.add("customers", created, key, **columns)

    def order(self, occurred: str, amount: object, customer: str = "C", currency: str = "USD", units: int = 1,
              category: str | None = None, **columns: object) -> str:  # fmt: skip
        """An order of one line; a negative amount sends things back."""
        key = self.add("orders", occurred, customer_source_id=customer, currency_code=currency, **columns)
        known = {name: columns[name] for name in ("recorded_at", "deleted_at") if name in columns}
        self.add("order_lines", occurred, order_source_id=key, amount=amount, quantity=units, currency_code=currency,
                 product_category=category, **known)  # fmt: skip
        return key

    def subscribe(self, key: str, start: str, amount: object, customer: str = "C", **columns: object) -> None:
        """A subscription with one item of the same key, billed by month."""
        item_columns = ("quantity", "plan_source_id", "discount_rate", "billing_period", "price_source_id")
        item = {"billing_period": "month", "unit_amount": amount, "currency_code": "USD", "started_on": start}
        item |= {name: columns.pop(name) for name in item_columns if name in columns}
        self.add("subscriptions", start, key, billing_customer_source_id=customer, started_at=start, **columns)
        self.add("subscription_items", start, key, subscription_source_id=key, **item)

    def change(self, table: str, key: str, occurred: str, field: str, old: object, new: object,
               **columns: object) -> None:  # fmt: skip
        """One row of a history; table is that of the entity."""
        entity = table.removesuffix("s")
        named = {f"{entity}_source_id": key} | columns
        self.add(f"{entity}_changes", occurred, field_name=field, old_value=old and str(old),
                 new_value=new and str(new), **named)  # fmt: skip


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def features(models, shop) -> Callable[..., dict[str, Any]]:
    """Return a function that gives the features of a customer on a day as column → value."""

    def read(as_of: str = DATES[0], customer: str = "s:C", relation: str = "ftr_customers") -> dict[str, Any]:
        with models.filled(shop.rows) as conn:
            query = f"select * from features.{relation} where customer_id = %s and as_of_date = %s"
            cursor = conn.execute(query.encode(), [customer, as_of])
            names = [column.name for column in cursor.description or ()]
            found = cursor.fetchall()
        return dict(zip(names, found[0], strict=True)) if found else {}

    return read
