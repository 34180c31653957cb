"""Training rows of customers from plain purchases: the purchase features of ftr_customers, reckoned with numpy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from revlayer_training.customers import CustomerDataset
from revlayer_training.preprocessing import Texts

NEVER = np.datetime64("NaT", "D")


class Purchases:
    """Amounts by customer and day; returns are below zero."""

    def __init__(self, customer: np.ndarray, day: np.ndarray, amount: np.ndarray) -> None:
        order = np.lexsort((day, customer))
        self.customer, self.day, self.amount = customer[order], day[order].astype("datetime64[D]"), amount[order]

    def of(self, customers: np.ndarray) -> "Purchases":
        """Keep some customers."""
        kept = np.isin(self.customer, customers)
        return Purchases(self.customer[kept], self.day[kept], self.amount[kept])

    def until(self, cutoff: np.datetime64) -> "Purchases":
        """Forget what came later."""
        kept = self.day <= cutoff
        return Purchases(self.customer[kept], self.day[kept], self.amount[kept])

    def forward(self, customers: np.ndarray, as_of: np.datetime64, days: int) -> np.ndarray:
        """Return what each customer spent in the days after a date."""
        kept = (self.day > as_of) & (self.day <= as_of + np.timedelta64(days, "D")) & np.isin(self.customer, customers)
        places = np.searchsorted(customers, self.customer[kept])
        return np.bincount(places, weights=self.amount[kept], minlength=len(customers))

    def repeat_mean(self, customers: np.ndarray) -> np.ndarray:
        """Return the mean amount of each customer's days after the first; 0 without any."""
        first = np.full(len(customers), np.iinfo(np.int64).max)
        places, day = np.searchsorted(customers, self.customer), self.day.astype(np.int64)
        np.minimum.at(first, places, day)
        later = day > first[places]
        days = np.unique(places[later] * 100_000 + day[later]) // 100_000
        count = np.bincount(days, minlength=len(customers))
        return np.bincount(places[later], weights=self.amount[later], minlength=len(customers)) / np.maximum(count, 1)

    def rows(self, dates: Sequence[str], window: int, cutoff: str) -> CustomerDataset:
        """Return every customer at every date; labels whose window ends after the cutoff are not known."""
        parts, last = [], np.datetime64(cutoff)
        for date in np.array(sorted(dates), "datetime64[D]"):
            columns = self.until(date)._features(date)
            ends = date + np.timedelta64(window, "D")
            known = ends <= last
            count = len(columns["customer"])
            columns["forward"] = (
                self.forward(columns["customer"], date, window) if known else np.full(count, np.nan)
            )  # fmt: skip
            columns["known_on"] = np.full(count, ends if known else NEVER)
            columns["as_of"] = np.full(count, date)
            parts.append(columns)
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        customer, as_of = joined.pop("customer"), joined.pop("as_of")
        forward, known_on = joined.pop("forward"), joined.pop("known_on")
        unknown, never = np.full(len(customer), np.nan), np.full(len(customer), NEVER)
        return CustomerDataset(
            numbers={name: column.astype(np.float32) for name, column in joined.items()},
            texts={"segment_id": Texts.of(["shop"] * len(customer))},
            number_features=tuple(joined), text_features=(), entity=customer.astype(np.int64),
            entity_ids=customer.astype(str).astype(object), as_of=as_of, fingerprint="purchases",
            forward_revenue=forward, value_known_on=known_on, is_churned_contractual=unknown,
            contractual_known_on=never, is_churned_noncontractual=unknown, noncontractual_known_on=never,
            is_expanded=unknown, expansion_amount=unknown, expansion_known_on=never,
        )  # fmt: skip

    def _features(self, as_of: np.datetime64) -> dict[str, np.ndarray]:
        customers, customer = np.unique(self.customer, return_inverse=True)
        count, age = len(customers), (as_of - self.day).astype(np.float64)

        def total(weights: np.ndarray) -> np.ndarray:
            return np.bincount(customer, weights=weights, minlength=count)

        bought = self.amount >= 0  # a gift is a purchase
        first_row = np.r_[True, (customer[1:] != customer[:-1]) | (self.day[1:] != self.day[:-1])]
        # Order days are days with a purchase; one with returns alone is none.
        key = customer.astype(np.int64) * 100_000 + self.day.astype(np.int64)
        order_key = np.unique(key[bought])
        owner, day = order_key // 100_000, order_key % 100_000
        order_days = np.bincount(owner, minlength=count).astype(np.float64)
        now = as_of.astype("datetime64[D]").astype(np.int64)
        first, latest = np.full(count, np.nan), np.full(count, np.nan)
        np.fmin.at(first, owner, day)
        np.fmax.at(latest, owner, day)
        gaps, of = np.diff(day)[owner[1:] == owner[:-1]].astype(np.float64), owner[1:][owner[1:] == owner[:-1]]
        with np.errstate(invalid="ignore", divide="ignore"):
            number = np.bincount(of, minlength=count)
            mean = np.bincount(of, weights=gaps, minlength=count) / number
            spread = np.bincount(of, weights=(gaps - mean[of]) ** 2, minlength=count) / (number - 1)
            longest = np.full(count, np.nan)
            np.fmax.at(longest, of, gaps)
            purchased = total(np.where(bought, self.amount, 0.0))
            columns = {
                "customer": customers,
                "order_count": total(bought.astype(float)),
                "order_day_count": order_days,
                "return_count": total((~bought & first_row).astype(float)),
                "purchase_amount": purchased,
                "refund_amount": purchased - total(self.amount),
                "net_revenue": total(self.amount),
                "average_order_amount": purchased / order_days,
                "days_since_last_order": now - latest,
                "days_since_first_order": now - first,
                "days_between_first_and_last_order_day": latest - first,
                "order_interval_mean_days": mean,
                "order_interval_std_days": np.sqrt(spread),
                "order_interval_max_days": longest,
                "order_lateness": (now - latest) / mean,
            }
        for days in (30, 90, 365):
            recent = age < days
            columns[f"net_revenue_{days}d"] = total(np.where(recent, self.amount, 0.0))
            columns[f"order_count_{days}d"] = total((recent & bought).astype(float))
        return columns


def cdnow(folder: Path) -> Purchases:
    """Read the CDNOW master file."""
    rows = np.loadtxt(folder / "cdnow" / "CDNOW_master.txt", usecols=(0, 1, 3), skiprows=1)
    number = rows[:, 1].astype(int)
    text = np.array([f"{day // 10000}-{day // 100 % 100:02}-{day % 100:02}" for day in np.unique(number)])
    days = text.astype("datetime64[D]")[np.searchsorted(np.unique(number), number)]
    return Purchases(rows[:, 0].astype(np.int64), days, rows[:, 2])


def shop(customers: int, seed: int = 1, share_returned: float = 0.05) -> Purchases:
    """Purchases of three years: each customer has a rate, a mean amount and a chance to leave after each purchase."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        now = rng.uniform(0, 900)
        rate, leave, amount = rng.gamma(0.8, 1 / 40), rng.beta(0.8, 4), np.exp(rng.normal(3.5, 0.6))
        while now < 1300:
            rows.append((customer, int(now), rng.gamma(6, amount / 6)))
            if rng.random() < share_returned:
                rows.append((customer, int(now) + 5, -rows[-1][2]))
            if rng.random() < leave:
                break
            now += rng.exponential(1 / max(rate, 1e-4))
    customer, day, amount = np.array(rows).T
    days = np.datetime64("2021-01-01") + day.astype(int).astype("timedelta64[D]")
    return Purchases(customer.astype(np.int64), days, amount)
