"""Which form an ensemble takes."""

from typing import Literal

from revlayer_udf.compiler.forests.case import DEPTH_LIMIT
from revlayer_udf.ensemble import Ensemble

# From benchmarks/scoring/forms.py on PostgreSQL 18: a CASE takes about 7 µs a leaf to parse and plan, in every
# statement. Below this many leaves that is less than what it gains over a statement of a thousand rows.
CASE_LEAF_LIMIT = 20_000


def form_of(ensemble: Ensemble, asked: str) -> Literal["case", "table"]:
    """Return the form asked for, or of ``auto`` the faster one; trees too deep to nest always take the table."""
    if asked == "table" or ensemble.depth > DEPTH_LIMIT:
        return "table"
    if asked == "case":
        return "case"
    # Each target has a CASE of its own.
    return "case" if ensemble.leaf_count * ensemble.target_count <= CASE_LEAF_LIMIT else "table"
