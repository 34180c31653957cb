"""One import: one transaction that takes the good rows of all files, or none when a file cannot be read."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from revlayer.errors import BusyError
from revlayer.importing.batches import BatchMaker
from revlayer.importing.catalogue import Catalogue
from revlayer.importing.mapping import Mapping
from revlayer.importing.mapping_file import read_mapping
from revlayer.importing.merging import merge
from revlayer.importing.plan import Plan, make_plans
from revlayer.importing.problems import ImportProblem
from revlayer.importing.records import Record, RecordReader
from revlayer.importing.rejects import Rejects
from revlayer.importing.staging import Staging
from revlayer.importing.summary import ImportSummary, TargetSummary
from revlayer_udf import queries

Progress = Callable[[str, int, int], None]

_SQL = queries.load("revlayer", "importing/queries.sql")
# The first half of the advisory lock's key; the second is made from the source's name.
_LOCK_CLASS = 7_281_005


def import_mapping(
    conn: psycopg.Connection,
    mapping_path: Path,
    data_directory: Path,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportSummary:
    """Import the files of a mapping; importing the same files again changes nothing.

    Rows that cannot be taken go to ``raw.rejected_rows`` with file, line and reason, also when the import as a
    whole fails. All else happens in one transaction.

    Args:
        conn: a connection of the loader without an open transaction.
        mapping_path: the mapping file (docs/importing.md).
        data_directory: folder of the CSV files; they are never looked for outside it.
        dry_run: check everything, keep nothing.
        progress: told what is read, bytes done and bytes in all.

    Raises:
        ImportProblem: the mapping or a file cannot be used as it is; the message says what to do.
        BusyError: the same source is being imported by another session.
    """
    mapping, digest = read_mapping(Path(mapping_path))
    with _alone(conn, mapping.source_name), Rejects() as rejects:
        run = _Run(conn, mapping, Path(mapping_path), rejects, progress or (lambda what, done, total: None))
        if dry_run:
            with conn.transaction(force_rollback=True):
                return run.summary(None, run.load(Path(data_directory)))
        import_id = _start(conn, mapping.source_name, digest)
        try:
            with conn.transaction():
                summary = run.summary(import_id, run.load(Path(data_directory)))
                _end(conn, import_id, rejects, "finished", summary)
            return summary
        except BaseException as error:
            _record_failure(conn, import_id, rejects, error)
            raise


class _Run:
    def __init__(
        self, conn: psycopg.Connection, mapping: Mapping, mapping_path: Path, rejects: Rejects, progress: Progress
    ) -> None:
        self.conn = conn
        self.mapping = mapping
        self.mapping_path = mapping_path
        self.rejects = rejects
        self.progress = progress

    def load(self, data_directory: Path) -> list[TargetSummary]:
        plans = make_plans(self.mapping, self.mapping_path, Catalogue(self.conn), data_directory)
        for plan in plans:
            self._check_header(plan)
        summaries: list[TargetSummary] = []
        loaded: list[Staging] = []
        for plan in plans:
            try:
                summaries.append(self._load_target(plan, loaded))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                raise ImportProblem(
                    f"{plan.target.label}: the database refuses a value: {_first_line(error)}",
                    "Nothing was imported. Correct the file.",
                ) from None
        return summaries

    def _check_header(self, plan: Plan) -> None:
        if plan.path is None:
            plan.check_header(_inline_header(plan))
            return
        with self._open(plan, plan.path) as reader:
            plan.check_header(reader.header)

    def _open(self, plan: Plan, path: Path) -> RecordReader:
        return RecordReader(path, plan.encoding, plan.delimiter, self.mapping.line_limit_bytes)

    def _load_target(self, plan: Plan, loaded: list[Staging]) -> TargetSummary:
        staging = Staging(self.conn, plan, self.mapping.source_name)
        if plan.path is None:
            maker = BatchMaker(plan, _inline_header(plan), self.rejects)
            staging.fill(maker.make([_inline_records(plan)], lambda rows: None))
        else:
            with self._open(plan, plan.path) as reader:
                maker = BatchMaker(plan, reader.header, self.rejects)
                staging.fill(
                    maker.make(_readable(reader, plan), lambda rows: self._tell(plan, reader.position, reader.size))
                )
        staging.check(loaded, self.rejects)
        changed = merge(staging, self.mapping.exported)
        loaded.append(staging)
        rejected = self.rejects.by_target[plan.number]
        counts = maker.counts
        return TargetSummary(plan.target.label, counts.read, counts.read - rejected, rejected, counts.skipped, changed)

    def _tell(self, plan: Plan, done: int, total: int) -> None:
        self.progress(plan.target.label, done, total)

    def summary(self, import_id: int | None, targets: list[TargetSummary]) -> ImportSummary:
        return ImportSummary(self.mapping.source_name, import_id, import_id is None, targets, list(self.rejects.first))


def _readable(reader: RecordReader, plan: Plan) -> Iterator[list[Record]]:
    try:
        yield from reader
    except (OSError, EOFError) as error:
        raise ImportProblem(
            f"{plan.file_name} cannot be read to its end: {error}", "Nothing was imported. Copy the file again."
        ) from None


def _inline_header(plan: Plan) -> list[str]:
    rows = plan.target.rows or []
    return list(dict.fromkeys(name for row in rows for name in row))


def _inline_records(plan: Plan) -> list[Record]:
    header, rows = _inline_header(plan), plan.target.rows or []
    return [Record(number, [row.get(name) or "" for name in header]) for number, row in enumerate(rows, 1)]


def _start(conn: psycopg.Connection, source_name: str, digest: str) -> int:
    with conn.transaction():
        conn.execute(_SQL["close_stale_runs"], [source_name])
        row = conn.execute(_SQL["start_run"], [source_name, digest]).fetchone()
    assert row is not None
    return int(row[0])


def _end(
    conn: psycopg.Connection, import_id: int, rejects: Rejects, status: str, summary: ImportSummary | None,
    error: str | None = None,
) -> None:  # fmt: skip
    with conn.cursor() as cursor, cursor.copy(_SQL["copy_rejects"]) as copy:
        for row in rejects.read(import_id):
            copy.write_row(row)
    read = summary.read_count if summary else rejects.count
    accepted, changed = (summary.accepted_count, summary.changed_count) if summary else (0, 0)
    conn.execute(_SQL["end_run"], [status, error, read, accepted, changed, rejects.count, import_id])


def _record_failure(conn: psycopg.Connection, import_id: int, rejects: Rejects, error: BaseException) -> None:
    # Where the connection is gone, the run stays "running" until the next import of the source closes it.
    with suppress(psycopg.Error), conn.transaction():
        _end(conn, import_id, rejects, "failed", None, str(error)[:2000] or type(error).__name__)


@contextmanager
def _alone(conn: psycopg.Connection, source_name: str) -> Iterator[None]:
    key = [_LOCK_CLASS, int.from_bytes(hashlib.sha256(source_name.encode()).digest()[:4], signed=True)]
    with conn.transaction():
        row = conn.execute(_SQL["try_lock"], key).fetchone()
    if row is None or not row[0]:
        raise BusyError(
            f"the source {source_name} is being imported by another session", "Try again when it has ended."
        )
    try:
        yield
    finally:
        with suppress(psycopg.Error), conn.transaction():
            conn.execute(_SQL["unlock"], key)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
