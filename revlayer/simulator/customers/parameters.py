"""Every number about customers, their use, tickets and purchases. docs/simulator.md explains them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Final

from revlayer.simulator.parameters import Floats

#: Shoppers generated at a time, and users of accounts whose days are drawn at a time. Part of the data's definition.
CHUNK_SHOPPERS: Final = 50_000
CHUNK_USERS: Final = 2_000

#: Where shoppers live: country, currency, regions, share, sales tax.
MARKETS: Final = (
    ("US", "USD", ("CA", "NY", "TX", "WA"), 0.42, 0.07),
    ("GB", "GBP", (), 0.2, 0.2),
    ("DE", "EUR", (), 0.16, 0.19),
    ("FR", "EUR", (), 0.12, 0.2),
    ("NL", "EUR", (), 0.06, 0.21),
    ("CA", "USD", ("ON", "QC"), 0.04, 0.05),
)
#: What the shop sells: category, typical price, share of the lines, chance that an order led by it comes back.
CATEGORIES: Final = (
    ("Books", 14.0, 0.2, 0.02), ("Fashion", 38.0, 0.2, 0.16), ("Home", 32.0, 0.16, 0.05), ("Toys", 21.0, 0.12, 0.04),
    ("Sports", 45.0, 0.1, 0.07), ("Beauty", 24.0, 0.1, 0.03), ("Garden", 29.0, 0.07, 0.04),
    ("Electronics", 95.0, 0.05, 0.09),
)  # fmt: skip
FASHION: Final = 1
#: How shoppers came: name, share, factor of the purchase rate, effect on the log-odds of dropping out.
LEADS: Final = (
    ("search", 0.34, 1.0, 0.0), ("social", 0.24, 0.9, 0.35), ("affiliate", 0.16, 0.8, 0.6),
    ("direct", 0.16, 1.25, -0.4), ("email", 0.1, 1.4, -0.6),
)  # fmt: skip
SOCIAL: Final = 1


@dataclass(frozen=True)
class CustomerParameters:
    """Shares between 0 and 1; times in days; rates per day; effects in log-odds unless said otherwise."""

    # Users of accounts.
    more_users: Floats = (0.3, 0.8, 1.3)
    unlinked_rate: float = 0.03
    unknown_billing_rate: float = 0.1
    usage_coverage: float = 0.22
    late_coverage_rate: float = 0.2
    # Interest: fades before the end of most subscriptions, and for a while in some that stay.
    sudden_rate: float = 0.2
    fading_shape: float = 3.0
    fading_days: float = 110.0
    fading_depth: tuple[float, float] = (0.5, 1.0)
    dip_rate: float = 0.2
    dip_days: tuple[float, float] = (20.0, 60.0)
    # Use: chance of a day with any.
    use_intercept: float = -1.25
    use_fit_effect: float = 0.35
    use_spread: float = 0.6
    use_fading_effect: float = -3.0
    use_weekend_effect: float = -1.6
    use_start_effect: float = -1.2
    use_start_days: float = 20.0
    score_noise: float = 0.12
    missing_score_rate: float = 0.3
    limit_rate: float = 0.02
    limit_before_seats_rate: float = 0.25
    limit_days: int = 45
    other_event_rate: float = 0.04
    late_record_rate: float = 0.03
    # Tickets.
    tickets_per_day: Floats = (0.002, 0.003, 0.0045)
    ticket_fading_factor: float = 3.0
    order_ticket_rate: float = 0.04
    # Shoppers: a gamma law of rates, a beta law of dropping out after each order.
    purchase_rate: float = 1 / 40
    purchase_shape: float = 0.9
    dropout_law: tuple[float, float] = (1.1, 3.4)
    regular_rate: float = 0.15
    never_bought_rate: float = 0.06
    season: Floats = (0.85, 0.85, 0.95, 0.95, 1.0, 0.95, 0.85, 0.85, 1.0, 1.1, 1.45, 1.6)
    season_weekend: float = 1.25
    growth_power: float = 0.85
    spend_spread: float = 0.45
    price_spread: float = 0.35
    favourite_rate: float = 0.5
    more_lines: float = 0.9
    more_units: float = 0.25
    promotion_rate: float = 0.12
    free_shipping_from: float = 50.0
    shipping: float = 4.9
    twin_rate: float = 0.025
    cancel_rate: float = 0.02
    whole_return_rate: float = 0.45
    second_refund_rate: float = 0.07
    skewed_clock_rate: float = 0.006
    guest_rate: float = 0.015
    moved_rate: float = 0.03
    # Sessions.
    tracked_rate: float = 0.4
    order_session_rate: float = 0.85
    browse_base: float = 0.003
    browse_factor: float = 0.6
    browse_after: float = 0.12
    cart_rate: float = 0.3


def fingerprint(parameters: CustomerParameters) -> str:
    """SHA-256 over every parameter and the lists above, in declaration order."""
    text = repr((asdict(parameters), MARKETS, CATEGORIES, LEADS, CHUNK_SHOPPERS, CHUNK_USERS))
    return hashlib.sha256(text.encode()).hexdigest()
