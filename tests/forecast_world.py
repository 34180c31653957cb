"""A company that follows the forecast's assumptions exactly, as arrays and as feature tables."""

from datetime import date, timedelta

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import frames
from revlayer_udf.forecast import ClosedDeals, OpenDeals
from revlayer_udf.forecast.months import month_end, month_number, month_of
from revlayer_udf.forecast.pipeline import KNOT_DAYS

FIRST = month_number(date(2021, 1, 1))
MEAN_DAYS = 60.0
#: What is known until something else is.
END = np.datetime64("9999-12-31")


class World:
    """Deals that follow the forecast's assumptions exactly: memoryless cycles, lognormal values."""

    def __init__(self, seed: int, months: int = 48, per_month: float = 40.0, common: float = 0.0) -> None:
        rng = np.random.default_rng(seed)
        self.last = FIRST + months - 1
        starts = np.repeat(FIRST + np.arange(months), rng.poisson(per_month, months))
        count = len(starts)
        days = rng.integers(0, 28, count)
        self.created = starts.astype("datetime64[M]").astype("datetime64[D]") + days
        self.probability = rng.beta(1.2, 2.8, count)
        self.is_won = rng.random(count) < self.probability
        days = np.maximum(1, np.ceil(rng.exponential(MEAN_DAYS, count))).astype(np.int64)
        self.closed = self.created + days
        self.expected = np.exp(rng.normal(9.0, 0.6, count))
        spread = np.sqrt(np.log1p(common**2))
        factor = np.exp(spread * rng.standard_normal(months + 200) - spread**2 / 2)
        noise = np.exp(0.8 * rng.standard_normal(count) - 0.32)
        self.value = self.expected * noise * factor[np.minimum(month_of(self.closed) - FIRST, months + 199)]
        names = np.array(["Large / North", "Large / South", "Small / North"])
        self.segment = names[rng.integers(0, 3, count)]

    def history(self) -> ClosedDeals:
        known = self.closed <= np.datetime64(month_end(self.last))
        until = np.full(len(self.closed), END)
        columns = (self.segment, self.created, self.created, self.closed, self.closed, until, self.is_won)
        amount = np.where(self.is_won, self.value, 0.0)
        return ClosedDeals(*(column[known] for column in columns), amount[known])

    def is_open(self, as_of: date) -> np.ndarray:
        return (self.created <= np.datetime64(as_of)) & (self.closed > np.datetime64(as_of))

    def open_at(self, as_of: date) -> OpenDeals:
        rows = self.is_open(as_of)
        cdf = np.tile(1 - np.exp(-np.array(KNOT_DAYS) / MEAN_DAYS), (int(rows.sum()), 1))
        sigma = np.full(len(cdf), 0.8)
        columns = (self.segment, self.probability, self.expected)
        return OpenDeals(as_of, *(column[rows] for column in columns), sigma, cdf, self.created[rows])

    def actual(self, month: int) -> float:
        return float(self.value[self.is_won & (month_of(self.closed) == month)].sum())


def create_feature_tables(conn: psycopg.Connection, world: World, as_of_dates: list[date]) -> None:
    """Make the tables of features and labels with the columns that a forecast reads. Commits."""
    conn.execute(
        "create table features.ftr_deals (deal_id text, as_of_date date, segment_id text, created_on date,"
        " expected_close_on date, forecast_amount decimal(18, 2), stage_crm_probability double precision,"
        " amount double precision, amount_reporting double precision, list_value_reporting double precision,"
        " lead_score double precision, stage_name text, days_in_stage double precision)"
    )
    conn.execute(
        "create table features.lbl_deal_removals (deal_id text, known_from_on date, known_to_on date,"
        " left_open_on date)"
    )
    conn.execute(
        "create table features.lbl_deal_closings (deal_id text, known_from_on date, known_to_on date, segment_id text,"
        " created_on date, created_known_on date, closed_on date, closed_known_on date, is_won boolean,"
        " won_amount_reporting decimal(18, 2))"
    )
    for as_of in as_of_dates:
        frames.copy_in(conn, sql.Identifier("features", "ftr_deals"), _open_rows(world, as_of))
    frames.copy_in(conn, sql.Identifier("features", "lbl_deal_closings"), _closed_rows(world))
    conn.commit()


def tell_later(conn: psycopg.Connection, day: date) -> None:
    """After a day, reopen or correct closings known by then, and close a deal that was not. Commits."""
    days = {"after": day + timedelta(days=1), "day": day}
    found = conn.execute(
        "with corrected as (update features.lbl_deal_closings"
        " set known_to_on = %(after)s::date + (hashtext(deal_id) & 7)"
        " where known_from_on <= %(day)s and hashtext(deal_id) %% 3 = 0 returning *)"
        " insert into features.lbl_deal_closings select deal_id, known_to_on, '9999-12-31', segment_id, created_on,"
        " created_known_on, closed_on, closed_known_on, is_won, 1 from corrected where hashtext(deal_id) %% 6 = 0",
        days,
    )
    assert found.rowcount > 0
    conn.execute(
        "insert into features.lbl_deal_closings select 'later', %(after)s, '9999-12-31', segment_id, created_on,"
        " created_known_on, %(after)s, %(after)s, true, 1e6 from features.lbl_deal_closings limit 1",
        days,
    )
    conn.commit()


def _open_rows(world: World, as_of: date) -> pa.Table:
    deals = world.open_at(as_of)
    count = len(deals)
    return pa.table(
        {
            "deal_id": pa.array([f"crm:{number}" for number in np.flatnonzero(world.is_open(as_of))]),
            "as_of_date": pa.array([as_of] * count),
            # The source may leave anything unsaid.
            "segment_id": pa.array(deals.segment.astype(object), mask=np.arange(count) % 17 == 0),
            "created_on": pa.array(deals.created_on),
            "expected_close_on": pa.array(
                [as_of + timedelta(days=int(days)) for days in np.arange(count) % 90 - 10],
                mask=np.arange(count) % 11 == 0,
            ),
            "forecast_amount": pa.array(np.round(deals.value_mean, 2), mask=np.arange(count) % 13 == 0),
            "stage_crm_probability": pa.array(deals.win_probability, mask=np.arange(count) % 7 == 0),
            "amount": pa.array(deals.value_mean),
            "amount_reporting": pa.array(deals.value_mean),
            "list_value_reporting": pa.array(deals.value_mean),
            "lead_score": pa.array(np.zeros(count)),
            "stage_name": pa.array(["proposal"] * count),
            "days_in_stage": pa.array(np.arange(count) % 5 * 23.0, mask=np.arange(count) % 23 == 0),
        }
    )


def _closed_rows(world: World) -> pa.Table:
    closed = world.history()
    known = world.closed <= np.datetime64(month_end(world.last))
    count = len(closed)
    return pa.table(
        {
            "deal_id": pa.array([f"crm:{number}" for number in np.flatnonzero(known)]),
            "segment_id": pa.array(closed.segment.astype(object), pa.string()),
            "created_on": pa.array(closed.created_on),
            "created_known_on": pa.array(closed.created_known_on, mask=np.arange(count) % 5 == 0),
            "closed_on": pa.array(closed.closed_on),
            "closed_known_on": pa.array(closed.closed_on),
            "known_from_on": pa.array(closed.known_from_on),
            "known_to_on": pa.array(closed.known_to_on),
            "is_won": pa.array(closed.is_won),
            "won_amount_reporting": pa.array(np.round(closed.amount, 2), mask=np.arange(count) % 19 == 0),
        }
    )
