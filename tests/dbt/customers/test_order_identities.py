"""Orders told in parts, line by line, late and deleted again, as reckoned day by day in Python."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AS_OF, DATES, Shop

DAYS = [date.fromisoformat(day) for day in [*DATES, AS_OF]]
FIRST = date(2024, 2, 1)
CUSTOMER_SINCE = "2024-01-01"
# Cents, below nothing sent back; days after the order until it is told; days until it is deleted after that.
lines = st.tuples(
    st.integers(-500, 500).filter(bool), st.sampled_from([0, 0, 1, 40, 130]), st.none() | st.integers(1, 200)
)
# What the order says of itself in cents; its lines.
orders = st.tuples(st.none() | st.integers(-500, 500).filter(bool), st.lists(lines, max_size=4))


def _fill(shop: Shop, drawn: list[tuple]) -> None:
    shop.customer("C", CUSTOMER_SINCE)
    for number, (own, parts) in enumerate(drawn):
        day = FIRST + timedelta(number)
        amount = None if own is None else own / 100
        key = shop.add(
            "orders", day.isoformat(), customer_source_id="C", currency_code="USD", subtotal_amount=amount
        )  # fmt: skip
        for cents, delay, gone in parts:
            known = day + timedelta(delay)
            deleted = gone and f"{known + timedelta(gone)}T10:00:00Z"
            shop.add("order_lines", known.isoformat(), order_source_id=key, amount=cents / 100, quantity=1,
                     currency_code="USD", deleted_at=deleted)  # fmt: skip


def _expected(drawn: list[tuple], day: date) -> tuple[int, int, int, int, int]:
    """Return orders, returns, days with a purchase, and cents bought and sent back."""
    bought, returned, cents = set(), set(), [0, 0]
    for number, (own, parts) in enumerate(drawn):
        ordered = FIRST + timedelta(number)
        told = [(amount, ordered + timedelta(delay), gone) for amount, delay, gone in parts]
        if any(known <= day for _, known, _ in told):
            amounts = [a for a, known, gone in told if known <= day and (not gone or day < known + timedelta(gone))]
        else:
            amounts = [own or 0]  # an order that says nothing of amounts is taken for a purchase
        bought |= {number for amount in amounts if amount >= 0}
        returned |= {number for amount in amounts if amount < 0}
        cents[0] += sum(amount for amount in amounts if amount > 0)
        cents[1] -= sum(amount for amount in amounts if amount < 0)
    return len(bought), len(returned), len(bought), cents[0], cents[1]


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(orders, min_size=1, max_size=4))
def test_orders_are_those_of_what_was_known_on_each_day(models, drawn):
    shop = Shop()
    _fill(shop, drawn)
    with models.filled(shop.rows) as conn:
        rows = conn.execute(
            "select as_of_date, order_count, return_count, order_day_count, purchase_amount * 100, refund_amount * 100"
            " from features.ftr_customers where customer_id = 's:C'"
        ).fetchall()
    found = {row[0]: tuple(round(value) for value in row[1:]) for row in rows}
    assert {day: found[day] for day in DAYS} == {day: _expected(drawn, day) for day in DAYS}
