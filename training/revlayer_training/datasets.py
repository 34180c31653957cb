"""Training rows: features as of a date, joined with what became of the deal later.

Everything is read from ``features``; a value known only at closing is a label and never a feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from revlayer_training.features import Days, Features, days_of, feature_columns
from revlayer_udf import queries
from revlayer_udf.frames import read_table
from revlayer_udf.targets import DEAL

TEXT_FEATURES = (
    "stage_name", "industry", "region", "account_segment", "product_family", "lead_source", "deal_type",
    "forecast_category",
)  # fmt: skip
NUMBER_FEATURES = (
    "deal_age_days", "days_in_stage", "stage_order", "stage_crm_probability", "amount_reporting",
    "initial_amount_reporting", "amount_change_rate", "list_price_reporting", "planned_user_count",
    "discount_rate", "contract_months", "lead_score", "competitor_count", "has_champion", "has_budget",
    "has_decision_maker", "days_to_expected_close", "expected_close_push_count",
    "expected_close_pull_count", "stage_change_count", "stage_backward_count", "amount_change_count",
    "owner_change_count", "activity_count_7d", "activity_count_30d", "activity_count_90d",
    "activity_count", "call_count_30d", "email_count_30d", "meeting_count_30d", "inbound_count_30d",
    "days_since_last_activity", "decision_maker_activity_count", "objection_handled_count",
    "owner_open_deal_count", "owner_closed_deal_count_365d", "owner_win_rate_365d",
    "account_won_deal_count", "account_lost_deal_count", "segment_win_rate_365d", "employee_count",
    "annual_revenue_amount", "month_sin", "month_cos", "days_to_quarter_end",
)  # fmt: skip
ATTRIBUTE_PREFIX = "attr_"
# Not features of every model; baselines, the lower rungs of the ladder and the deal's value read them.
HELPER_TEXTS = ("segment_id",)
HELPER_NUMBERS = ("list_value_reporting",)


@dataclass(frozen=True)
class Dataset(Features):
    """Deals at past dates, columns of equal length N.

    Attributes:
        closed_on, closed_known_on: NaT while the deal is open.
        is_won: True where the deal closed as won.
        won_amount: reporting currency, NaN unless won.
        created_on: creation dates.
    """

    created_on: Days
    closed_on: Days
    closed_known_on: Days
    is_won: NDArray[np.bool_]
    won_amount: NDArray[np.float64]


def load_dataset(conn: psycopg.Connection, cutoff: date, *, max_rows: int | None = None, seed: int = 1) -> Dataset:
    """Read open deals at past as-of dates with the outcomes known by the cutoff.

    Args:
        cutoff: as-of dates and outcomes after it are not read.
        max_rows: sample whole deals, chosen by a hash of their id, down to about this many rows.
        seed: varies the sample.
    """
    statements = queries.load("revlayer_training", "queries/datasets.sql")
    share = _sample_share(conn, statements, cutoff, max_rows)
    columns = {name for (name,) in conn.execute(statements["feature_columns"]).fetchall()}
    numbers = conn.execute(statements["attribute_columns"], ["double precision"]).fetchall()
    texts = conn.execute(statements["attribute_columns"], ["text"]).fetchall()
    number_features = tuple(n for n in NUMBER_FEATURES if n in columns) + tuple(n for (n,) in numbers)
    text_features = tuple(n for n in TEXT_FEATURES if n in columns) + tuple(n for (n,) in texts)
    listed = sql.SQL(", ").join(
        sql.SQL("f.{}").format(sql.Identifier(name)) for name in (*number_features, *text_features, *HELPER_TEXTS)
    )
    listed += sql.SQL(", ") + sql.SQL(", ").join(_column_or_null(name, columns) for name in HELPER_NUMBERS)
    query = sql.SQL(statements["training_rows"]).format(columns=listed)
    parameters = {"cutoff": cutoff, "seed": str(seed), "threshold": round(share * 65536)}
    table = read_table(conn, query, parameters)
    return from_arrow(table, number_features, text_features)


def _column_or_null(name: str, columns: set[str]) -> sql.Composable:
    # Features that an earlier version built lack it until the next build.
    value = sql.SQL("f.{}") if name in columns else sql.SQL("null::double precision as {}")
    return value.format(sql.Identifier(name))


def from_arrow(table: pa.Table, number_features: Sequence[str], text_features: Sequence[str]) -> Dataset:
    """Build a dataset from the columns that ``training_rows`` selects, in their order.

    Raises:
        FeatureError: float32 cannot hold a number feature.
    """
    helpers = [name for name in HELPER_NUMBERS if name in table.column_names]
    return Dataset(
        **feature_columns(table, DEAL.key, number_features, text_features, HELPER_TEXTS, helpers),
        created_on=days_of(table["created_on"]),
        closed_on=days_of(table["closed_on"]),
        closed_known_on=days_of(table["closed_known_on"]),
        is_won=np.asarray(table["is_won"].fill_null(False).to_numpy(), bool),
        won_amount=np.asarray(table["won_amount"].to_numpy(), np.float64),
    )


def _sample_share(conn: psycopg.Connection, statements: dict[str, str], cutoff: date, max_rows: int | None) -> float:
    if max_rows is None:
        return 1.0
    row = conn.execute(statements["row_count"], {"cutoff": cutoff}).fetchone()
    count = row[0] if row else 0
    return min(1.0, max_rows / count) if count else 1.0
