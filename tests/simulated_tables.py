"""A simulated company as tables, for what its customers and orders must satisfy."""

from datetime import UTC, date, datetime
from functools import cache

import pyarrow as pa

from revlayer.simulator.extent import Extent
from revlayer.simulator.generation import generate

END = date(2025, 6, 30)
END_AT = datetime(2025, 7, 1, tzinfo=UTC)
Company = dict[str, pa.Table]


def make(deals: int = 1_500, seed: int = 1, months: int = 36, shoppers: int | None = 1_500) -> Company:
    extent = None if shoppers is None else Extent(shoppers, installs=0)
    parts: dict[str, list[pa.Table]] = {}
    for name, table in generate(deals, seed, months, END, extent=extent):
        parts.setdefault(name, []).append(table)
    return {name.removeprefix("raw."): pa.concat_tables(tables) for name, tables in parts.items()}


@cache
def small_company(seed: int) -> Company:
    """A company of the default size."""
    return make(seed=seed)


@cache
def large_company() -> Company:
    """Enough accounts and shoppers for shares to settle."""
    return make(deals=8_000, months=48, shoppers=8_000)
