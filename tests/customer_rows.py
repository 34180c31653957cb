"""Customers at past dates with a hidden inclination to leave, for models of churn; nothing of a database."""

from datetime import date

import numpy as np

from revlayer_training.customers import CustomerDataset
from revlayer_training.preprocessing import Texts

NEVER = np.datetime64("NaT", "D")
LAST = date(2024, 12, 31)


def leavers(
    customers: int = 900,
    dates: int = 8,
    window: int = 90,
    signal: float = 1.5,
    level: float = -1.2,
    share_contractual: float = 0.5,
    seed: int = 1,
    extra_columns: int = 0,
    shop_level: float | None = None,
    shop_signal: float | None = None,
) -> tuple[CustomerDataset, date]:
    """Return every customer at quarterly dates, and the day up to which labels are known.

    Args:
        signal: how much of leaving the features tell.
        level: log-odds of leaving.
        share_contractual: customers with recurring revenue; the others order.
        extra_columns: number features of noise besides.
        shop_level, shop_signal: the same of the customers who order, where theirs are others.
    """
    rng = np.random.default_rng(seed)
    as_of = np.datetime64(LAST) - np.arange(dates)[::-1] * np.timedelta64(91, "D")
    row_date, customer = np.repeat(as_of, customers), np.tile(np.arange(customers), dates)
    count, segment = len(customer), rng.integers(0, 3, customers)[customer]
    quiet = rng.gamma(2.0, 1.0, count)
    has_contract = (np.arange(customers) < share_contractual * customers)[customer]
    levels = np.where(has_contract, level, level if shop_level is None else shop_level)
    signals = np.where(has_contract, signal, signal if shop_signal is None else shop_signal)
    margin = levels + signals * (quiet - 2.0 + 0.5 * (segment - 1))
    left = (rng.random(count) < 1 / (1 + np.exp(-margin))).astype(float)
    known = row_date + np.timedelta64(window, "D") <= np.datetime64(LAST)
    days = np.where(known, row_date + np.timedelta64(window, "D"), NEVER)
    numbers = {
        "days_since_last_order": np.where(has_contract, np.nan, np.round(quiet * 20)),
        "time_since_last_use_days": np.where(has_contract, np.round(quiet * 10), np.nan),
        "plan_value": np.where(has_contract, 10 + 90 * rng.random(count), 0.0),
        "tenure_days": 400 * rng.random(count),
        "tickets_30d": rng.poisson(1.0, count).astype(float),
        **{f"noise_{place}": rng.normal(size=count) for place in range(extra_columns)},
    }
    known_contract, known_order = known & has_contract, known & ~has_contract
    data = CustomerDataset(
        numbers={name: np.asarray(column, np.float32) for name, column in numbers.items()},
        texts={"plan": Texts.of(rng.choice(["basic", "plus", ""], count).tolist()),
               "segment_id": Texts.of([f"S{code}" for code in segment])},
        number_features=tuple(numbers), text_features=("plan",), entity=customer.astype(np.int64),
        entity_ids=np.array([f"c{number}" for number in customer], dtype=object), as_of=row_date,
        fingerprint="c" * 64,
        forward_revenue=np.full(count, np.nan), value_known_on=np.full(count, NEVER),
        is_churned_contractual=np.where(known_contract, left, np.nan),
        contractual_known_on=np.where(known_contract, days, NEVER),
        is_churned_noncontractual=np.where(known_order, left, np.nan),
        noncontractual_known_on=np.where(known_order, days, NEVER),
        is_expanded=np.full(count, np.nan), expansion_amount=np.full(count, np.nan),
        expansion_known_on=np.full(count, NEVER),
    )  # fmt: skip
    return data, LAST
