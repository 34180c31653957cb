"""CSV files of submissions and targets: good rows are appended, bad ones kept with their reason."""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from psycopg.rows import class_row

from revlayer.importing.mapping import ValueSpec
from revlayer.importing.problems import ImportProblem
from revlayer.importing.records import EXCERPT_CHARACTERS, Record, RecordReader
from revlayer.importing.values import Reader
from revlayer_udf import frames, queries

_LINE_LIMIT_BYTES = 100_000
_WHOLE_DIGITS = 16
_INCOMING = sql.Identifier("incoming")


@dataclass(frozen=True)
class Column:
    """One column of a file; ``default`` fills what is empty, ``{author}`` stands for who imports it."""

    kind: Literal["text", "number", "date", "timestamp"] = "text"
    required: bool = False
    default: str | None = None


@dataclass(frozen=True)
class FileKind:
    """One kind of file: the table of planning that it goes to, and its columns."""

    table_name: str
    columns: Mapping[str, Column]


_WHOSE = {"segment_id": Column(default="(all)"), "owner_id": Column(), "team_path": Column()}
SUBMISSIONS = FileKind(
    "submissions",
    {
        "period_start_on": Column("date", required=True),
        "category": Column(required=True),
        "amount": Column("number", required=True),
        "currency_code": Column(required=True),
        "kind": Column(default="submission"),
        "period_type": Column(default="month"),
        **_WHOSE,
        "author": Column(default="{author}"),
        "submitted_at": Column("timestamp"),
        "note": Column(),
    },
)
TARGETS = FileKind(
    "targets",
    {
        "month_start_on": Column("date", required=True),
        "target_amount": Column("number", required=True),
        "currency_code": Column(required=True),
        **_WHOSE,
        "author": Column(default="{author}"),
        "stated_at": Column("timestamp"),
    },
)


@dataclass(frozen=True)
class Named:
    """A segment, owner, team or currency that rows of a file name, and how many do."""

    name_kind: str
    name: str
    row_count: int


@dataclass(frozen=True)
class Imported:
    """What came of a file: read = accepted + repeated + rejected.

    Attributes:
        first_rejects: the first rejected rows as (line, reason).
        named: what the rows that were not rejected name.
    """

    import_id: int
    read_count: int
    accepted_count: int
    repeated_count: int
    rejected_count: int
    first_rejects: list[tuple[int, str]] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)


def import_file(
    conn: psycopg.Connection,
    kind: FileKind,
    path: Path,
    *,
    zone: str = "UTC",
    fiscal_start_month: int = 1,
    dry_run: bool = False,
) -> Imported:
    """Append the rows of a file; rows that are there already are counted and left out.

    Args:
        conn: of the role planner, without an open transaction.
        zone: time zone of times that name none.
        fiscal_start_month: month the fiscal year begins in, 1 to 12: where quarters begin.
        dry_run: check everything, keep nothing.

    Raises:
        ImportProblem: the file cannot be read, or lacks a column, or has one that is not known.
    """
    statements = queries.load("revlayer", "people/queries.sql")
    with RecordReader(path, "utf-8", ",", _LINE_LIMIT_BYTES) as reader:
        _check_header(kind, path.name, reader.header)
        records = [record for block in reader for record in block]
        header = reader.header
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    named = {"table_name": kind.table_name, "file_name": path.name, "file_sha256": digest}
    with conn.transaction(force_rollback=dry_run):
        (author,) = conn.execute(statements["author"]).fetchone() or ("",)
        defaults = {"{author}": str(author)}
        conn.execute(statements[f"incoming_{kind.table_name}"])
        frames.copy_in(conn, _INCOMING, _typed(kind, header, records, defaults, ZoneInfo(zone)))
        for step in ("judge", "twin", "known"):
            statement = statements[f"{step}_{kind.table_name}"]
            conn.execute(statement, {"fiscal_start_month": fiscal_start_month})
        found = conn.cursor(row_factory=class_row(Imported)).execute(statements["record_import"], named).fetchone()
        assert found is not None, "insert returning"
        given = {"import_id": found.import_id}
        conn.execute(statements[f"keep_{kind.table_name}"], given)
        conn.execute(statements["keep_rejects"], given)
        rejects = conn.execute(statements["first_rejects"]).fetchall()
        names = conn.cursor(row_factory=class_row(Named)).execute(statements["named"]).fetchall()
        return replace(found, first_rejects=rejects, named=names)


def _check_header(kind: FileKind, name: str, header: list[str]) -> None:
    known = ", ".join(kind.columns)
    missing = [column for column, about in kind.columns.items() if about.required and column not in header]
    unknown = [column for column in header if column not in kind.columns]
    twice = sorted({column for column in header if header.count(column) > 1})
    for columns, complaint in ((missing, "lacks"), (unknown, "has unknown columns:"), (twice, "names twice:")):
        if columns:
            raise ImportProblem(
                f"{name} {complaint} {', '.join(columns)}",
                f"A file of {kind.table_name} has these columns: {known}. Nothing was imported.",
            )


def _typed(
    kind: FileKind, header: list[str], records: list[Record], defaults: Mapping[str, str], zone: ZoneInfo
) -> pa.Table:
    """Return the rows in types, null where a value cannot be read and with the reason beside it."""
    count = len(records)
    reasons: list[str | None] = [record.problem for record in records]
    blank = [""] * len(header)
    fields = [blank if record.problem else record.fields for record in records]
    columns: dict[str, pa.Array] = {"line_number": pa.array([record.line_number for record in records], pa.int64())}
    for name, about in kind.columns.items():
        place = header.index(name) if name in header else None
        text = pa.array([None if place is None else row[place] for row in fields], pa.string())
        text = pc.utf8_trim_whitespace(text)
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        default = None if about.default is None else defaults.get(about.default, about.default)
        spec = ValueSpec.model_validate({"from": [name], "default": default, "required": about.required})
        read = Reader(name, spec, about.kind, zone, _WHOLE_DIGITS, is_exact=True).read([text], count)
        columns[name] = read.array
        for row, reason in read.reasons.items():
            reasons[row] = reasons[row] or reason
    columns["reason"] = pa.array(reasons, pa.string())
    columns["row_text"] = pa.array([_row_text(record) for record in records], pa.string())
    return pa.table(columns)


def _row_text(record: Record) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(record.fields)
    return text.getvalue()[:EXCERPT_CHARACTERS].replace("\0", "�")
