"""A run of predictions is published whole or not at all.

A run fills tables of its own, outside the partitioned ones that people read. When they are complete, one
short transaction attaches them, supersedes the run before and publishes this one. A process killed anywhere
before its commit leaves a row 'running' and perhaps tables nobody reads: the target's next run removes them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.pq import TransactionStatus

from revlayer_udf import frames, queries
from revlayer_udf.errors import Busy
from revlayer_udf.locks import target_lock

KEEP_RUNS = 5
# Attaching waits for vacuum or DDL on the parent, not for readers; dropping old partitions waits for readers,
# and new readers queue behind it, so it gives up early.
ATTACH_LOCK_TIMEOUT = "2s"
DROP_LOCK_TIMEOUT = "300ms"
ATTEMPTS = 30
RETRY_SECONDS = 1.0

_SQL = queries.load("revlayer_udf", "queries/publishing.sql")


class Run:
    """An unpublished run; made by ``publish_run``.

    Attributes:
        run_id: value of the column run_id in every row written.
        row_count: rows written so far, all tables together.
    """

    def __init__(self, conn: psycopg.Connection, run_id: int, parents: Sequence[str]) -> None:
        self._conn = conn
        self._parents = tuple(parents)
        self.run_id = run_id
        self.row_count = 0

    def write(self, data: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch], parent: str | None = None) -> int:
        """Append rows; the column run_id is put in. Commits; may be called again.

        Args:
            data: columns of the prediction table without run_id.
            parent: which of the run's prediction tables; may be left out when there is one.

        Returns:
            Number of rows written.
        """
        if parent is None and len(self._parents) != 1:
            raise ValueError(f"name one of the run's tables: {', '.join(self._parents)}")
        table = self.table(parent or self._parents[0])
        batches = [data] if isinstance(data, pa.RecordBatch) else data
        batches = batches.to_batches() if isinstance(batches, pa.Table) else batches
        with self._conn.transaction():
            written = frames.copy_in(self._conn, table, (self._with_run_id(batch) for batch in batches))
        self.row_count += written
        return written

    def set_default(self, parent: str, column: str, value: str | int | date) -> None:
        """Let the server fill a column that is the same in every row, as it does run_id and as_of_date."""
        parts = {"table": self.table(parent), "column": sql.Identifier(column), "value": sql.Literal(value)}
        with self._conn.transaction():
            self._conn.execute(sql.SQL(_SQL["set_default"]).format(**parts))

    def record(self, *, has_reasons: bool, scored: int, copied: int, seconds: Mapping[str, float]) -> None:
        """Keep how the run was made; see scoring.run_log.

        Args:
            seconds: by stage.
        """
        self.row_count += scored + copied
        with self._conn.transaction():
            self._conn.execute(_SQL["record"], [has_reasons, scored, copied, self.run_id])
        self.record_timings(seconds)

    def record_timings(self, seconds: Mapping[str, float]) -> None:
        """Keep the seconds of stages of the run: copy, read, score, write, statistics, total."""
        with self._conn.transaction(), self._conn.cursor() as cursor:
            cursor.executemany(_SQL["record_timing"], [(self.run_id, stage, s) for stage, s in seconds.items()])

    def table(self, parent: str) -> sql.Identifier:
        """Return the run's own table for one of its prediction tables."""
        if parent not in self._parents:
            raise ValueError(f"{parent} is not a table of this run: {', '.join(self._parents)}")
        return sql.Identifier("scoring", f"{parent}__run_{self.run_id}")

    def _with_run_id(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        run_ids = pa.repeat(pa.scalar(self.run_id, pa.int64()), batch.num_rows)
        return pa.RecordBatch.from_arrays([run_ids, *batch.columns], names=["run_id", *batch.schema.names])


@contextmanager
def publish_run(
    conn: psycopg.Connection,
    target: str,
    as_of_date: date,
    tables: Sequence[str],
    *,
    model_version: str | None = None,
    keep: int = KEEP_RUNS,
    wait: bool = True,
    alongside: Callable[[Run], object] | None = None,
) -> Iterator[Run]:
    """Write a run inside the block; leaving it publishes the run, an exception discards it.

    Args:
        conn: of the role scorer, outside a transaction; it is committed several times.
        target: what is predicted; one run of a target at a time.
        tables: prediction tables of the schema scoring, partitioned by run_id.
        keep: superseded runs whose predictions are kept.
        wait: queue behind another run of the target, or leave.
        alongside: writes what must stand if and only if the run is published, in the same transaction.

    Raises:
        Busy: another run is at work and ``wait`` is False; or the tables stayed locked.
    """
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("publishing commits, so it needs a connection without an open transaction")
    with target_lock(conn, target, wait=wait):
        _clean_up(conn, target, tables)
        run = _start(conn, target, as_of_date, tables, model_version)
        try:
            yield run
            _analyze(conn, run, tables)
            _retry(conn, ATTACH_LOCK_TIMEOUT, lambda: _publish(conn, target, run, tables, alongside), target)
        except BaseException as error:
            # The reason stays the first error, even if the connection is gone; the next run then cleans up.
            with suppress(psycopg.Error):
                _discard(conn, run, tables, error)
            raise
        _drop_expired(conn, target, tables, keep)


def _start(
    conn: psycopg.Connection, target: str, as_of_date: date, tables: Sequence[str], model_version: str | None
) -> Run:
    with conn.transaction():
        row = conn.execute(_SQL["start"], [target, model_version, as_of_date]).fetchone()
        assert row is not None, "insert returning"
        run = Run(conn, row[0], tables)
        for parent in tables:
            conn.execute(_statement("create_table", run, parent))
            run.set_default(parent, "run_id", run.run_id)
            run.set_default(parent, "as_of_date", as_of_date)
    return run


def _analyze(conn: psycopg.Connection, run: Run, tables: Sequence[str]) -> None:
    with conn.transaction():
        for parent in tables:
            conn.execute(_statement("analyze", run, parent))


def _publish(
    conn: psycopg.Connection, target: str, run: Run, tables: Sequence[str], alongside: Callable[[Run], object] | None
) -> None:
    for parent in tables:
        conn.execute(_statement("attach", run, parent))
    conn.execute(_SQL["supersede"], [target])
    conn.execute(_SQL["publish"], [run.row_count, run.run_id])
    if alongside is not None:
        alongside(run)


def _discard(conn: psycopg.Connection, run: Run, tables: Sequence[str], error: BaseException) -> None:
    conn.rollback()
    with conn.transaction():
        failed = conn.execute(_SQL["fail"], [f"{type(error).__name__}: {error}", run.run_id])
        # Interrupted just after the commit, the run is published and its tables stay.
        for parent in tables if failed.rowcount else ():
            conn.execute(_statement("drop_table", run, parent))


def _clean_up(conn: psycopg.Connection, target: str, tables: Sequence[str]) -> None:
    with conn.transaction():
        conn.execute(_SQL["fail_abandoned"], [target])
        found = conn.execute(_SQL["leftover_tables"], {"target": target, "parents": list(tables)}).fetchall()
        for (name,) in found:
            conn.execute(sql.SQL(_SQL["drop_table"]).format(table=sql.Identifier("scoring", name)))


def _drop_expired(conn: psycopg.Connection, target: str, tables: Sequence[str], keep: int) -> None:
    values = {"target": target, "parents": list(tables), "keep": keep}
    with conn.transaction():
        found = conn.execute(_SQL["expired_tables"], values).fetchall()
    for (name,) in found:
        # A long reader or somebody's view of it keeps an old partition alive; the next run tries again.
        with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DependentObjectsStillExist), conn.transaction():
            conn.execute(_SQL["lock_timeout"], [DROP_LOCK_TIMEOUT])
            conn.execute(sql.SQL(_SQL["drop_table"]).format(table=sql.Identifier("scoring", name)))


def _retry(conn: psycopg.Connection, lock_timeout: str, work: Callable[[], None], target: str) -> None:
    for _ in range(ATTEMPTS):
        try:
            with conn.transaction():
                conn.execute(_SQL["lock_timeout"], [lock_timeout])
                work()
            return
        except psycopg.errors.LockNotAvailable:
            time.sleep(RETRY_SECONDS)
    raise Busy(
        f"the prediction tables of {target} stayed locked for {ATTEMPTS} attempts of {lock_timeout}",
        "End the maintenance or DDL that locks them and run again; what was published stands.",
    )


def _statement(name: str, run: Run, parent: str) -> sql.Composed:
    parts = {
        "table": run.table(parent),
        "parent": sql.Identifier("scoring", parent),
        "run_id": sql.Literal(run.run_id),
    }
    return sql.SQL(_SQL[name]).format(**parts)
