"""Training rows of invoices: features while one was open, joined with when and how it was settled."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from revlayer_training.features import Days, Features, days_of, feature_columns
from revlayer_training.training_rows import read_rows
from revlayer_udf.targets import INVOICE

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The currency: figures are shown by it, and no model reads it.
HELPER_TEXTS = ("segment_id",)


@dataclass(frozen=True)
class InvoiceDataset(Features):
    """Open invoices at past dates, columns of equal length N.

    Attributes:
        is_paid: whether it was settled by money; False where it was voided, written off, deleted or is open.
        settled_on: when nothing was owed any more; NaT while that was not known by the cutoff.
        settled_known_on: from when that is known, else NaT.
    """

    is_paid: Mask
    settled_on: Days
    settled_known_on: Days

    @property
    def past_due(self) -> Floats:
        """Days from the due date to the as-of date [N]; negative before it."""
        return self.numbers["days_past_due"].astype(np.float64)

    @property
    def due_on(self) -> Days:
        """The due date known on the as-of date [N]."""
        return np.asarray(self.as_of - self.past_due.astype("timedelta64[D]"))


def load_invoices(
    conn: psycopg.Connection, cutoff: date, *, max_rows: int | None = None, seed: int = 1
) -> InvoiceDataset:
    """Read invoices open at past as-of dates, with what the cutoff knew of their end; empty where nothing was built.

    Args:
        cutoff: as-of dates and settlements after it are not read.
        max_rows: sample whole invoices, chosen by a hash of their id, down to about this many rows.
        seed: varies the sample.
    """
    read = read_rows(conn, "invoices", cutoff, (), HELPER_TEXTS, max_rows, seed)
    return empty() if read is None else from_arrow(read.table, read.numbers)


def from_arrow(table: pa.Table, number_features: tuple[str, ...]) -> InvoiceDataset:
    """Build a dataset from the columns that ``training_rows`` selects.

    Raises:
        FeatureError: float32 cannot hold a number feature.
    """
    return InvoiceDataset(
        **feature_columns(table, INVOICE.key, number_features, (), HELPER_TEXTS),
        is_paid=np.asarray(table["is_paid"].fill_null(False).to_numpy(), bool),
        settled_on=days_of(table["settled_on"]),
        settled_known_on=days_of(table["settled_known_on"]),
    )


def empty() -> InvoiceDataset:
    """Return a dataset without rows; its one feature is the one that all else hangs on."""
    texts, days = pa.array([], pa.string()), pa.array([], pa.date32())
    columns = {
        "invoice_id": texts,
        "segment_id": texts,
        "as_of_date": days,
        "days_past_due": pa.array([], pa.float64()),
    }
    columns |= {"is_paid": pa.array([], pa.bool_()), "settled_on": days, "settled_known_on": days}
    return from_arrow(pa.table(columns), ("days_past_due",))
