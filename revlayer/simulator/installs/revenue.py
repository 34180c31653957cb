"""The law of an install's first seven days: whether it pays, how much, and what advertisements bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.clock import Array, Clock
from revlayer.simulator.installs.audience import Audience
from revlayer.simulator.installs.parameters import (
    COUNTRIES,
    DEVICES,
    IPAD,
    REWARDS,
    SOCIAL,
    SOURCES,
    VIDEO,
    InstallParameters,
)
from revlayer.simulator.parameters import SOURCE_NAME

JAPAN = [entry[0] for entry in COUNTRIES].index("JP")
SEARCH = [entry[0] for entry in SOURCES].index("search")
AD_PRICES = np.array([entry[5] for entry in COUNTRIES])
#: Android's advertisements sell for less.
PLATFORM_AD_FACTOR = np.array([1.3, 0.8])


@dataclass(frozen=True)
class Law:
    """One entry per install: P(payer), mean of the payer's log spend, dollars per advertisement, chance of days."""

    payer: Array
    log_mean: Array
    ad_price: Array
    ad_days: Array


def law_of(p: InstallParameters, a: Audience, clock: Clock) -> Law:
    """Everything that the simulated world knows on installing; `ad_days` has a column per day since then."""
    country, source, device = (_columns(entries, at) for entries, at in ((COUNTRIES, 3), (SOURCES, 2), (DEVICES, 3)))
    passed = a.at - clock.start
    is_rich = AD_PRICES[a.country] > 5.5
    odds = (
        p.pay_intercept
        + country[0][a.country] + source[0][a.source] + device[0][a.device]
        + p.pay_old_os_effect * a.os_age
        + p.rewards_android_effect * ((a.source == REWARDS) & (a.platform == 1))
        + p.social_rich_effect * ((a.source == SOCIAL) & is_rich)
        + p.video_japan_effect * ((a.source == VIDEO) & (a.country == JAPAN))
        + p.pay_interest_effect * a.interest
        + p.pay_drift * np.sin(2 * np.pi * passed / p.pay_drift_days)
    )  # fmt: skip
    log_mean = (
        p.spend_log_mean
        + country[1][a.country] + source[1][a.source] + device[1][a.device]
        + p.ipad_search_effect * ((a.source == SEARCH) & (a.device == IPAD))
        + p.spend_interest_effect * a.interest
        + p.spend_drift_per_year * passed / 365.25
    )  # fmt: skip
    price = AD_PRICES[a.country] * PLATFORM_AD_FACTOR[a.platform] / 1000
    seen = np.array(p.ad_intercepts)[None, :] + p.ad_interest_effect * a.interest[:, None]
    return Law(1 / (1 + np.exp(-odds)), log_mean, price, 1 / (1 + np.exp(-seen)))


def _columns(entries: tuple[tuple, ...], at: int) -> tuple[Array, Array]:
    """Effects on paying and on spending of each entry of a list."""
    return np.array([entry[at] for entry in entries]), np.array([entry[at + 1] for entry in entries])


def truth_table(p: InstallParameters, a: Audience, law: Law) -> pa.Table:
    """Rows of truth.install_revenue."""
    purchases = law.payer * np.exp(law.log_mean + p.spend_log_sigma**2 / 2)
    return pa.table(
        {
            "install_id": text.identifiers(f"{SOURCE_NAME}:N", a.number, 8),
            "payer_probability": pa.array(law.payer),
            "payer_log_mean": pa.array(law.log_mean),
            "payer_log_sigma": pa.array(np.full(len(a), p.spend_log_sigma)),
            "expected_purchase_amount": pa.array(purchases),
            "expected_ad_amount": pa.array(law.ad_days.sum(axis=1) * (1 + p.ad_mean) * law.ad_price),
        }
    )
