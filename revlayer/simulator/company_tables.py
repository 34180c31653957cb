"""Rows of the tables around deals: stages, owners, products, accounts, exchange rates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.changes import History, Ledger
from revlayer.simulator.clock import Array, Clock, Index, day_number, stream
from revlayer.simulator.deals import price_level
from revlayer.simulator.fates import wrong_spelling
from revlayer.simulator.parameters import CHUNK_DEALS, SOURCE_NAME, STAGES, TERMINAL_STAGES, Parameters
from revlayer.simulator.world import COUNTRIES, CURRENCIES, PRODUCTS, World

ACCOUNT_FIELDS = (
    "industry", "segment", "region", "country_code", "employee_count", "annual_revenue_amount", "owner",
)  # fmt: skip
FIRST_NAMES = ("Ada", "Ben", "Chloe", "Dan", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jun", "Kofi", "Lena")
LAST_NAMES = (
    "Adams",
    "Berg",
    "Costa",
    "Dubois",
    "Evans",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ito",
    "Jensen",
    "Khan",
)
#: The rare currency has no rates before this share of the history, and a gap of this many weeks later.
RARE_CURRENCY, RARE_START, RARE_GAP_WEEKS = 3, 0.3, 8


def _end(clock: Clock, count: int) -> pa.Array:
    return text.stamps(np.full(count, int(clock.end) * text.DAY_SECONDS - 1))


def _base(clock: Clock, source_id: pa.Array, occurred: Index) -> dict[str, pa.Array]:
    count = len(source_id)
    return {
        "source_name": text.constant(SOURCE_NAME, count),
        "source_id": source_id,
        "occurred_at": text.stamps(occurred),
        "recorded_at": text.stamps(occurred),
    }


def _changes(history: History, prefix: str, width: int, first: int, key: str, first_number: int) -> pa.Table:
    """Change rows of entities numbered from `first`; source ids carry the entity's prefix."""
    count = len(history)
    return pa.table(
        {
            "source_name": text.constant(SOURCE_NAME, count),
            "source_id": text.identifiers(f"{prefix}C", first_number + np.arange(count), 9),
            "occurred_at": text.stamps(history.at),
            "recorded_at": text.stamps(history.at),
            "field_name": text.names(history.fields, history.code),
            "old_value": history.old,
            "new_value": history.new,
            key: text.identifiers(prefix, first + history.row, width),
        }
    )


def stage_table(clock: Clock) -> pa.Table:
    """Stages are dated from the start of the history: their definition never changed."""
    rows = [(s.source_id, s.name, s.crm_probability, "open") for s in STAGES] + list(TERMINAL_STAGES)
    ids, stage_names, probabilities, kinds = zip(*rows, strict=True)
    start = np.full(len(rows), int(clock.start) * text.DAY_SECONDS)
    return pa.table(
        _base(clock, pa.array(ids), start)
        | {
            "name": pa.array(stage_names),
            "pipeline_name": text.constant("Sales", len(rows)),
            "sort_order": pa.array(np.arange(1.0, len(rows) + 1)),
            "win_probability": pa.array(probabilities),
            "kind": pa.array(kinds),
            "observed_at": text.stamps(start),
        }
    )


def rate_table(clock: Clock, world: World) -> pa.Table:
    """Weekly rates to US dollars. The rare currency lacks some: amounts in it cannot all be converted."""
    weeks = len(world.rate_days)
    week = np.tile(np.arange(weeks), len(CURRENCIES) - 1)
    currency = np.repeat(np.arange(1, len(CURRENCIES)), weeks)
    gap = int(0.6 * weeks)
    rare_missing = (week < RARE_START * weeks) | ((week >= gap) & (week < gap + RARE_GAP_WEEKS))
    kept = (currency != RARE_CURRENCY) | ~rare_missing
    week, currency = week[kept], currency[kept]
    code = text.names(CURRENCIES, currency)
    day = world.rate_days[week]
    return pa.table(
        _base(clock, text.join("-", code, text.dates(day)), day * text.DAY_SECONDS + 6 * 3600)
        | {
            "from_currency_code": code,
            "to_currency_code": text.constant("USD", len(code)),
            "rate": pa.array(world.rates[week, currency]),
            "rate_on": text.dates(day),
        }
    )


def owner_tables(parameters: Parameters, clock: Clock, world: World) -> tuple[pa.Table, pa.Table]:
    """raw.owners and raw.owner_changes: team moves and departures."""
    owners = world.owners
    count = len(owners.region)
    rows, start = np.arange(count), np.full(count, clock.start)
    ledger = Ledger(("team_path", "is_active"), count, np.full(count, clock.end))

    def team(number: Index) -> pa.Array:
        region = text.names(parameters.regions, owners.region)
        return text.join("/", pa.scalar("Sales"), region, text.identifiers("Team ", number, 1))

    ledger.add("team_path", rows, start, team(owners.team))
    ledger.add("team_path", rows, owners.promoted_at, team(owners.team % 3 + 1))
    ledger.add("is_active", rows, start, text.booleans(np.ones(count, dtype=bool)))
    ledger.add("is_active", rows, owners.left_at, text.booleans(np.zeros(count, dtype=bool)))
    history = ledger.close()
    first = text.names(FIRST_NAMES, rows % len(FIRST_NAMES))
    last = text.names(LAST_NAMES, rows // len(FIRST_NAMES) % len(LAST_NAMES))
    source_id = text.identifiers("U", rows + 1, 5)
    table = pa.table(
        _base(clock, source_id, text.seconds(start))
        | {
            "name": text.join(" ", first, last, source_id),
            "email": text.join("", pc.utf8_lower(source_id), pa.scalar("@example.com")),
            "team_path": history.state["team_path"],
            "is_active": history.state["is_active"],
            "observed_at": _end(clock, count),
        }
    )
    return table, _changes(history, "U", 5, 1, "owner_source_id", 1)


def product_tables(parameters: Parameters, clock: Clock) -> tuple[pa.Table, pa.Table]:
    """raw.products and raw.product_changes: list prices rise every January."""
    count = len(PRODUCTS)
    rows, start = np.arange(count), np.full(count, clock.start)
    ledger = Ledger(("name", "family", "list_price_amount", "currency_code"), count, np.full(count, clock.end))
    for field, values in (
        ("name", [name for name, _ in PRODUCTS]),
        ("family", [family for _, family in PRODUCTS]),
        ("currency_code", ["USD"] * count),
    ):
        ledger.add(field, rows, start, pa.array(values))
    januaries = [day_number(clock.start_on.replace(year=year, month=1, day=1)) for year in
                 range(clock.start_on.year + 1, clock.end_on.year + 1)]  # fmt: skip
    for at in [clock.start, *map(float, januaries)]:
        when = np.full(count, at)
        price = np.array(parameters.list_prices) * price_level(parameters, clock, when)
        ledger.add("list_price_amount", rows, when, text.money(price))
    history = ledger.close()
    table = pa.table(
        _base(clock, text.identifiers("P", rows + 1, 2), text.seconds(start))
        | dict(history.state)
        | {"billing_period": text.constant("month", count), "observed_at": _end(clock, count)}
    )
    return table, _changes(history, "P", 2, 1, "product_source_id", 1)


def account_tables(
    parameters: Parameters, clock: Clock, world: World, seed: int
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """raw.accounts and raw.account_changes, some thousand at a time."""
    total, number = len(world.accounts.segment), 1
    for chunk, low in enumerate(range(0, total, CHUNK_DEALS)):
        rows = np.arange(low, min(low + CHUNK_DEALS, total))
        history = _account_history(parameters, clock, world, rows, stream(seed, "account_dirt", chunk))
        count = len(rows)
        source_id = text.identifiers("A", rows + 1, 6)
        state = {("owner_source_id" if k == "owner" else k): v for k, v in history.state.items()}
        accounts = pa.table(
            _base(clock, source_id, text.seconds(world.accounts.created_at[rows]))
            | state
            | {
                "name": text.identifiers("Account ", rows + 1, 6),
                "currency_code": text.constant("USD", count),
                "observed_at": _end(clock, count),
            }
        )
        yield accounts, _changes(history, "A", 6, low + 1, "account_source_id", number)
        number += len(history)


def _account_history(
    parameters: Parameters, clock: Clock, world: World, rows: Index, random: np.random.Generator
) -> History:
    p, accounts, count = parameters, world.accounts, len(rows)
    at, local = accounts.created_at[rows], np.arange(count)
    ledger = Ledger(ACCOUNT_FIELDS, count, np.full(count, clock.end))
    spelt = [name for industry in p.industries for name in (industry, industry.replace("a", "e", 1).upper())]
    missing = random.random(count) < p.missing_industry_rate
    wrong = wrong_spelling(p, count, random)
    ledger.add("industry", local, at, text.names(spelt, accounts.industry[rows] * 2 + wrong, missing))
    ledger.add("segment", local, at, text.names(p.segments, accounts.segment[rows]))
    changed_at: Array = np.maximum(accounts.segment_change_at[rows], at)
    ledger.add("segment", local, changed_at, text.names(p.segments, accounts.segment_next[rows]))
    ledger.add("region", local, at, text.names(p.regions, accounts.region[rows]))
    codes = [code for group in COUNTRIES for code in group]
    offsets = np.cumsum([0] + [len(group) for group in COUNTRIES])[:3]
    country = offsets[accounts.region[rows]] + accounts.country[rows]
    ledger.add("country_code", local, at, text.names(codes, country))
    known = np.flatnonzero(random.random(count) >= 0.08)
    ledger.add("employee_count", known, at[known], text.numbers(accounts.employees[rows[known]]))
    ledger.add("annual_revenue_amount", known, at[known], text.money(accounts.revenue[rows[known]]))
    ledger.add("owner", local, at, text.identifiers("U", accounts.owner[rows] + 1, 5))
    return ledger.close()
