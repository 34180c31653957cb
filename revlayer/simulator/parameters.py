"""Every number of the generative model, in one frozen place.

The values were chosen once, before any product model was fitted to simulated data. docs/simulator.md
explains them; a test compares this object with its recorded fingerprint, so a change is deliberate.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Final

SOURCE_NAME: Final = "simulator"
#: Deals generated and loaded at a time. Part of the definition of the data: each chunk has its own streams.
CHUNK_DEALS: Final = 50_000

Floats = tuple[float, ...]


@dataclass(frozen=True)
class Stage:
    """A pipeline stage and its law: P(advance) = (1 - back) * sigmoid(intercept + slope * z)."""

    source_id: str
    name: str
    crm_probability: float
    intercept: float
    slope: float
    back_probability: float
    advance_scale_days: float
    lose_scale_days: float


STAGES: Final = (
    Stage("S1", "Prospecting", 0.10, 0.95, 0.47, 0.00, 16.0, 68.0),
    Stage("S2", "Qualification", 0.20, 0.95, 0.47, 0.03, 17.0, 70.0),
    Stage("S3", "Discovery", 0.35, 1.05, 0.47, 0.03, 20.0, 72.0),
    Stage("S4", "Proposal", 0.65, 1.05, 0.47, 0.04, 21.0, 74.0),
    Stage("S5", "Negotiation", 0.90, 1.15, 0.47, 0.03, 18.0, 70.0),
)
OPEN_STAGES: Final = len(STAGES)
WON: Final = OPEN_STAGES
LOST: Final = OPEN_STAGES + 1
TERMINAL_STAGES: Final = (("S6", "Closed Won", 1.0, "won"), ("S7", "Closed Lost", 0.0, "lost"))


@dataclass(frozen=True)
class Parameters:
    """Effects are in units of z; times in working-clock days unless said otherwise; rates are shares."""

    # Visible static effects on z.
    segments: tuple[str, ...] = ("SMB", "Mid-Market", "Enterprise")
    segment_shares: Floats = (0.52, 0.32, 0.16)
    segment_effects: Floats = (0.22, 0.0, -0.35)
    industries: tuple[str, ...] = (
        "Software", "Manufacturing", "Healthcare", "Retail", "Finance", "Education", "Logistics", "Energy",
    )  # fmt: skip
    industry_shares: Floats = (0.2, 0.16, 0.14, 0.13, 0.12, 0.1, 0.08, 0.07)
    industry_effects: Floats = (0.28, 0.0, -0.12, 0.1, -0.28, 0.22, 0.0, -0.3)
    regions: tuple[str, ...] = ("Americas", "EMEA", "APAC")
    region_shares: Floats = (0.45, 0.38, 0.17)
    region_effects: Floats = (0.1, 0.0, -0.22)
    product_effects: Floats = (0.3, 0.1, 0.0, -0.15, 0.2, -0.3, 0.05, -0.2)
    lead_sources: tuple[str, ...] = ("Referral", "Partner", "Inbound", "Event", "Outbound", "List")
    lead_source_shares: Floats = (0.12, 0.14, 0.28, 0.12, 0.24, 0.1)
    lead_source_effects: Floats = (0.6, 0.3, 0.15, 0.0, -0.35, -0.75)
    deal_types: tuple[str, ...] = ("New Business", "Expansion", "Renewal")
    deal_type_shares: Floats = (0.62, 0.28, 0.1)
    deal_type_effects: Floats = (-0.2, 0.3, 0.8)
    partner_levels: tuple[str, ...] = ("referral", "co-sell", "resell")
    partner_rate: float = 0.3
    partner_effects: Floats = (0.1, 0.3, -0.1)
    users_effect: float = -0.12
    discount_effect: float = 1.2
    competitor_effect: float = -0.22
    enterprise_starter_effect: float = -0.6
    outbound_enterprise_effect: float = -0.4
    # Flags: whether it will come true, how much that is worth, and how long it takes.
    flag_intercepts: Floats = (-0.2, -0.4, -0.1)
    flag_quality_slopes: Floats = (0.5, 0.3, 0.3)
    flag_effects: Floats = (0.5, 0.4, 0.4)
    flag_delay_days: Floats = (16.0, 24.0, 18.0)
    # Latent parts, all standard normal times these.
    quality_effect: float = 0.35
    engagement_effect: float = 0.42
    skill_effect: float = 0.4
    account_effect: float = 0.25
    fit_effect: float = 0.6
    lead_score_noise: float = 0.7
    # Cohort drift: amplitude, period in months, and slope per month.
    drift_amplitude: float = 0.12
    drift_period_months: float = 30.0
    drift_slope: float = -0.002
    # Stage times: Weibull, cut off at the cap.
    advance_shape: float = 1.2
    lose_shape: float = 1.15
    back_scale_days: float = 20.0
    stage_cap_days: float = 150.0
    reopen_probability: float = 0.015
    reopen_stage: int = 2
    reopen_delay_days: Floats = (10.0, 20.0)
    # Working clock: relative pace by weekday, hour band and place in the quarter.
    weekend_pace: float = 0.1
    night_share: float = 0.08
    quarter_end_days: int = 14
    quarter_end_pace: float = 1.7
    quarter_start_pace: float = 0.8
    # Arrivals.
    growth_per_year: float = 0.12
    month_factors: Floats = (0.92, 0.98, 1.08, 1.0, 1.02, 1.05, 0.88, 0.82, 1.1, 1.12, 1.06, 0.97)
    month_shock: float = 0.05
    # World sizes.
    deals_per_account: int = 4
    deals_per_owner: int = 220
    owner_limits: tuple[int, int] = (6, 1500)
    # Money.
    list_prices: Floats = (19.0, 29.0, 49.0, 79.0, 25.0, 99.0, 39.0, 65.0)
    price_growth_per_year: float = 0.04
    user_medians: Floats = (12.0, 55.0, 260.0)
    user_sigma: float = 0.6
    contract_months: Floats = (6.0, 12.0, 24.0, 36.0)
    contract_month_shares: Floats = (0.1, 0.6, 0.2, 0.1)
    amount_sigma: float = 0.15
    # Dirt and lateness.
    late_rate: float = 0.04
    late_days: tuple[int, int] = (1, 14)
    missing_lead_score_rate: float = 0.1
    missing_industry_rate: float = 0.05
    missing_flag_rate: float = 0.05
    missing_account_rate: float = 0.005
    missing_amount_rate: float = 0.2
    spelling_rate: float = 0.01
    wrong_currency_rate: float = 0.01
    delete_probability: float = 0.012
    delete_delay_days: float = 60.0
    restore_rate: float = 0.25
    merge_probability: float = 0.006
    merge_delay_days: float = 60.0
    reassign_rate: float = 0.06
    segment_change_rate: float = 0.03
    owner_leave_rate: float = 0.06
    activity_per_day: float = 0.115
    activity_spread: float = 0.6


def fingerprint(parameters: Parameters) -> str:
    """SHA-256 over every parameter and stage law, in declaration order."""
    text = repr((asdict(parameters), STAGES, TERMINAL_STAGES, CHUNK_DEALS))
    return hashlib.sha256(text.encode()).hexdigest()
