"""All tables about installs as a stream."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, cents_text, days_text
from revlayer.simulator.clock import Array, Clock, Index, stream
from revlayer.simulator.customers.numbers import Numbers
from revlayer.simulator.customers.shoppers import shopper_keys
from revlayer.simulator.installs.audience import Audience, draw_audience
from revlayer.simulator.installs.events import Advertisements, Events, draw_advertisements, draw_events
from revlayer.simulator.installs.parameters import (
    CHUNK_INSTALLS,
    COUNTRIES,
    DEVICES,
    EVENTS,
    SOURCES,
    SPELLING_SHARES,
    SPELLINGS,
    InstallParameters,
)
from revlayer.simulator.installs.revenue import law_of, truth_table

Part = tuple[str, pa.Table]
NETWORKS = ("north", "south", "mediator")
#: Advertisements of a day are reported the next morning.
REPORT = 1.3


def generate_installs(
    clock: Clock, seed: int, installs: int, shoppers: int, parameters: InstallParameters | None = None
) -> Iterator[Part]:
    """Yield (table name, rows) of `installs` installs; some are by one of the `shoppers`."""
    p, numbers = parameters or InstallParameters(), Numbers()
    for chunk, low in enumerate(range(0, installs, CHUNK_INSTALLS)):
        rows = range(low, min(low + CHUNK_INSTALLS, installs))

        def random(name: str, chunk: int = chunk) -> np.random.Generator:
            return stream(seed, f"installs.{name}", chunk)

        audience = draw_audience(p, clock, rows, installs, random("audience"))
        law = law_of(p, audience, clock)
        events = draw_events(p, audience, law, clock, random("events"))
        advertisements = draw_advertisements(p, audience, law, clock, random("advertisements"))
        yield "raw.installs", install_table(p, audience, clock, shoppers, random("rows.installs"))
        yield "raw.install_events", _event_table(p, audience, events, clock, numbers, random("rows.events"))
        yield "raw.install_ad_revenues", _ad_table(audience, advertisements, clock, numbers, random("rows.ads"))
        yield "truth.install_revenue", truth_table(p, audience, law)


def _keys(number: Index) -> pa.Array:
    return text.identifiers("N", number, 8)


def install_table(
    p: InstallParameters, a: Audience, clock: Clock, shoppers: int, random: np.random.Generator
) -> pa.Table:
    """raw.installs, spelt as it arrives."""
    count = len(a)
    regions = [region for entry in COUNTRIES for region in entry[1]]
    per_country = np.array([len(entry[1]) for entry in COUNTRIES])
    region = (np.cumsum(per_country) - per_country)[a.country]
    region = region + np.floor(random.random(count) * per_country[a.country]).astype(np.int64)
    spelling = random.choice(len(SPELLING_SHARES), count, p=SPELLING_SHARES)
    platforms = [name for names in SPELLINGS for name in names]
    is_shopper = (random.random(count) < p.customer_rate) & (shoppers > 0)
    shopper = 1 + np.floor(random.random(count) * max(shoppers, 1)).astype(np.int64)
    paid = a.source > 0
    source = _small(text.names([entry[0] for entry in SOURCES], a.source), random.random(count) >= 0.04)
    country = text.names([entry[0] for entry in COUNTRIES], a.country, random.random(count) < p.missing_country_rate)
    campaign = random.integers(1, 9, count)
    return pa.table(
        base(_keys(a.number), a.at)
        | {
            "customer_source_id": shopper_keys(shopper, ~is_shopper),
            "app_name": text.constant("Garden", count),
            "app_version": text.join(
                ".", pa.array(1 + a.release // 10).cast(pa.string()), pa.array(a.release % 10).cast(pa.string())
            ),
            "country_code": _lower(country, random.random(count) < p.small_letters_rate),
            "region_code": text.names(
                regions, np.minimum(region, len(regions) - 1),
                (per_country[a.country] == 0) | (random.random(count) < 0.15),
            ),
            "install_source": source,
            "campaign_name": text.identifiers("campaign ", a.source * 10 + campaign, 2, ~paid),
            "platform": text.names(
                platforms, a.platform * len(SPELLING_SHARES) + spelling, random.random(count) < p.missing_platform_rate
            ),
            "device_family": text.names(
                [entry[0] for entry in DEVICES], a.device, random.random(count) < p.missing_device_rate
            ),
            "os_version": _os_version(p, a),
        }
    )  # fmt: skip


def _os_version(p: InstallParameters, a: Audience) -> pa.Array:
    names = text.names(("iOS ", "Android "), a.platform)
    version = p.newest_os - np.where(a.platform == 0, 0, 3) - a.os_age
    return text.join("", names, pa.array(version).cast(pa.string()))


def _lower(values: pa.Array, which: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(which), pc.utf8_lower(values), values)


def _small(values: pa.Array, which: np.ndarray) -> pa.Array:
    """As they are where told, with a capital elsewhere."""
    return pc.if_else(pa.array(which), values, pc.utf8_capitalize(values))


def _recorded(p: InstallParameters, at: Array, clock: Clock, random: np.random.Generator) -> Array:
    lag = np.where(random.random(len(at)) < p.late_record_rate, random.uniform(0.2, 4.0, len(at)), 0.0)
    return np.where(at + lag < clock.end, at + lag, at)


def _event_table(
    p: InstallParameters, a: Audience, events: Events, clock: Clock, numbers: Numbers, random: np.random.Generator
) -> pa.Table:
    count = len(events.install)
    is_purchase = events.kind == len(EVENTS)
    return pa.table(
        base(text.identifiers("NE", numbers.take("event", count), 10), events.at,
             _recorded(p, events.at, clock, random))
        | {
            "install_source_id": _keys(a.number[events.install]),
            "event_name": text.names((*EVENTS, "purchase"), events.kind),
            "event_count": pa.array(events.count.astype(np.float64)),
            "revenue_amount": cents_text(events.cents, ~is_purchase),
            "currency_code": text.names(("USD",), np.zeros(count, dtype=np.int64), ~is_purchase),
        }
    )  # fmt: skip


def _ad_table(
    a: Audience, ads: Advertisements, clock: Clock, numbers: Numbers, random: np.random.Generator
) -> pa.Table:
    count = len(ads.install)
    at = np.maximum(ads.day + 0.999, a.at[ads.install])
    return pa.table(
        base(text.identifiers("NA", numbers.take("ad", count), 10), at, np.minimum(ads.day + REPORT, clock.end - 1e-3))
        | {
            "install_source_id": _keys(a.number[ads.install]),
            "revenue_on": days_text(ads.day),
            "ad_network": text.names(NETWORKS, random.choice(3, count, p=(0.5, 0.3, 0.2))),
            "impression_count": pa.array(ads.impressions.astype(np.float64)),
            "revenue_amount": pa.array(np.round(ads.amount, 8)),
            "currency_code": text.constant("USD", count),
        }
    )
