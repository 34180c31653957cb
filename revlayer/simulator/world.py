"""What exists before deals: accounts, owners, products and exchange rates, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index, Mask, stream
from revlayer.simulator.parameters import Parameters

CURRENCIES = ("USD", "EUR", "GBP", "CHF")
#: Share of each currency by region (Americas, EMEA, APAC).
CURRENCY_SHARES = np.array([[1.0, 0.0, 0.0, 0.0], [0.1, 0.55, 0.3, 0.05], [0.9, 0.07, 0.03, 0.0]])
START_RATES = np.array([1.0, 1.10, 1.27, 1.08])
COUNTRIES = (("US", "CA", "BR"), ("DE", "FR", "GB", "NL", "CH"), ("JP", "SG", "AU"))
#: Eight products in four families; which segment buys which.
PRODUCTS = (
    ("Core Starter", "Core"), ("Core Team", "Core"), ("Core Business", "Core"), ("Core Enterprise", "Core"),
    ("Insight Basic", "Insight"), ("Insight Pro", "Insight"), ("Connect", "Connect"), ("Guard", "Guard"),
)  # fmt: skip
PRODUCT_SHARES = np.array(
    [
        [0.26, 0.24, 0.12, 0.03, 0.15, 0.05, 0.1, 0.05],
        [0.1, 0.17, 0.21, 0.1, 0.12, 0.1, 0.11, 0.09],
        [0.05, 0.06, 0.17, 0.27, 0.07, 0.16, 0.1, 0.12],
    ]
)
STARTER = 0
EMPLOYEE_MEDIANS = np.array([60.0, 500.0, 5000.0])
RATE_STEP_DAYS = 7


@dataclass(frozen=True)
class Owners:
    """One entry per owner; skill is standard normal, left_at is inf for those who stay."""

    region: Index
    team: Index
    skill: Array
    left_at: Array
    successor: Index
    promoted_at: Array


@dataclass(frozen=True)
class Accounts:
    """One entry per account; segment_next counts from segment_change_at (inf: never)."""

    segment: Index
    segment_next: Index
    segment_change_at: Array
    industry: Index
    region: Index
    country: Index
    employees: Array
    revenue: Array
    owner: Index
    fit: Array
    created_at: Array

    def segment_at(self, account: Index, at: Array) -> Index:
        changed = at >= self.segment_change_at[account]
        return np.where(changed, self.segment_next[account], self.segment[account])


@dataclass(frozen=True)
class World:
    owners: Owners
    accounts: Accounts
    rate_days: Index
    rates: Array
    drift_phase: float
    deal_created_at: Array
    deal_account: Index

    def serving(self, owner: Index, at: Array) -> Index:
        """The owner, or the successor of one who has left by then."""
        return np.where(at >= self.owners.left_at[owner], self.owners.successor[owner], owner)

    def rate_at(self, currency: Index, at: Array) -> Array:
        """US dollars for one unit of each currency, as of the last weekly fixing; shape of `at`."""
        week = np.clip(np.searchsorted(self.rate_days, at, side="right") - 1, 0, len(self.rate_days) - 1)
        return np.asarray(self.rates[week, currency], dtype=np.float64)


def _owners(parameters: Parameters, clock: Clock, seed: int, deals: int) -> Owners:
    random = stream(seed, "owners")
    low, high = parameters.owner_limits
    count = int(np.clip(deals // parameters.deals_per_owner, low, high))
    # The first owners cover every region and stay, so that a successor always exists.
    region = random.choice(3, count, p=parameters.region_shares)
    region[:3] = np.arange(3)
    leaves = random.random(count) < parameters.owner_leave_rate
    leaves[:3] = False
    left_at = np.where(leaves, random.uniform(clock.start, clock.end, count), np.inf)
    promoted = random.random(count) < 0.1
    promoted_at = np.where(promoted, random.uniform(clock.start, clock.end, count), np.inf)
    return Owners(
        region=region,
        team=random.integers(1, 4, count),
        skill=random.standard_normal(count),
        left_at=left_at,
        successor=_successors(region, leaves, random),
        promoted_at=np.where(promoted_at < left_at, promoted_at, np.inf),
    )


def _successors(region: Index, leaves: Mask, random: np.random.Generator) -> Index:
    """For every owner, an owner of the same region who stays."""
    successor = np.zeros(len(region), dtype=np.int64)
    for value in range(3):
        rows = np.flatnonzero(region == value)
        successor[rows] = random.choice(np.flatnonzero((region == value) & ~leaves), len(rows))
    return successor


def pick_owner(owners: Owners, region: Index, random: np.random.Generator) -> Index:
    """A random owner of each region."""
    picked = np.zeros(len(region), dtype=np.int64)
    for value in range(3):
        rows = np.flatnonzero(region == value)
        pool = np.flatnonzero(owners.region == value)
        picked[rows] = random.choice(pool, len(rows))
    return picked


def _accounts(parameters: Parameters, clock: Clock, seed: int, deals: int, owners: Owners) -> Accounts:
    random = stream(seed, "accounts")
    count = max(40, deals // parameters.deals_per_account)
    segment = random.choice(3, count, p=parameters.segment_shares)
    changes = (random.random(count) < parameters.segment_change_rate) & (segment < 2)
    region = random.choice(3, count, p=parameters.region_shares)
    per_region = np.array([len(names) for names in COUNTRIES])
    employees = np.ceil(EMPLOYEE_MEDIANS[segment] * np.exp(0.7 * random.standard_normal(count)))
    return Accounts(
        segment=segment,
        segment_next=np.where(changes, segment + 1, segment),
        segment_change_at=np.where(changes, random.uniform(clock.start, clock.end, count), np.inf),
        industry=random.choice(8, count, p=parameters.industry_shares),
        region=region,
        country=(random.random(count) * per_region[region]).astype(np.int64),
        employees=employees,
        revenue=np.round(employees * 180_000.0 * np.exp(0.5 * random.standard_normal(count)), -3),
        owner=pick_owner(owners, region, random),
        fit=random.standard_normal(count),
        created_at=np.zeros(count),
    )


def build_world(parameters: Parameters, clock: Clock, seed: int, deals: int) -> World:
    """Everything that deals refer to, with each deal's creation time and account (sorted by time)."""
    owners = _owners(parameters, clock, seed, deals)
    accounts = _accounts(parameters, clock, seed, deals, owners)
    random = stream(seed, "company")
    created_at = clock.arrivals(deals, random)
    count = len(accounts.segment)
    # Some accounts buy often: the square of a uniform favours the low indexes.
    account = (count * random.random(deals) ** 1.6).astype(np.int64)
    first = np.full(count, clock.end - 1.0)
    np.minimum.at(first, account, created_at)
    lead = random.exponential(30.0, count)
    old = random.random(count) < 0.4
    accounts.created_at[:] = np.where(old, clock.start - 1.0 - random.uniform(0, 900, count), first - lead)
    days = np.arange(clock.start - 35, clock.end, RATE_STEP_DAYS).astype(np.int64)
    steps = random.standard_normal((len(days), len(CURRENCIES))) * 0.006
    steps[:, 0] = 0.0
    rates = START_RATES * np.exp(np.cumsum(steps, axis=0))
    phase = float(random.uniform(0, 2 * np.pi))
    return World(owners, accounts, days, np.round(rates, 6), phase, created_at, account)
