"""Tax of the simulated company, which is registered in every country it sells to.

Rates are those of the countries, simplified; where several fit, the most particular holds: region, then class, then
kind of customer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.billing.columns import base, days_text
from revlayer.simulator.billing.parameters import NEVER, SERVICE_CLASS, TAX_CLASSES
from revlayer.simulator.clock import Array, Clock, Index, Mask
from revlayer.simulator.world import COUNTRIES

CODES: Final = tuple(code for group in COUNTRIES for code in group)
#: Regions with a tax of their own.
REGIONS: Final = {"US": ("CA", "NY", "TX", "WA"), "CA": ("ON", "QC", "BC")}
CLASSES: Final = ("standard", "digital", SERVICE_CLASS)
#: Country, region, class, kind of customer, rate, reverse charge, valid from, valid to (ISO; None: open).
RATES: Final = (
    ("US", None, None, None, 0.0, False, "2000-01-01", None),
    ("US", "NY", None, None, 0.08875, False, "2000-01-01", None),
    ("US", "TX", None, None, 0.066, False, "2000-01-01", None),
    ("US", "TX", "service", None, 0.0825, False, "2000-01-01", None),
    ("US", "WA", None, None, 0.101, False, "2000-01-01", "2024-01-01"),
    ("US", "WA", None, None, 0.1025, False, "2024-01-01", None),
    ("CA", None, None, None, 0.05, False, "2000-01-01", None),
    ("CA", "ON", None, None, 0.13, False, "2000-01-01", None),
    ("CA", "QC", None, None, 0.14975, False, "2000-01-01", None),
    ("CA", "BC", None, None, 0.12, False, "2000-01-01", None),
    ("BR", None, None, None, 0.029, False, "2000-01-01", None),
    ("DE", None, None, None, 0.19, False, "2000-01-01", None),
    ("FR", None, None, None, 0.2, False, "2000-01-01", None),
    ("FR", None, None, "business", 0.0, True, "2000-01-01", None),
    ("GB", None, None, None, 0.2, False, "2000-01-01", None),
    ("NL", None, None, None, 0.21, False, "2000-01-01", None),
    ("NL", None, None, "business", 0.0, True, "2000-01-01", None),
    ("CH", None, None, None, 0.077, False, "2000-01-01", "2024-01-01"),
    ("CH", None, None, None, 0.081, False, "2024-01-01", None),
    ("JP", None, None, None, 0.1, False, "2000-01-01", None),
    ("SG", None, None, None, 0.07, False, "2000-01-01", "2023-01-01"),
    ("SG", None, None, None, 0.08, False, "2023-01-01", "2024-01-01"),
    ("SG", None, None, None, 0.09, False, "2024-01-01", None),
    ("AU", None, None, None, 0.1, False, "2000-01-01", None),
    ("AU", None, "digital", "consumer", 0.1, False, "2000-01-01", None),
)


def _day(value: str | None) -> int:
    return NEVER if value is None else int(np.datetime64(value, "D").astype(np.int64))


def tax_class_of(product: Index) -> Index:
    """Position in the classes; what belongs to no product is service."""
    return np.append(np.array([CLASSES.index(name) for name in TAX_CLASSES]), CLASSES.index(SERVICE_CLASS))[product]


def rate_of(country: Index, region: Index, tax_class: Index, is_business: Mask, day: Index) -> Index:
    """Position in RATES of the rate of each entry, or -1: the most particular one valid on the day.

    Args:
        country: position in the simulated world's countries.
        region: position in REGIONS of the country, or -1.
    """
    found = np.full(len(day), -1, dtype=np.int64)
    particular = [sum(4 >> k for k in range(3) if rate[1 + k] is not None) for rate in RATES]
    for k in np.argsort(particular, kind="stable"):
        code, part, of_class, kind, _rate, _reverse, valid_from, valid_to = RATES[k]
        fits = (country == CODES.index(code)) & (day >= _day(valid_from)) & (day < _day(valid_to))
        if part is not None:
            fits &= region == REGIONS[code].index(part)
        if of_class is not None:
            fits &= tax_class == CLASSES.index(of_class)
        if kind is not None:
            fits &= is_business == (kind == "business")
        found[fits] = k
    return found


def shares() -> Array:
    """Rate by position in RATES; the last entry is for -1."""
    return np.array([rate[4] for rate in RATES] + [0.0])


def is_reverse_charge() -> Mask:
    return np.array([rate[5] for rate in RATES] + [False])


def rate_keys(rate: Index) -> pa.Array:
    return text.identifiers("TR", rate + 1, 3, rate < 0)


def rate_table(clock: Clock) -> pa.Table:
    """All rates, known from the start of the history or from half a year before they begin."""
    rows = np.arange(len(RATES))
    country, region, tax_class, kind, rate, reverse, *_ = (pa.array(column) for column in zip(*RATES, strict=True))
    starts = np.array([_day(entry[6]) for entry in RATES])
    ends = np.array([_day(entry[7]) for entry in RATES])
    known = np.minimum(np.maximum(starts - 180.0, clock.start), clock.end - 1)
    return pa.table(
        base(rate_keys(rows), known)
        | {
            "name": text.join(" ", country, pa.array([f"{entry[4]:.5g}" for entry in RATES])),
            "country_code": country,
            "region_code": region,
            "tax_class": tax_class,
            "customer_kind": kind,
            "rate": rate,
            "is_reverse_charge": reverse,
            "valid_from": days_text(starts),
            "valid_to": days_text(np.minimum(ends, 10**5), ends == NEVER),
        }
    )
