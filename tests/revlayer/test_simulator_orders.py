"""What the orders and sessions of a simulated company must satisfy, whatever the seed."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow.compute as pc
import pytest
from simulated_tables import END_AT, Company, large_company, small_company


@pytest.fixture(scope="module", params=[1, 9])
def company(request: pytest.FixtureRequest) -> Company:
    return small_company(request.param)


@pytest.fixture(scope="module")
def large() -> Company:
    return large_company()


def test_orders_are_the_sum_of_their_lines(company: Company) -> None:
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in company["order_lines"].to_pylist():
        amounts = [Decimal(row[name]) for name in ("amount", "discount_amount", "tax_amount")]
        assert amounts[0] == row["quantity"] * Decimal(row["unit_amount"]) - amounts[1]
        assert row["is_return"] == (row["quantity"] < 0) and row["quantity"] != 0
        before = sums[row["order_source_id"]]
        sums[row["order_source_id"]] = [a + b for a, b in zip(before, amounts, strict=True)]
    for row in company["orders"].to_pylist():
        subtotal, discount, tax = sums.pop(row["source_id"])
        stated = tuple(Decimal(row[f"{name}_amount"]) for name in ("subtotal", "discount", "tax"))
        assert stated == (subtotal, discount, tax)
        assert Decimal(row["total_amount"]) == subtotal + tax + Decimal(row["shipping_amount"])
        assert row["is_return"] == (subtotal < 0)
    assert not sums


def test_returns_follow_what_they_return_and_rarely_exceed_it(large: Company) -> None:
    orders = {row["source_id"]: row for row in large["orders"].to_pylist()}
    lines = {row["source_id"]: row for row in large["order_lines"].to_pylist()}
    returned: Counter[str] = Counter()
    for row in lines.values():
        if row["is_return"]:
            bought = lines[row["returned_line_source_id"]]
            assert not bought["is_return"]
            assert Decimal(row["amount"]) == -Decimal(bought["amount"])
            returned[row["returned_line_source_id"]] += 1
    assert set(returned.values()) == {1, 2}
    for row in orders.values():
        if row["returned_order_source_id"]:
            before = orders[row["returned_order_source_id"]]
            assert row["is_return"] and before["customer_source_id"] == row["customer_source_id"]
            assert before["status"] == "completed"
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for row in orders.values():
        spent[row["customer_source_id"]] += Decimal(row["subtotal_amount"])
    below = sum(amount < 0 for amount in spent.values())
    assert 0 < below < 0.01 * len(spent)


def test_awkward_cases_are_there(large: Company) -> None:
    orders = large["orders"].to_pylist()
    registered = {row["source_id"]: row["occurred_at"] for row in large["customers"].to_pylist()}
    days = Counter((row["customer_source_id"], row["occurred_at"].date()) for row in orders if not row["is_return"])
    counts = Counter(row["customer_source_id"] for row in orders if not row["is_return"])
    assert max(days.values()) > 1, "several orders on one day"
    assert any(days[key] == counts[key[0]] > 1 for key in days), "all orders on one day"
    assert any(row["occurred_at"] < registered[row["customer_source_id"]] for row in orders), "bought before they came"
    lag = [(row["recorded_at"] - row["occurred_at"]).total_seconds() for row in orders]
    assert 0.001 < np.mean(np.array(lag) < 0) < 0.02, "clock skew"
    assert 0.01 < np.mean(np.array(lag) > 0) < 0.06, "recorded late"
    shoppers = [key for key in registered if key.startswith("H")]
    assert 0.04 < np.mean([key not in counts for key in shoppers]) < 0.12, "no order at all"
    assert 0.2 < np.mean([number == 1 for number in counts.values()]) < 0.45, "one order"
    assert any(row["old_value"] for row in large["customer_changes"].to_pylist())
    assert {row["new_value"] for row in large["order_changes"].to_pylist()} == {"cancelled"}
    assert {"ios", "iOS"} <= set(large["sessions"]["platform"].to_pylist())


def test_sessions_with_an_order_come_just_before_it(company: Company) -> None:
    orders = {row["source_id"]: row for row in company["orders"].to_pylist()}
    assert pc.count_distinct(company["sessions"]["order_source_id"]).as_py() == pc.sum(
        company["sessions"]["has_order"]
    ).as_py()  # fmt: skip
    for row in company["sessions"].to_pylist():
        assert row["occurred_at"] <= row["ended_at"]
        assert row["has_order"] == (row["order_source_id"] is not None) <= row["has_cart"]
        assert row["cart_add_count"] <= row["item_view_count"] < row["page_view_count"]
        if row["has_order"]:
            order = orders[row["order_source_id"]]
            assert order["customer_source_id"] == row["customer_source_id"]
            assert timedelta(0) <= order["occurred_at"] - row["occurred_at"] < timedelta(hours=9)


def test_purchases_follow_their_law(large: Company) -> None:
    """Shoppers alive buy at their rate; the dropped never again (but for the twin of the last order); orders cost what
    the truth expects."""
    truth = {row["customer_id"].removeprefix("simulator:"): row for row in large["truth.shopper_states"].to_pylist()}
    amounts: dict[str, list[float]] = defaultdict(list)
    times: dict[str, list[datetime]] = defaultdict(list)
    for row in large["orders"].to_pylist():
        if not row["is_return"]:
            amounts[row["customer_source_id"]].append(float(row["subtotal_amount"]))
            times[row["customer_source_id"]].append(row["occurred_at"])
    assert set(amounts) == set(truth)
    expected = np.array([truth[key]["expected_order_amount"] * len(found) for key, found in amounts.items()])
    realised = np.array([sum(found) for found in amounts.values()])
    error = np.sqrt(((realised - expected) ** 2).sum())
    assert abs(realised.sum() - expected.sum()) < 4 * error
    # From the first order to dropping out or the end a shopper buys at the rate of the truth.
    rates, found, exposure = [], [], []
    for key, row in truth.items():
        until = row["dropped_at"]
        if until is None:
            rates.append(row["purchases_per_day"])
            found.append(len(times[key]) - 1)
            exposure.append((END_AT - min(times[key])).total_seconds() / 86400)
        else:
            assert max(times[key]) - until < timedelta(days=1)
    alive = np.array(rates) * np.array(exposure)
    # Who is still alive bought less often than those who were not lucky: fewer chances to drop out.
    assert 0.6 < np.sum(found) / alive.sum() < 1.05
    assert 0.2 < len(rates) / len(truth) < 0.5
    assert np.corrcoef(alive, found)[0, 1] > 0.8


def test_the_season_shows(large: Company) -> None:
    months = np.array([row.month for row in large["orders"]["occurred_at"].to_pylist() if row.year in (2023, 2024)])
    winter = np.isin(months, (11, 12)).mean()
    assert winter > 1.25 * 2 / 12
