"""What is sold: plans, prices in every currency and billing period, tiers; and what an item costs for a period."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, cents_text, changes
from revlayer.simulator.billing.contracts import WORTH, Items
from revlayer.simulator.billing.parameters import PERIODS, TAX_CLASSES, TIERED, TIERS, VOLUME
from revlayer.simulator.billing.segments import Segments, tier_cents
from revlayer.simulator.changes import Ledger
from revlayer.simulator.clock import Array, Clock, Index, day_number
from revlayer.simulator.deals import price_level
from revlayer.simulator.parameters import Parameters
from revlayer.simulator.world import CURRENCIES, PRODUCTS, START_RATES

SETUP_CENTS, USAGE_CENTS = 50_000, 5
EXTRAS = (
    ("SETUP", "one_time", "flat", "point_in_time", SETUP_CENTS),
    ("USAGE", "month", "usage", "usage", USAGE_CENTS),
)


def list_cents(parameters: Parameters, product: Index, currency: Index, worth: Array) -> Array:
    """Price of one unit in cents, for as many months as `worth`, in the first year."""
    return np.asarray(np.rint(np.array(parameters.list_prices)[product] * 100 / START_RATES[currency]) * worth)


def tiers_of(parameters: Parameters, product: Index, currency: Index, worth: Array) -> tuple[Array, Array]:
    """Unit and flat price of each tier in cents: one row per entry."""
    unit = list_cents(parameters, product, currency, worth)[:, None] * np.array([tier[1] for tier in TIERS])
    flat = (100 * worth / START_RATES[currency])[:, None] * np.array([tier[2] for tier in TIERS])
    return np.rint(unit), np.rint(flat)


def period_cents(
    parameters: Parameters, items: Items, segments: Segments, currency: Index, span: Index, day: Index
) -> tuple[Index, Index]:
    """Gross price and discount of the items of `span` (positions of segments) for a whole period, in cents.

    Args:
        currency: of each item.
        day: what discounts are looked up at, one per span.
    """
    item = segments.item[span]
    quantity = segments.quantity[span]
    gross = quantity * segments.unit_cents[span]
    has_tiers = np.flatnonzero(items.product[item] >= TIERED)
    chosen = item[has_tiers]
    unit, flat = tiers_of(parameters, items.product[chosen], currency[chosen], WORTH[items.period[chosen]])
    gross[has_tiers] = tier_cents(items.product[chosen], quantity[has_tiers], unit, flat)
    runs = day < items.discount_until[item]
    off = np.where(runs, gross * items.discount_rate[item] + items.discount_cents[item], 0.0)
    whole = np.rint(gross).astype(np.int64)
    return whole, np.minimum(np.rint(off).astype(np.int64), whole)


def price_keys(product: Index, currency: Index, period: Index) -> pa.Array:
    parts = text.identifiers("PR", product + 1, 2), text.names(CURRENCIES, currency)
    return text.join("-", *parts, text.names([period[0] for period in PERIODS], period))


def extra_keys(kind: Index, currency: Index) -> pa.Array:
    return text.join("-", text.names([extra[0] for extra in EXTRAS], kind), text.names(CURRENCIES, currency))


def plan_table(clock: Clock) -> pa.Table:
    """One plan per product; plans of a family are ordered by their place in it."""
    count = len(PRODUCTS)
    families = [family for _, family in PRODUCTS]
    order = [families[: k + 1].count(family) for k, family in enumerate(families)]
    rows = np.arange(count)
    return pa.table(
        base(text.identifiers("PL", rows + 1, 2), np.full(count, clock.start))
        | {
            "name": pa.array([name for name, _ in PRODUCTS]),
            "product_source_id": text.identifiers("P", rows + 1, 2),
            "tier_order": pa.array(np.array(order, dtype=np.float64)),
            "tax_class": pa.array(TAX_CLASSES),
            "is_active": pa.array([True] * count),
            "observed_at": text.stamps(text.seconds(np.full(count, clock.start))),
        }
    )


def price_tables(parameters: Parameters, clock: Clock) -> tuple[pa.Table, pa.Table]:
    """raw.prices and raw.price_changes: list prices rise every January, tiers stay."""
    shape = (len(PRODUCTS), len(CURRENCIES), len(PERIODS))
    product, currency, period = (index.ravel() for index in np.indices(shape))
    count = len(product)
    first = list_cents(parameters, product, currency, WORTH[period])
    ledger = Ledger(("unit_amount",), count, np.full(count, clock.end))
    rows = np.flatnonzero(product < TIERED)
    januaries = [day_number(clock.start_on.replace(year=year, month=1, day=1)) for year in
                 range(clock.start_on.year + 1, clock.end_on.year + 1)]  # fmt: skip
    for at in [clock.start, *map(float, januaries)]:
        when = np.full(len(rows), at)
        cents = np.rint(first[rows] * price_level(parameters, clock, when)).astype(np.int64)
        ledger.add("unit_amount", rows, when, cents_text(cents))
    history = ledger.close()
    keys = price_keys(product, currency, period)
    model = np.where(product == VOLUME, 2, np.where(product == TIERED, 1, 0))
    listed = {
        "source_id": keys,
        "plan_source_id": text.identifiers("PL", product + 1, 2),
        "product_source_id": text.identifiers("P", product + 1, 2),
        "unit_amount": history.state["unit_amount"],
        "currency_code": text.names(CURRENCIES, currency),
        "billing_period": text.names([entry[1] for entry in PERIODS], period),
        "billing_period_count": pa.array(np.array([float(entry[2]) for entry in PERIODS])[period]),
        "charge_model": text.names(("per_unit", "tiered", "volume"), model),
        "recognition_method": text.constant("straight_line", count),
    }
    table = pa.concat_tables([pa.table(listed), _extra_prices()])
    start = np.full(len(table), clock.start)
    steady = {
        "is_tax_inclusive": pa.array(np.zeros(len(table), dtype=bool)),
        "is_active": pa.array(np.ones(len(table), dtype=bool)),
        "observed_at": text.stamps(text.seconds(start)),
    }
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    whole = pa.table(base(columns.pop("source_id"), start) | columns | steady)
    key = {"price_source_id": keys.take(pa.array(history.row))}
    return whole, changes(history, "PRC", 1, key, history.at)


def _extra_prices() -> pa.Table:
    """Prices that are no recurring revenue, in each currency."""
    kind, currency = (index.ravel() for index in np.indices((len(EXTRAS), len(CURRENCIES))))
    count = len(kind)
    cents = np.rint(np.array([extra[4] for extra in EXTRAS])[kind] / START_RATES[currency]).astype(np.int64)
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        {
            "source_id": extra_keys(kind, currency),
            "plan_source_id": nothing,
            "product_source_id": nothing,
            "unit_amount": cents_text(np.maximum(cents, 1)),
            "currency_code": text.names(CURRENCIES, currency),
            "billing_period": text.names([extra[1] for extra in EXTRAS], kind),
            "billing_period_count": pa.array(np.ones(count)),
            "charge_model": text.names([extra[2] for extra in EXTRAS], kind),
            "recognition_method": text.names([extra[3] for extra in EXTRAS], kind),
        }
    )


def tier_table(parameters: Parameters, clock: Clock) -> pa.Table:
    """Tiers of the prices that have them."""
    products = np.array([TIERED, VOLUME])
    product, currency, period, tier = (
        index.ravel() for index in np.indices((2, len(CURRENCIES), len(PERIODS), len(TIERS)))
    )
    product = products[product]
    unit, flat = tiers_of(parameters, product, currency, WORTH[period])
    rows = np.arange(len(product))
    low = np.array([entry[0] for entry in TIERS])
    key = price_keys(product, currency, period)
    last = tier == len(TIERS) - 1
    return pa.table(
        base(text.join("-", key, text.identifiers("", tier + 1, 1)), np.full(len(rows), clock.start))
        | {
            "price_source_id": key,
            "from_quantity": pa.array(low[tier]),
            "to_quantity": pa.array(np.append(low, 0)[tier + 1], mask=last),
            "unit_amount": cents_text(unit[rows, tier].astype(np.int64)),
            "flat_amount": cents_text(flat[rows, tier].astype(np.int64)),
        }
    )
