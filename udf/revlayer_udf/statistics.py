"""What a run predicted, in figures: of all its rows and by segment."""

from collections.abc import Sequence

import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import frames, queries
from revlayer_udf.publishing import Run

# Quantiles of a larger run are those of about this many of its rows, taken by hash: sorting all of them would
# take as long as scoring them.
QUANTILE_ROWS = 100_000

_SQL = queries.load("revlayer_udf", "queries/statistics.sql")


def record_statistics(
    conn: psycopg.Connection,
    run: Run,
    parent: str,
    outputs: Sequence[str],
    relation: sql.Identifier,
    dimensions: Sequence[str],
) -> None:
    """Describe the rows a run has written, in scoring.run_statistics.

    Args:
        conn: of the role scorer.
        parent: prediction table of deals.
        outputs: its number columns that are described.
        relation: features, by deal_id and as_of_date.
        dimensions: text columns of it; each value is a segment. A deal without one is 'Unknown'.
    """
    mask = (1 << max((run.row_count // QUANTILE_ROWS).bit_length(), 0)) - 1
    parts = {
        "table": run.table(parent),
        "relation": relation,
        "values": sql.SQL(", ").join(_value(name) for name in outputs),
        "mask": sql.Literal(mask),
    }
    described = [sql.SQL(_SQL["describe_all"]).format(**parts)]
    for name in dimensions:
        named = parts | {"dimension": sql.Literal(name), "column": sql.Identifier(name)}
        described.append(sql.SQL(_SQL["describe_segments"]).format(**named))
    with conn.transaction():
        for query in described:
            found = frames.read_table(conn, query)
            run_ids = pa.repeat(pa.scalar(run.run_id, pa.int64()), found.num_rows)
            frames.copy_in(conn, sql.Identifier("scoring", "run_statistics"), found.append_column("run_id", run_ids))


def _value(name: str) -> sql.Composed:
    return sql.SQL(_SQL["value"]).format(name=sql.Literal(name), column=sql.Identifier(name))
