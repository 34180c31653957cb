"""What is owed at a date, and what the published predictions say of it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa

from revlayer_udf import queries, registry
from revlayer_udf.cash.expectation import Floats, OpenInvoices
from revlayer_udf.errors import FeatureError
from revlayer_udf.frames import read_table

# Where no model serves, every invoice is taken to be paid on its due date, and nothing tells by how much that is off.
TERMS, FALLBACK = "terms", "fallback"
# Days by which payments come together earlier or later, of a model that does not say.
_USUAL_SHIFT = 1.0


@dataclass(frozen=True)
class OpenRead:
    """What is owed at a date, and the model that told when it comes; None where none serves."""

    table: pa.Table
    model_version: str | None
    rung: str
    shift: float

    def column(self, name: str) -> Floats:
        """Return numbers [N]."""
        return np.asarray(self.table[name].to_numpy(), np.float64)

    @property
    def invoices(self) -> OpenInvoices:
        """The invoices with their laws; only where a model serves."""
        return OpenInvoices(*(self.column(name) for name in ("days_past_due", "amount", "location_days", "scale_days")))


def read_open_invoices(conn: psycopg.Connection, as_of: date) -> OpenRead:
    """Read the invoices open at a date, by id.

    Raises:
        FeatureError: features were not built, or some invoices were not scored.
    """
    statements = queries.load("revlayer_udf", "cash/queries.sql")
    try:
        with conn.transaction():
            table = read_table(conn, statements["open_invoices"], {"as_of": as_of})
    except psycopg.errors.UndefinedTable:
        raise FeatureError("features.ftr_invoices does not exist", "Run: revlayer build") from None
    versions = {version for version in table["model_version"].to_pylist() if version is not None}
    if not versions:
        return OpenRead(table, None, TERMS, 0.0)
    if missing := table["model_version"].null_count:
        raise FeatureError(
            f"{missing} of {len(table)} invoices open at {as_of} have no prediction",
            "The features were built again after they were scored. Run: revlayer score",
        )
    (version,) = versions
    law = registry.get(conn, version).manifest.extra.get("payment_law")
    shift = law.get("common_shift_days") if isinstance(law, dict) else None
    told = float(shift) if isinstance(shift, int | float) else _USUAL_SHIFT
    return OpenRead(table, version, table["rung"][0].as_py(), told)
