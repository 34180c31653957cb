"""Every number about installs of the app. docs/simulator.md explains them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Final

from revlayer.simulator.parameters import Floats

#: Installs generated at a time. Part of the definition of the data.
CHUNK_INSTALLS: Final = 50_000

#: Country, regions, share, effect on the odds of paying and on the log of what payers spend, dollars per 1,000
#: advertisements, first installs after this share of the history.
COUNTRIES: Final = (
    ("US", ("CA", "NY", "TX", "FL"), 0.2, 0.4, 0.35, 9.0, 0.0),
    ("IN", ("MH", "KA"), 0.12, -0.8, -0.9, 0.7, 0.0),
    ("BR", ("SP", "RJ"), 0.09, -0.4, -0.6, 1.2, 0.0),
    ("DE", (), 0.07, 0.2, 0.25, 6.5, 0.0),
    ("GB", (), 0.07, 0.3, 0.25, 7.5, 0.0),
    ("JP", (), 0.06, 0.6, 0.6, 8.0, 0.0),
    ("FR", (), 0.06, 0.05, 0.1, 5.0, 0.0),
    ("ID", (), 0.06, -0.7, -0.8, 0.8, 0.0),
    ("MX", (), 0.05, -0.3, -0.45, 1.4, 0.0),
    ("KR", (), 0.04, 0.5, 0.45, 6.0, 0.0),
    ("CA", ("ON", "QC"), 0.04, 0.3, 0.2, 7.0, 0.0),
    ("TR", (), 0.035, -0.35, -0.5, 1.0, 0.0),
    ("AU", (), 0.03, 0.35, 0.3, 8.0, 0.0),
    ("IT", (), 0.03, 0.0, 0.0, 4.0, 0.0),
    ("ES", (), 0.025, -0.05, -0.05, 3.5, 0.0),
    ("PH", (), 0.02, -0.6, -0.7, 0.9, 0.0),
    ("SE", (), 0.01, 0.25, 0.25, 6.0, 0.0),
    ("CH", (), 0.008, 0.4, 0.5, 9.5, 0.0),
    ("IS", (), 0.002, 0.3, 0.2, 6.0, 0.0),
    ("PL", (), 0.03, -0.1, -0.2, 2.0, 0.85),
)  # fmt: skip
#: Source, share, effect on paying, effect on spending.
SOURCES: Final = (
    ("organic", 0.34, 0.25, 0.1), ("search", 0.16, 0.3, 0.15), ("social", 0.2, -0.1, 0.0), ("video", 0.16, -0.3, -0.1),
    ("rewards", 0.1, -1.0, -0.4), ("referral", 0.04, 0.5, 0.2),
)  # fmt: skip
SOCIAL, VIDEO, REWARDS = 2, 3, 4
#: Device family, platform, share, effect on paying, effect on spending, first installs after this share.
DEVICES: Final = (
    ("iPhone", 0, 0.28, 0.25, 0.25, 0.0), ("iPhone Pro", 0, 0.1, 0.45, 0.5, 0.0), ("iPad", 0, 0.05, 0.35, 0.4, 0.0),
    ("Galaxy S", 1, 0.13, 0.1, 0.15, 0.0), ("Galaxy A", 1, 0.16, -0.25, -0.25, 0.0),
    ("Redmi", 1, 0.13, -0.4, -0.4, 0.0),
    ("Pixel", 1, 0.05, 0.15, 0.2, 0.0), ("Moto G", 1, 0.07, -0.35, -0.3, 0.0), ("Tab", 1, 0.02, 0.0, 0.1, 0.0),
    ("iPhone Air", 0, 0.05, 0.4, 0.45, 0.85),
)  # fmt: skip
IPAD: Final = 2
#: How the two platforms are written, with shares; the first is how they should be.
SPELLINGS: Final = (("iOS", "ios", " IOS", "iPhone OS"), ("Android", "android", "ANDROID ", "android"))
SPELLING_SHARES: Final = (0.8, 0.12, 0.05, 0.03)
#: What happens in the first days beside purchases.
EVENTS: Final = ("session_start", "tutorial_complete", "level_up", "store_view", "return_session")


@dataclass(frozen=True)
class InstallParameters:
    """Effects in log-odds (paying) or logarithms (spending); money in US dollars; times in days."""

    growth_power: float = 0.8
    newest_os: int = 18
    os_shares: Floats = (0.5, 0.28, 0.14, 0.08)
    releases_per_year: int = 6
    # Paying within seven days.
    pay_intercept: float = -3.72
    pay_interest_effect: float = 0.65
    pay_old_os_effect: float = -0.18
    rewards_android_effect: float = -0.6
    social_rich_effect: float = 0.45
    video_japan_effect: float = 0.7
    pay_drift: float = 0.12
    pay_drift_days: float = 540.0
    # What payers spend in seven days: log-normal.
    spend_log_mean: float = 1.9
    spend_log_sigma: float = 1.25
    spend_interest_effect: float = 0.3
    ipad_search_effect: float = 0.5
    spend_drift_per_year: float = 0.04
    more_purchases: float = 0.8
    # After the seventh day.
    late_rate: float = 0.4
    late_first_rate: float = 0.006
    late_log_mean: float = 0.2
    late_days: float = 45.0
    # Advertisements by day since the install: log-odds of seeing any, mean number beyond the first.
    ad_intercepts: Floats = (0.1, -1.1, -1.6, -1.9, -2.1, -2.3, -2.4)
    ad_interest_effect: float = 0.6
    ad_mean: float = 5.0
    ad_price_shape: float = 4.0
    # Dirt.
    missing_device_rate: float = 0.02
    missing_country_rate: float = 0.01
    small_letters_rate: float = 0.03
    missing_platform_rate: float = 0.005
    customer_rate: float = 0.02
    late_record_rate: float = 0.01


def fingerprint(parameters: InstallParameters) -> str:
    """SHA-256 over every parameter and the lists above, in declaration order."""
    lists = (COUNTRIES, SOURCES, DEVICES, SPELLINGS, SPELLING_SHARES, EVENTS, CHUNK_INSTALLS)
    return hashlib.sha256(repr((asdict(parameters), lists)).encode()).hexdigest()
