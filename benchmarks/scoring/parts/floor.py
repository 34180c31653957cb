"""The stages of a stream, each alone: what no program that goes through them can beat."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from psycopg import sql

from benchmarks.scoring.data import PREDICTIONS, SQL
from benchmarks.scoring.models import first_rows
from benchmarks.scoring.parts.base import COLUMN_LIST, TABLE, Context, Part, Run
from benchmarks.scoring.parts.product import selection
from revlayer_udf.copying import BLOCK_ROWS, RowWriter, encode, read_blocks
from revlayer_udf.runtime import Inputs, Scorer

# Scored again and again, so that the stage does not wait for memory.
BLOCKS = 8
WRITE_ROWS = 100_000


def _copy_out(context: Context) -> Run:
    conn = context.connect()

    def run() -> None:
        for _ in read_blocks(conn, selection(context.model.manifest)):
            pass

    return run


def _copy_out_plain(context: Context) -> Run:
    conn = context.connect()
    statement = sql.SQL(SQL["copy_out_plain"]).format(columns=COLUMN_LIST, table=TABLE)

    def run() -> None:
        with conn.cursor() as cursor, cursor.copy(statement) as copy:
            for _ in copy:
                pass

    return run


def _onnxruntime(context: Context) -> Run:
    with context.connect() as conn:
        x = first_rows(conn, BLOCKS * BLOCK_ROWS)
    scorer = Scorer(context.model.artefact, context.model.manifest)
    texts = np.empty((BLOCK_ROWS, 0), object)
    starts = [number * BLOCK_ROWS % len(x) for number in range(-(-context.rows // BLOCK_ROWS))]
    counts = [min(BLOCK_ROWS, context.rows - number * BLOCK_ROWS) for number in range(len(starts))]

    def score(start: int, count: int) -> None:
        block = x[start : start + count]
        scorer.score(Inputs(len(block), block, texts[: len(block)], str))

    def run() -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(score, starts, counts))

    return run


def _copy_in(context: Context) -> Run:
    conn = context.connect()
    blocks = [_encoded(start, min(WRITE_ROWS, context.rows - start)) for start in range(0, context.rows, WRITE_ROWS)]

    def run() -> None:
        with conn.transaction(), RowWriter(conn, PREDICTIONS, ["deal_id", "win_probability"]) as writer:
            for block in blocks:
                writer.write(block)

    return run


def _encoded(start: int, count: int) -> pa.Buffer:
    ids = [f"deal-{number:010}" for number in range(start + 1, start + count + 1)]
    probabilities = np.random.default_rng(start).random(count)
    return encode(pa.RecordBatch.from_pydict({"deal_id": ids, "win_probability": probabilities}))


PARTS = (
    Part("copy_out", "copy out alone", "floor", _copy_out, predictions=None),
    Part("copy_out_plain", "copy out alone, one field per column", "floor", _copy_out_plain, predictions=None),
    Part("onnxruntime", "ONNX Runtime alone", "floor", _onnxruntime, predictions=None),
    Part("copy_in", "copy in alone", "floor", _copy_in, predictions=None),
)
