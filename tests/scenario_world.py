"""A small company's forecast as the marts that scenarios read, and draws of any scenario of it made on their own."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from forecast_world import MEAN_DAYS, World
from psycopg import sql

from revlayer_udf import frames
from revlayer_udf.forecast import forecast, forecast_parts, rows, scenario, spread
from revlayer_udf.forecast.engine import Forecast
from revlayer_udf.forecast.months import Floats, days_to_month_ends, month_end

NAMES = ("win_rate_increase", "deal_size_increase", "pipeline_growth", "cycle_change")
TYPES = {
    pa.string(): "text", pa.float64(): "double precision", pa.date32(): "date", pa.int32(): "integer",
}  # fmt: skip
# What dbt casts.
MONEY = ("mean_amount", "amount", "closed_amount")


def make(seed: int = 5, *, per_month: float = 40.0, as_of: date | None = None, sizes: float = 1.0) -> Forecast:
    """Forecast a world's last month with errors of a year behind it."""
    world = World(seed, per_month=per_month)
    world.expected *= sizes
    history = world.history()
    past = [forecast_parts(world.open_at(month_end(world.last - back)), history) for back in range(6, 0, -1)]
    return forecast(world.open_at(as_of or month_end(world.last)), history, past=past, draws=4000)


def publish(conn: psycopg.Connection, made: Forecast, cycles: list[int]) -> None:
    """Write the marts of a forecast, and of won deals with their days until they were won. Commits."""
    quantiles = rows.quantile_table(made)
    parts = rows.parts_table(made)
    tables = {
        "revenue_forecast_parts": (parts, ()),
        "revenue_forecast_quantiles": (quantiles, MONEY),
        "revenue_forecast_horizon": (scenario.horizon_table(made), MONEY),
        "revenue_scenario_basis": (scenario.basis_table(made), ()),
    }
    for name, (table, money) in tables.items():
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(
                sql.Identifier(field.name),
                sql.SQL("numeric(18, 2)" if field.name in money else TYPES[field.type]),
            )
            for field in table.schema
        )
        conn.execute(sql.SQL("drop table if exists marts.{}").format(sql.Identifier(name)))
        conn.execute(sql.SQL("create temp table landed ({})").format(sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(TYPES[field.type])) for field in table.schema
        )))  # fmt: skip
        frames.copy_in(conn, sql.Identifier("landed"), table)
        conn.execute(sql.SQL("create table marts.{} ({})").format(sql.Identifier(name), columns))
        conn.execute(sql.SQL("insert into marts.{} select * from landed").format(sql.Identifier(name)))
        conn.execute("drop table landed")
    conn.execute("drop table if exists marts.revenue_forecast_monthly, marts.fct_deals")
    conn.execute(
        "create table marts.revenue_forecast_monthly as select month_start_on, segment_id,"
        " closed_amount::numeric(18, 2), (closed_amount::numeric(18, 2) + open_mean::numeric(18, 2)"
        " + created_mean::numeric(18, 2))::numeric(18, 2) as mean_amount from marts.revenue_forecast_parts"
    )
    conn.execute(
        "create table marts.fct_deals as select true as is_won, date '2020-01-01' as created_on,"
        " date '2020-01-01' + days as closed_on from unnest(%s::integer[]) as days",
        [cycles],
    )
    conn.commit()


@dataclass(frozen=True)
class Draws:
    """Revenue by draw: [segments, months, draws], with what is closed."""

    months: Floats

    def quantiles(self, segment: int | None, month: int | None) -> Floats:
        """Return p10, p50 and p90 of a segment or all, of a month or all."""
        held = self.months.sum(axis=0) if segment is None else self.months[segment]
        return np.quantile(held.sum(axis=0) if month is None else held[month], (0.1, 0.5, 0.9))


def draw(made: Forecast, changes: dict[str, float], count: int, seed: int, cycles: list[int]) -> Draws:
    """Draw a scenario deal by deal, by docs/forecast.md: nothing here is of the SQL or of the published draws."""
    rng = np.random.default_rng(seed)
    win, size, growth, cycle = (changes.get(name, 0.0) for name in NAMES)
    ends = days_to_month_ends(made.as_of, len(made.months) - 1)
    common, own, correlation = _factors(made)
    shared = _lognormal(common, correlation, count, rng)
    created = _created_factors(made, count, rng)
    months = np.zeros((len(made.parts.segments), len(ends), count))
    for number, segment in enumerate(made.parts.segments):
        revenue = _open(made, made.deals.segment == segment, (win, size, growth, cycle), ends, count, rng)
        mean = made.parts.created.mean[number] * (1 + growth) * effect(made, segment, win)
        mean = mean * delay(cycles, cycle, ends)[0]
        for month, expected in enumerate(mean):
            value, sigma = made.parts.created.value_mean[number], made.parts.created.value_sigma
            wins = rng.poisson(expected / value * created[month]) if value > 0 else np.zeros(count, int)
            owner = np.repeat(np.arange(count), wins)
            values = value * (1 + size) * np.exp(sigma * rng.standard_normal(len(owner)) - sigma**2 / 2)
            revenue[month] += np.bincount(owner, values, minlength=count)
        revenue *= shared * _lognormal(own, correlation, count, rng)
        months[number] = revenue + made.parts.closed[number][:, None]
    return Draws(months)


def _factors(made: Forecast) -> tuple[Floats, Floats, float]:
    squares = [
        np.array([spread.expected_square(row) for row in held]) for held in (made.spreads.common, made.spreads.own)
    ]
    return squares[0], squares[1], float(made.spreads.correlation @ spread.CORRELATIONS)


def _lognormal(variance: Floats, correlation: float, count: int, rng: np.random.Generator) -> Floats:
    sigma = np.sqrt(np.log1p(variance))[:, None]
    normal = np.sqrt(correlation) * rng.standard_normal(count)
    normal = normal + np.sqrt(1 - correlation) * rng.standard_normal((len(variance), count))
    return np.asarray(np.exp(sigma * normal - sigma**2 / 2))


def _created_factors(made: Forecast, count: int, rng: np.random.Generator) -> Floats:
    created = made.parts.created
    level = np.stack([rng.gamma(1 / each, each, count) for each in created.level_variance])
    sigma = np.sqrt(np.log1p(created.error_variance))[:, None]
    return np.asarray(level * np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2))


def _open(made: Forecast, rows_: Any, changes: tuple[float, ...], ends: Floats, count: int, rng: Any) -> Floats:
    # More deals are more of the same: each stands for 1 + growth deals, whole ones and one by chance.
    win, size, growth, cycle = changes
    deals, months = made.deals, len(ends)
    revenue = np.zeros((months, count))
    knots = np.array([0, 7, 14, 30, 45, 60, 90, 120, 180, 270, 365.0])
    for row in np.flatnonzero(rows_):
        probability = min(1.0, deals.win_probability[row] * (1 + win))
        copies = int(1 + growth) + (rng.random(count) < (1 + growth) % 1)
        for copy in range(int(copies.max(initial=0))):
            drawn = np.flatnonzero((copies > copy) & (rng.random(count) < probability))
            place = rng.random(len(drawn))
            within = np.r_[0.0, deals.close_cdf[row]]
            days = np.where(place <= within[-1], np.interp(place, within, knots), np.inf) * (1 + cycle)
            month = np.searchsorted(ends, days)
            sigma = deals.value_sigma[row]
            value = deals.value_mean[row] * (1 + size) * np.exp(sigma * rng.standard_normal(len(drawn)) - sigma**2 / 2)
            np.add.at(revenue, (month[month < months], drawn[month < months]), value[month < months])
    return revenue


def effect(made: Forecast, segment: str, win: float) -> float:
    probability = made.deals.win_probability[made.deals.segment == segment]
    return float(np.minimum(1.0, probability * (1 + win)).sum() / probability.sum())


def delay(cycles: list[int], cycle: float, ends: Floats) -> tuple[Floats, Floats]:
    """Wins of deals that arrive evenly, and what is not won of a month's, over wins without a change: by adding up."""
    found = []
    for stretch in (1 + cycle, 1.0):
        grid = np.linspace(0, ends[-1], 200_001)
        known = np.sort(np.array(cycles)) * stretch
        share = np.searchsorted(known, grid, "right") + 5 * (1 - np.exp(-grid / (90 * stretch)))
        total = np.r_[0.0, np.cumsum((share[1:] + share[:-1]) / 2 * np.diff(grid))]
        found.append(np.diff(np.interp(np.r_[0.0, ends], grid, total)))
    waiting = np.diff(np.r_[0.0, ends]) * (len(cycles) + 5) - found[0]
    usable = found[1] > 0
    return (
        np.divide(found[0], found[1], out=np.ones(len(ends)), where=usable),
        np.divide(waiting, found[1], out=np.zeros(len(ends)), where=usable),
    )


CYCLES = [int(day) for day in np.ceil(np.random.default_rng(1).exponential(MEAN_DAYS, 300))]
