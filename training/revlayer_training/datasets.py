"""Training rows: features as of a date, joined with what became of the deal later.

Everything is read from ``features``; a value known only at closing is a label and never a feature.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.ipc
from numpy.typing import NDArray
from psycopg import sql

from revlayer_training.precision import as_float32
from revlayer_training.preprocessing import Texts
from revlayer_udf import queries
from revlayer_udf.frames import read_table

Days = NDArray[np.datetime64]

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
# Not features of a model; baselines and the lower rungs of the ladder read them.
HELPER_TEXTS = ("segment_id",)


@dataclass(frozen=True)
class Dataset:
    """Columns of equal length N.

    Attributes:
        numbers: float32 [N] by feature, null = NaN.
        texts: text columns by feature, with ``segment_id``.
        number_features, text_features: what a model may use, in order.
        deal: number of the deal of each row (rows of one deal share it).
        as_of: as-of dates.
        closed_on, closed_known_on: NaT while the deal is open.
        is_won: True where the deal closed as won.
        won_amount: reporting currency, NaN unless won.
        created_on: creation dates.
        fingerprint: SHA-256 over the ordered content.
    """

    numbers: dict[str, NDArray[np.float32]]
    texts: dict[str, Texts]
    number_features: tuple[str, ...]
    text_features: tuple[str, ...]
    deal: NDArray[np.int64]
    deal_ids: NDArray[np.object_]
    as_of: Days
    created_on: Days
    closed_on: Days
    closed_known_on: Days
    is_won: NDArray[np.bool_]
    won_amount: NDArray[np.float64]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.deal)

    def take(self, rows: NDArray[np.bool_]) -> "Dataset":
        """Return the rows of a mask."""
        arrays: dict[str, Any] = {
            name: getattr(self, name)[rows]
            for name in ("deal", "deal_ids", "as_of", "created_on", "closed_on", "closed_known_on", "is_won",
                         "won_amount")
        }  # fmt: skip
        return replace(
            self, **arrays,
            numbers={name: column[rows] for name, column in self.numbers.items()},
            texts={name: column.take(rows) for name, column in self.texts.items()},
        )  # fmt: skip

    def numeric(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [N, K] in the order of ``names``."""
        if not names:
            return np.empty((len(self), 0), np.float32)
        return np.column_stack([self.numbers[name] for name in names])

    def categorical(self, names: Sequence[str]) -> NDArray[np.object_]:
        """Return strings [N, C] in the order of ``names``."""
        if not names:
            return np.empty((len(self), 0), object)
        return np.column_stack([self.texts[name].values() for name in names])

    @property
    def segments(self) -> Texts:
        """The segment of each row."""
        return self.texts["segment_id"]


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
    query = sql.SQL(statements["training_rows"]).format(columns=listed)
    parameters = {"cutoff": cutoff, "seed": str(seed), "threshold": round(share * 65536)}
    table = read_table(conn, query, parameters)
    return from_arrow(table, number_features, text_features)


def from_arrow(table: pa.Table, number_features: Sequence[str], text_features: Sequence[str]) -> Dataset:
    """Build a dataset from the columns that ``training_rows`` selects, in their order.

    Raises:
        FeatureError: float32 cannot hold a number feature.
    """
    deal = table["deal_id"].combine_chunks().dictionary_encode()
    return Dataset(
        numbers={name: as_float32(name, np.asarray(table[name].to_numpy(), np.float64)) for name in number_features},
        texts={name: _texts(table[name]) for name in (*text_features, *HELPER_TEXTS)},
        number_features=tuple(number_features),
        text_features=tuple(text_features),
        deal=np.asarray(deal.indices.to_numpy(zero_copy_only=False), np.int64),
        deal_ids=table["deal_id"].to_numpy(),
        as_of=_days(table["as_of_date"]),
        created_on=_days(table["created_on"]),
        closed_on=_days(table["closed_on"]),
        closed_known_on=_days(table["closed_known_on"]),
        is_won=np.asarray(table["is_won"].fill_null(False).to_numpy(), bool),
        won_amount=np.asarray(table["won_amount"].to_numpy(), np.float64),
        fingerprint=fingerprint(table),
    )


def fingerprint(table: pa.Table) -> str:
    """SHA-256 over column names, types and the ordered content, whatever the batches it came in."""
    digest = hashlib.sha256(str(len(table)).encode())
    for name in table.column_names:
        column = table[name].combine_chunks()
        digest.update(f"\x1f{name}\x1f{column.type}\x1f".encode())
        for start in range(0, len(column), 65536):
            # Slices are copied so that equal content has equal buffers.
            part = pa.concat_arrays([column.slice(start, 65536)])
            sink = pa.BufferOutputStream()
            batch = pa.record_batch([part], names=[name])
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            digest.update(sink.getvalue())
    return digest.hexdigest()


def _sample_share(conn: psycopg.Connection, statements: dict[str, str], cutoff: date, max_rows: int | None) -> float:
    if max_rows is None:
        return 1.0
    row = conn.execute(statements["row_count"], {"cutoff": cutoff}).fetchone()
    count = row[0] if row else 0
    return min(1.0, max_rows / count) if count else 1.0


def _texts(column: pa.ChunkedArray) -> Texts:
    encoded = column.fill_null("").combine_chunks().dictionary_encode()
    indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
    return Texts(encoded.dictionary.to_pylist(), indices)


def _days(column: pa.ChunkedArray) -> Days:
    return np.asarray(column.to_numpy(), "datetime64[D]")
