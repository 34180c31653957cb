"""Arrow both ways by ADBC: read as record batches, written by its bulk ingestion."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from benchmarks.scoring.data import FEATURES
from benchmarks.scoring.parts.base import Context, Part, Run, require

SCHEMA = pa.schema([("deal_id", pa.string()), ("win_probability", pa.float64())])


def _scored(context: Context, batch: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
    matrix = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in FEATURES])
    probabilities = pa.array(context.model.predict(matrix))
    ids = batch.column("deal_id")
    return pa.record_batch([ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids, probabilities], SCHEMA)


def _whole(context: Context) -> Run:
    dbapi = require("adbc_driver_postgresql.dbapi")
    conn = context.stack.enter_context(dbapi.connect(context.url))

    def run() -> None:
        with conn.cursor() as cursor:
            cursor.execute(context.query_text())
            table = cursor.fetch_arrow_table()
        scored = pa.Table.from_batches([_scored(context, table)])
        with conn.cursor() as cursor:
            cursor.adbc_ingest("predictions", scored, mode="append", db_schema_name="bench")
        conn.commit()

    return run


def _batches(context: Context) -> Run:
    dbapi = require("adbc_driver_postgresql.dbapi")
    reading, writing = (context.stack.enter_context(dbapi.connect(context.url)) for _ in range(2))

    def scored() -> Iterator[pa.RecordBatch]:
        with reading.cursor() as cursor:
            cursor.execute(context.query_text())
            for batch in cursor.fetch_record_batch():
                yield _scored(context, batch)

    def run() -> None:
        with writing.cursor() as cursor:
            reader = pa.RecordBatchReader.from_batches(SCHEMA, scored())
            cursor.adbc_ingest("predictions", reader, mode="append", db_schema_name="bench")
        writing.commit()

    return run


PARTS = (
    Part("adbc", "Arrow by ADBC, whole tables", "alternative", _whole),
    Part("adbc_batches", "Arrow by ADBC, batch by batch over two connections", "alternative", _batches),
)
