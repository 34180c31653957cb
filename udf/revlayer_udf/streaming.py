"""Table in, table out: rows are read, scored and written at the same time, in constant memory.

One thread reads blocks of rows over its own connection, workers decode, score and encode them, and the calling
thread writes them over the other connection, in the order they were read. ONNX Runtime and libpq leave Python's
lock while they work, so the stages run side by side. An error in any of them ends all: the query that reads is
cancelled, the rows written are forgotten by the server, and no thread is left behind.
"""

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer_udf.copying import BLOCK_ROWS, Block, RawBlock, RowWriter, Selection, decode, encode, read_blocks
from revlayer_udf.runtime import Inputs, Scorer, text_objects

# Rows of features to the columns of predictions that follow the kept ones.
Score: TypeAlias = Callable[[Block], pa.RecordBatch]

# Blocks that wait between two stages: enough to bridge a pause of one, few enough not to show in memory.
WAITING_BLOCKS = 2
POLL_SECONDS = 0.1
CANCEL_SECONDS = 5.0


@dataclass
class Streamed:
    """What a stream did.

    Attributes:
        row_count: rows read, scored and written.
        seconds: by stage (read, score, write) the time it was at work, workers added up.
    """

    row_count: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"read": 0.0, "score": 0.0, "write": 0.0})


@dataclass(frozen=True)
class _Scored:
    names: list[str]
    rows: pa.Buffer
    row_count: int
    seconds: float


def score_stream(
    read_conn: psycopg.Connection,
    write_conn: psycopg.Connection,
    selection: Selection,
    score: Scorer | Score,
    table: sql.Composable,
    *,
    progress: Callable[[int], None] = lambda done: None,
    workers: int | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Streamed:
    """Score a query's rows into a table, in one transaction of each connection.

    Args:
        read_conn: reads; one statement, so one state of the tables.
        write_conn: another connection; writes. Both commit unless a transaction is open already.
        selection: the query and the use of its columns.
        score: makes the prediction columns of a block; a ``Scorer`` gives all its predictions, named as
            ``scorer_columns`` says. Called by several threads at once.
        table: has the kept columns and those that ``score`` returns.
        progress: told the rows written so far, in the calling thread.
        workers: threads that score; as many as this process may use processors.

    Raises:
        FeatureError, PredictionError: whatever ``score`` raises.
        psycopg.Error: of either connection.
    """
    work = scorer_columns(score) if isinstance(score, Scorer) else score
    count = workers or _processors()
    streamed = Streamed()
    with ExitStack() as stack:
        stack.enter_context(write_conn.transaction())
        reader = stack.enter_context(_reading(read_conn, selection, block_rows, streamed))
        pool = stack.enter_context(_working(count))
        waiting: deque[Future[_Scored]] = deque()
        writer: RowWriter | None = None
        for scored in _in_order(reader, pool, waiting, count + WAITING_BLOCKS, selection, work):
            started = time.perf_counter()
            if writer is None:
                writer = stack.enter_context(RowWriter(write_conn, table, [*selection.kept, *scored.names]))
            writer.write(scored.rows)
            streamed.row_count += scored.row_count
            streamed.seconds["score"] += scored.seconds
            streamed.seconds["write"] += time.perf_counter() - started
            progress(streamed.row_count)
    return streamed


def scorer_columns(scorer: Scorer) -> Score:
    """Return what makes a block's prediction columns with a scorer: one column per output of width 1, named as
    the output, and ``<output>_1`` … for wider ones."""

    def score(block: Block) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {}
        for name, values in scorer.score(as_inputs(block)).items():
            if values.ndim == 1:
                columns[name] = pa.array(values, pa.string())
            elif values.shape[1] == 1:
                columns[name] = pa.array(np.ascontiguousarray(values[:, 0]))
            else:
                columns |= {f"{name}_{i + 1}": pa.array(values[:, i].copy()) for i in range(values.shape[1])}
        return pa.RecordBatch.from_pydict(columns)

    return score


def as_inputs(block: Block) -> Inputs:
    """Return a block as a scorer takes it."""
    return Inputs(block.num_rows, block.numeric, text_objects(block.texts, block.num_rows), block.name)


def _processors() -> int:
    usable = getattr(os, "sched_getaffinity", None)  # Linux knows how many this process may use
    return len(usable(0)) if usable else os.cpu_count() or 1


def _in_order(
    reader: "_Reader",
    pool: ThreadPoolExecutor,
    waiting: deque[Future[_Scored]],
    limit: int,
    selection: Selection,
    work: Score,
) -> Iterator[_Scored]:
    for raw in reader.blocks():
        waiting.append(pool.submit(_score, selection, raw, work))
        while len(waiting) >= limit or (waiting and waiting[0].done()):
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _score(selection: Selection, raw: RawBlock, work: Score) -> _Scored:
    started = time.perf_counter()
    block = decode(selection, raw)
    columns = work(block)
    if columns.num_rows != block.num_rows:
        raise ValueError(f"{columns.num_rows} predictions for {block.num_rows} rows")
    rows = encode(columns, block.kept, len(selection.kept))
    return _Scored(columns.schema.names, rows, block.num_rows, time.perf_counter() - started)


@contextmanager
def _working(count: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(count, thread_name_prefix="score")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class _Reader(threading.Thread):
    """Reads blocks into a queue until the end, an error, or until it is told to stop."""

    def __init__(self, conn: psycopg.Connection, selection: Selection, block_rows: int, streamed: Streamed) -> None:
        super().__init__(name="read", daemon=True)
        self._conn = conn
        self._selection = selection
        self._block_rows = block_rows
        self._streamed = streamed
        self._queue: queue.Queue[RawBlock | BaseException | None] = queue.Queue(WAITING_BLOCKS)
        self._stopped = threading.Event()
        # Held while a cancel is on its way: it must meet the query that reads, not what follows it.
        self._cancelling = threading.Lock()
        self._receiving = False

    def run(self) -> None:
        try:
            with closing(read_blocks(self._conn, self._selection, self._block_rows)) as blocks:
                while self._put(block := self._receive(blocks)) and block is not None:
                    pass
        except BaseException as error:
            self._put(error)

    def blocks(self) -> Iterator[RawBlock]:
        """Yield the blocks, or raise what ended the reading."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """End the reading, wherever it is, and wait for it."""
        self._stopped.set()
        while self.is_alive():
            with self._cancelling, suppress(psycopg.Error):  # a connection that broke has nothing to cancel
                if self._receiving:
                    self._conn.cancel_safe(timeout=CANCEL_SECONDS)
            self.join(CANCEL_SECONDS)

    def _receive(self, blocks: Iterator[RawBlock]) -> RawBlock | None:
        started = time.perf_counter()
        with self._cancelling:
            self._receiving = not self._stopped.is_set()
        try:
            return next(blocks, None) if self._receiving else None
        finally:
            with self._cancelling:
                self._receiving = False
            self._streamed.seconds["read"] += time.perf_counter() - started

    def _put(self, item: RawBlock | BaseException | None) -> bool:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._queue.put(item, timeout=POLL_SECONDS)
                return True
        return False


@contextmanager
def _reading(conn: psycopg.Connection, selection: Selection, block_rows: int, streamed: Streamed) -> Iterator[_Reader]:
    reader = _Reader(conn, selection, block_rows, streamed)
    reader.start()
    try:
        yield reader
    except BaseException:
        reader.stop()
        raise
    reader.join()
