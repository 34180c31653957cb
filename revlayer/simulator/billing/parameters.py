"""Every number of the billing model, and its catalogue. docs/simulator.md explains them; a test holds a fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Final

from revlayer.simulator.parameters import Floats

#: Accounts billed at a time. Part of the definition of the data: each chunk has its own streams.
CHUNK_ACCOUNTS: Final = 20_000
#: Day number of what never happens.
NEVER: Final = 2**19

#: Billing periods: letter in keys, period and count as the contract has them, months or days, months' worth of price.
PERIODS: Final = (
    ("M", "month", 1, 1, 0, 1.0),
    ("Q", "quarter", 1, 3, 0, 3.0),
    ("T", "month", 3, 3, 0, 3.0),
    ("Y", "year", 1, 12, 0, 12.0),
    ("D", "day", 30, 0, 30, 1.0),
)
#: Products with tiers: every unit at the price of its step, or all units at that of the last one.
TIERED, VOLUME = 6, 7
#: First unit counted from 0, share of the list price, flat amount per month in US dollars.
TIERS: Final = ((0, 1.0, 0.0), (20, 0.85, 20.0), (100, 0.7, 50.0))
#: Where a plan can move to within its family: up, down.
UPGRADES: Final = {0: 1, 1: 2, 2: 3, 4: 5}
TAX_CLASSES: Final = ("standard", "standard", "standard", "standard", "digital", "digital", "standard", "standard")
SERVICE_CLASS: Final = "service"


@dataclass(frozen=True)
class BillingParameters:
    """Shares between 0 and 1; times in days unless said otherwise; money in US dollars."""

    # Subscriptions.
    start_delay_days: int = 15
    first_of_month_rate: float = 0.4
    period_shares: tuple[Floats, ...] = (
        (0.12, 0.13, 0.06, 0.68, 0.01), (0.05, 0.13, 0.06, 0.75, 0.01), (0.02, 0.08, 0.04, 0.86, 0.0),
    )  # fmt: skip
    short_term_months: int = 6
    trial_rate: float = 0.08
    trial_days: tuple[int, int] = (14, 30)
    trial_lapse_rate: float = 0.2
    renewal_rates: Floats = (0.72, 0.82, 0.9)
    renewal_fit_effect: float = 0.06
    immediate_end_rate: float = 0.04
    notice_days: tuple[int, int] = (20, 80)
    withdrawn_rate: float = 0.04
    pause_rate: float = 0.08
    pause_periods: int = 3
    # Items.
    seat_event_rates: Floats = (0.35, 0.15)
    seat_mean: float = 0.12
    seat_sigma: float = 0.25
    price_rise_rate: float = 0.6
    price_rise: Floats = (0.03, 0.06)
    plan_switch_rate: float = 0.06
    downgrade_rate: float = 0.3
    unprorated_rate: float = 0.15
    discount_ends_rate: float = 0.35
    money_discount_rate: float = 0.05
    item_end_rate: float = 0.05
    setup_rate: float = 0.2
    milestone_rate: float = 0.5
    usage_rate: float = 0.15
    # Customers.
    terms_days: tuple[tuple[int, ...], ...] = ((0, 14, 30), (30, 30, 45), (30, 45, 60))
    consumer_rate: float = 0.06
    exempt_rate: float = 0.02
    certificate_rate: float = 0.04
    moved_rate: float = 0.02
    unknown_account_rate: float = 0.01
    # Settlement: how each invoice ends, cumulative shares in order, the rest is paid in full.
    outcomes: tuple[tuple[str, float], ...] = (
        ("lost", 0.012), ("partial", 0.05), ("disputed", 0.02), ("returned", 0.005), ("overpaid", 0.006),
    )  # fmt: skip
    lateness_days: float = 6.0
    lateness_sigma: float = 0.9
    early_days: int = 8
    write_off_days: int = 120
    recovery_rate: float = 0.15
    failed_try_rate: float = 0.06
    joint_rate: float = 0.03
    twin_rate: float = 0.01
    credit_note_rate: float = 0.7
    refund_rate: float = 0.5
    late_record_rate: float = 0.02
    # Payables.
    suppliers: int = 12
    bill_median: float = 2_000.0


def fingerprint(parameters: BillingParameters) -> str:
    """SHA-256 over every parameter and the catalogue, in declaration order."""
    text = repr((asdict(parameters), PERIODS, TIERS, UPGRADES, TAX_CLASSES, CHUNK_ACCOUNTS))
    return hashlib.sha256(text.encode()).hexdigest()
