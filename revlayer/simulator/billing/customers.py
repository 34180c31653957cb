"""Billing customers: one per account that bought, with terms, jurisdiction, exemptions and ways to pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, changes, days_text
from revlayer.simulator.billing.parameters import NEVER, BillingParameters
from revlayer.simulator.billing.tax import CODES, REGIONS
from revlayer.simulator.billing.wins import Wins
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.world import COUNTRIES, CURRENCIES, World

PAY_METHODS = ("card", "direct_debit", "transfer")
CARD, DEBIT, TRANSFER = range(3)


@dataclass(frozen=True)
class Customers:
    """One entry per account that ever won a deal, by account; `since` is its first winning."""

    account: Index
    since: Array
    currency: Index
    country: Index
    region: Index
    is_business: Mask
    is_exempt: Mask
    exempt_from: Index
    exempt_to: Index
    terms: Index
    method: Index
    lateness: Array
    moved_at: Array

    def __len__(self) -> int:
        return len(self.account)


def draw_customers(
    p: BillingParameters, wins: Wins, world: World, clock: Clock, random: np.random.Generator
) -> Customers:
    """The customers of a chunk's deals; `region` is a position in tax.REGIONS of the country or -1."""
    account, first = np.unique(wins.account, return_index=True)
    count = len(account)
    since = np.full(count, np.inf)
    np.minimum.at(since, np.searchsorted(account, wins.account), wins.won_at)
    offsets = np.cumsum([0] + [len(group) for group in COUNTRIES])[:3]
    country = offsets[world.accounts.region[account]] + world.accounts.country[account]
    regions = np.array([len(REGIONS.get(code, ())) for code in CODES])[country]
    segment = world.accounts.segment[account]
    draws = random.random((7, count))
    business = (segment > 0) | (draws[0] >= p.consumer_rate)
    certified = (draws[1] < p.certificate_rate) & (regions > 0)
    exempt_from = np.floor(since).astype(np.int64) + random.integers(0, 200, count)
    terms = np.array(p.terms_days)[segment, random.integers(0, 3, count)]
    method = np.where(terms == 0, CARD, np.where(draws[2] < 0.15, DEBIT, np.where(draws[2] < 0.4, CARD, TRANSFER)))
    moved = since + 30 + draws[3] * np.maximum(clock.end - since, 0)
    return Customers(
        account, since, wins.currency[first], country, np.where(regions > 0, (draws[4] * regions).astype(np.int64), -1),
        business, draws[5] < p.exempt_rate, np.where(certified, exempt_from, NEVER), exempt_from + 365, terms, method,
        p.lateness_days * np.exp(p.lateness_sigma * random.standard_normal(count)),
        np.where(draws[6] < p.moved_rate, moved, np.inf),
    )  # fmt: skip


def customer_keys(account: Index) -> pa.Array:
    return text.identifiers("B", account + 1, 6)


def region_codes(customers: Customers) -> pa.Array:
    every = [f"{code}/{region}" for code, regions in REGIONS.items() for region in regions]
    start = {code: every.index(f"{code}/{regions[0]}") for code, regions in REGIONS.items()}
    offset = np.array([start.get(code, 0) for code in CODES])[customers.country]
    names = [entry.split("/")[1] for entry in every]
    return text.names(names, offset + np.maximum(customers.region, 0), customers.region < 0)


def customer_tables(
    p: BillingParameters, customers: Customers, clock: Clock, first_number: int, random: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """raw.billing_customers and the changes of those who got other terms."""
    c, count = customers, len(customers)
    rows = np.arange(count)
    ledger = Ledger(("payment_terms_days",), count, np.full(count, clock.end))
    moved = np.flatnonzero(c.moved_at < clock.end)
    ledger.add("payment_terms_days", moved, c.since[moved], text.numbers(c.terms[moved].astype(np.float64)))
    ledger.add("payment_terms_days", moved, c.moved_at[moved], text.numbers(c.terms[moved].astype(np.float64) + 15))
    history = ledger.close()
    terms = c.terms.astype(np.float64) + np.where(c.moved_at < clock.end, 15.0, 0.0)
    keys = customer_keys(c.account)
    unknown = random.random(count) < p.unknown_account_rate
    numbers = text.identifiers("", c.account + 1, 9, ~c.is_business)
    table = pa.table(
        base(keys, c.since)
        | {
            "name": text.identifiers("Account ", c.account + 1, 6),
            "email": text.identifiers("billing@a", c.account + 1, 6),
            "account_source_id": text.identifiers("A", c.account + 1, 6, unknown),
            "country_code": text.names(CODES, c.country),
            "region_code": region_codes(c),
            "currency_code": text.names(CURRENCIES, c.currency),
            "tax_number": text.join("", text.names(CODES, c.country), numbers),
            "is_business": pa.array(c.is_business),
            "is_tax_exempt": pa.array(c.is_exempt),
            "payment_terms_days": pa.array(terms),
            "observed_at": text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1)),
        }
    )
    key = {"billing_customer_source_id": keys.take(pa.array(rows[history.row]))}
    return table, changes(history, "BC", first_number, key, history.at)


def exemption_table(customers: Customers, clock: Clock) -> pa.Table:
    """Certificates by which single customers are exempt where they are, for a year."""
    rows = np.flatnonzero(customers.exempt_from < clock.end)
    c, count = customers, len(rows)
    keys = customer_keys(c.account[rows])
    return pa.table(
        base(text.join("-", pa.scalar("X"), keys), np.minimum(c.exempt_from[rows] + 0.5, clock.end - 0.1))
        | {
            "billing_customer_source_id": keys,
            "country_code": text.names(CODES, c.country[rows]),
            "region_code": region_codes(c).take(pa.array(rows)),
            "tax_class": pa.nulls(count, pa.string()),
            "certificate_number": text.join("", pa.scalar("EX"), keys),
            "valid_from": days_text(c.exempt_from[rows]),
            "valid_to": days_text(c.exempt_to[rows]),
        }
    )
