"""What a run predicted, in figures: of all its rows and by segment."""

from collections.abc import Sequence

import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf import frames, queries
from revlayer_udf.publishing import Run
from revlayer_udf.targets import Target

# Quantiles of a larger run are those of about this many of its rows, taken by hash: sorting all of them would
# take as long as scoring them.
QUANTILE_ROWS = 100_000

_SQL = queries.load("revlayer_udf", "queries/statistics.sql")


def record_statistics(
    conn: psycopg.Connection,
    run: Run,
    target: Target,
    outputs: Sequence[str],
    dimensions: Sequence[str],
) -> None:
    """Describe the rows a run has written, in scoring.run_statistics.

    Args:
        conn: of the role scorer.
        target: what was predicted.
        outputs: the number columns of its table that are described.
        dimensions: text columns of its features; each value is a segment. A row without one is 'Unknown'.
    """
    mask = (1 << max((run.row_count // QUANTILE_ROWS).bit_length(), 0)) - 1
    table, key = run.table(target.table), sql.Identifier(target.entity.key)
    described = [
        _describe("(all)", sql.SQL(_SQL["every_row"]), sql.SQL(_SQL["run"]).format(table=table), outputs, key, mask)
    ]
    joined = sql.SQL(_SQL["run_and_features"]).format(table=table, relation=target.entity.identifier, key=key)
    for name in dimensions:
        segment = sql.SQL(_SQL["segment"]).format(column=sql.Identifier(name))
        described.append(_describe(name, segment, joined, outputs, key, mask))
    with conn.transaction():
        conn.execute(_SQL["work_mem"])
        for query in described:
            found = frames.read_table(conn, query)
            run_ids = pa.repeat(pa.scalar(run.run_id, pa.int64()), found.num_rows)
            frames.copy_in(conn, sql.Identifier("scoring", "run_statistics"), found.append_column("run_id", run_ids))


def _describe(
    dimension: str,
    segment: sql.Composable,
    source: sql.Composable,
    outputs: Sequence[str],
    key: sql.Identifier,
    mask: int,
) -> sql.Composed:
    parts = [_parts(name, place) for place, name in enumerate(outputs)]
    lists = {
        of: sql.SQL(", ").join(sql.SQL(_SQL[piece]).format(**part) for part in parts)
        for of, piece in (("moments", "moment"), ("quantiles", "quantile"), ("outputs", "output"))
    }
    return sql.SQL(_SQL["describe"]).format(
        dimension=sql.Literal(dimension), segment=segment, source=source, key=key, mask=sql.Literal(mask), **lists
    )


def _parts(name: str, place: int) -> dict[str, sql.Composable]:
    kinds = ("count", "mean", "deviation", "least", "most", "quantiles")
    made: dict[str, sql.Composable] = {kind: sql.Identifier(f"{kind}_{place}") for kind in kinds}
    return made | {"name": sql.Literal(name), "column": sql.Identifier(name)}
