"""Training rows of customers: features as of a date, joined with what the customer did in the window after it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from revlayer_training.features import Days, Features, days_of, feature_columns
from revlayer_training.training_rows import read_rows
from revlayer_udf.targets import CUSTOMER

Floats = NDArray[np.float64]

TEXT_FEATURES = ("region", "country_code", "account_segment", "industry", "plan", "lead_source", "behaviour_type")
# Not a feature of a model; baselines and the lower rungs of the ladder read it.
HELPER_TEXTS = ("segment_id",)


@dataclass(frozen=True)
class CustomerDataset(Features):
    """Customers at past dates, columns of equal length N. A label that was not known by the cutoff is NaN, its day NaT.

    Attributes:
        forward_revenue: of the window after the date, reporting currency, returns taken off.
        value_known_on: from when it is known.
        is_churned_contractual: 1 where recurring revenue ended within the window, else 0; NaN where there was none.
        is_churned_noncontractual: 1 where nothing was bought within the window, else 0; NaN where nothing was before.
        is_expanded: 1 where recurring revenue is higher at the end of the window, else 0; NaN where there was none.
        expansion_amount: by how much, per month, reporting currency; 0 where it is not.
    """

    forward_revenue: Floats
    value_known_on: Days
    is_churned_contractual: Floats
    contractual_known_on: Days
    is_churned_noncontractual: Floats
    noncontractual_known_on: Days
    is_expanded: Floats
    expansion_amount: Floats
    expansion_known_on: Days


def load_customers(
    conn: psycopg.Connection, cutoff: date, *, max_rows: int | None = None, seed: int = 1
) -> CustomerDataset:
    """Read customers at past as-of dates with the labels known by the cutoff; empty where nothing was built.

    Args:
        cutoff: as-of dates and labels after it are not read.
        max_rows: sample whole customers, chosen by a hash of their id, down to about this many rows.
        seed: varies the sample.
    """
    read = read_rows(conn, "customers", cutoff, TEXT_FEATURES, HELPER_TEXTS, max_rows, seed)
    return empty() if read is None else from_arrow(read.table, read.numbers, read.texts)


def from_arrow(table: pa.Table, number_features: tuple[str, ...], text_features: tuple[str, ...]) -> CustomerDataset:
    """Build a dataset from the columns that ``training_rows`` selects.

    Raises:
        FeatureError: float32 cannot hold a number feature.
    """
    return CustomerDataset(
        **feature_columns(table, CUSTOMER.key, number_features, text_features, HELPER_TEXTS),
        forward_revenue=np.asarray(table["forward_revenue"].to_numpy(), np.float64),
        value_known_on=days_of(table["value_known_on"]),
        is_churned_contractual=np.asarray(table["is_churned_contractual"].to_numpy(), np.float64),
        contractual_known_on=days_of(table["contractual_known_on"]),
        is_churned_noncontractual=np.asarray(table["is_churned_noncontractual"].to_numpy(), np.float64),
        noncontractual_known_on=days_of(table["noncontractual_known_on"]),
        is_expanded=np.asarray(table["is_expanded"].to_numpy(), np.float64),
        expansion_amount=np.asarray(table["expansion_amount"].to_numpy(), np.float64),
        expansion_known_on=days_of(table["expansion_known_on"]),
    )


def empty() -> CustomerDataset:
    """Return a dataset without rows or features."""
    texts, days, numbers = pa.array([], pa.string()), pa.array([], pa.date32()), pa.array([], pa.float64())
    columns = {"customer_id": texts, "segment_id": texts, "as_of_date": days}
    for name in (
        "forward_revenue", "is_churned_contractual", "is_churned_noncontractual", "is_expanded", "expansion_amount",
    ):  # fmt: skip
        columns[name] = numbers
    for name in ("value_known_on", "contractual_known_on", "noncontractual_known_on", "expansion_known_on"):
        columns[name] = days
    return from_arrow(pa.table(columns), (), ())
