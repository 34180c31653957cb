"""What most people write first: pandas over SQLAlchemy, whole or in chunks."""

from typing import Any

from benchmarks.scoring.data import FEATURES
from benchmarks.scoring.parts.base import Context, Part, Run, require

CHUNK_ROWS = 50_000
# A statement takes at most 65,535 parameters, two to a row here.
MULTI_ROWS = 30_000


def _engine(context: Context) -> Any:
    sqlalchemy = require("sqlalchemy")
    engine = sqlalchemy.create_engine(context.url.replace("postgresql://", "postgresql+psycopg://", 1))
    context.stack.callback(engine.dispose)
    return engine


def _scored(context: Context, frame: Any) -> Any:
    scored = frame[["deal_id"]].copy()
    scored["win_probability"] = context.model.predict(frame[list(FEATURES)].to_numpy())
    return scored


def _pandas(context: Context, **writing: Any) -> Run:
    pandas, engine = require("pandas"), _engine(context)

    def run() -> None:
        with engine.begin() as conn:
            frame = pandas.read_sql(context.query_text(), conn)
            _scored(context, frame).to_sql(
                "predictions", conn, schema="bench", if_exists="append", index=False, **writing
            )

    return run


def _chunks(context: Context) -> Run:
    pandas, engine = require("pandas"), _engine(context)

    def run() -> None:
        with engine.connect().execution_options(stream_results=True) as reading, engine.begin() as writing:
            for frame in pandas.read_sql(context.query_text(), reading, chunksize=CHUNK_ROWS):
                _scored(context, frame).to_sql("predictions", writing, schema="bench", if_exists="append", index=False)

    return run


def _rows(context: Context) -> Run:
    """SQLAlchemy without pandas: rows by yield_per, inserted as dictionaries."""
    numpy, sqlalchemy, engine = require("numpy"), require("sqlalchemy"), _engine(context)
    table = sqlalchemy.table(
        "predictions", sqlalchemy.column("deal_id"), sqlalchemy.column("win_probability"), schema="bench"
    )

    def run() -> None:
        with engine.connect().execution_options(yield_per=CHUNK_ROWS) as reading, engine.begin() as writing:
            for rows in reading.execute(sqlalchemy.text(context.query_text())).partitions():
                matrix = numpy.array([row[1:] for row in rows], dtype=numpy.float64)
                probabilities = context.model.predict(matrix).tolist()
                writing.execute(
                    table.insert(),
                    [
                        {"deal_id": row[0], "win_probability": probability}
                        for row, probability in zip(rows, probabilities, strict=True)
                    ],
                )

    return run


PARTS = (
    Part("pandas", "pandas read_sql, predict, to_sql", "alternative", _pandas),
    Part(
        "pandas_multi", "pandas read_sql, predict, to_sql by method multi", "alternative",
        lambda c: _pandas(c, method="multi", chunksize=MULTI_ROWS),
    ),
    Part("pandas_chunks", "pandas over SQLAlchemy in chunks (stream_results)", "alternative", _chunks),
    Part("sqlalchemy", "SQLAlchemy in chunks (yield_per) without pandas", "alternative", _rows),
)  # fmt: skip
