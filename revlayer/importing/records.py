"""Split a CSV file into records, in constant memory, whatever the file holds.

Every record that is no blank line comes out exactly once: as fields, or as a problem with its line and reason.
"""

import codecs
import csv
import gzip
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from revlayer.importing.problems import ImportProblem

_BLOCK_BYTES = 524_288
_SKIP_BYTES = 65_536
EXCERPT_CHARACTERS = 500
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(slots=True)
class Line:
    """One physical line; ``problem`` says why its text is not to be used."""

    number: int
    text: str
    problem: str | None = None


@dataclass(slots=True)
class Record:
    """One row of the file, at the line it begins; without ``problem`` it has as many fields as the header."""

    line_number: int
    fields: list[str]
    problem: str | None = None


class _BrokenLineError(Exception):
    """The line at hand cannot be part of a record."""


class _UnclosedQuoteError(Exception):
    """A quoted field runs past the limit, the end of the file or a broken line."""


@dataclass
class _Lines:
    """The physical lines as csv wants them, remembering those of the record at hand so that it can be undone."""

    file: io.BufferedReader
    encoding: str
    limit: int
    number: int = 0
    record: list[Line] = field(default_factory=list)
    size: int = 0
    again: deque[Line] = field(default_factory=deque)
    broken: Line | None = None
    at_end: bool = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.again.popleft() if self.again else self._read()
        if line is None:
            if self.record:
                raise _UnclosedQuoteError
            raise StopIteration
        if self.record:
            self.size += len(line.text)
            if line.problem or self.size > self.limit:
                self.record.append(line)
                raise _UnclosedQuoteError
        else:
            self.size = len(line.text)
            if line.problem:
                self.broken = line
                raise _BrokenLineError
        self.record.append(line)
        return line.text

    def read_block(self) -> list[str]:
        """Return many whole lines at once; none where one of them needs a closer look, or at the end."""
        block = self.file.peek()
        block = block[: block.rfind(b"\n") + 1]
        if not block or b"\0" in block or max(map(len, block.split(b"\n"))) > self.limit:
            return []
        try:
            # Only line feeds end lines here: str.splitlines knows ten more characters.
            texts = list(io.StringIO(block.decode(self.encoding), newline="\n"))
        except UnicodeDecodeError:
            return []
        self.file.read(len(block))
        self.number += len(texts)
        return texts

    def undo(self) -> Line:
        """Take back all lines of the record but its first, which is returned."""
        first, *rest = self.record
        self.again.extendleft(reversed(rest))
        self.record = []
        return first

    def _read(self) -> Line | None:
        raw = self.file.readline(self.limit + 1)
        if not raw:
            self.at_end = True
            return None
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if len(raw) > self.limit and not raw.endswith(b"\n"):
            return self._too_long(raw)
        try:
            text = raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of the line is not {self.encoding}"
            return Line(self.number, raw.decode(self.encoding, "replace"), reason)
        if "\0" in text:
            return Line(self.number, text.replace("\0", "�"), "the line holds a NUL byte")
        return Line(self.number, text)

    def _too_long(self, raw: bytes) -> Line:
        length = len(raw)
        while not raw.endswith(b"\n"):
            chunk = self.file.readline(_SKIP_BYTES)
            if not chunk:
                break
            length += len(chunk)
            # Only the beginning is kept for the report.
            raw = raw[: 4 * EXCERPT_CHARACTERS] + chunk[-1:]
        excerpt = raw[:EXCERPT_CHARACTERS].decode(self.encoding, "replace")
        return Line(self.number, excerpt, f"the line is {length} bytes long; the limit is {self.limit}")


class RecordReader:
    """Iterate over the records of one file. A space as delimiter stands for any number of them.

    Attributes:
        header: names of the columns.
        size: bytes of the file on disk.
    """

    def __init__(self, path: Path, encoding: str, delimiter: str, limit: int) -> None:
        self.path = path
        self.size = path.stat().st_size
        self._disk = path.open("rb", buffering=0)
        raw: Any = gzip.GzipFile(fileobj=self._disk) if path.suffix == ".gz" else self._disk
        stream: io.BufferedReader = io.BufferedReader(raw, _BLOCK_BYTES)
        self._lines = _Lines(stream, _plain_encoding(encoding), limit)
        csv.field_size_limit(max(csv.field_size_limit(), limit))
        self._delimiter = delimiter
        self._rows = self._reader(self._lines)
        self.header = self._read_header()

    def __enter__(self) -> "RecordReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._disk.close()

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._disk.tell()

    def __iter__(self) -> Iterator[list[Record]]:
        """Yield the records block by block; a block is about ``_BLOCK_BYTES`` of the file."""
        while True:
            if not self._lines.again:
                first = self._lines.number + 1
                texts = self._lines.read_block()
                rows = self._parse(texts)
                if rows is not None:
                    yield [self._checked(first + row, fields) for row, fields in enumerate(rows) if fields]
                    continue
                self._lines.again.extend(Line(first + row, text) for row, text in enumerate(texts))
            records = list(self._careful())
            if not records and not self._lines.again and self._lines.at_end:
                return
            yield records

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        # Spaces before a field are skipped, so several between two fields are one.
        return csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=self._delimiter == " ")

    def _parse(self, texts: list[str]) -> list[list[str]] | None:
        """Read whole lines at once; None unless each of them is one row."""
        try:
            rows = list(self._reader(texts))
        except csv.Error:
            return None
        return rows if texts and len(rows) == len(texts) else None

    def _careful(self) -> Iterator[Record]:
        """Record by record, until the lines at hand are used up."""
        lines = self._lines
        while True:
            lines.record = []
            try:
                fields = next(self._rows)
            except StopIteration:
                return
            except _BrokenLineError:
                yield _rejected(lines.broken)
            except _UnclosedQuoteError:
                yield _rejected(lines.undo(), "a quote opens in this line and is not closed")
            except csv.Error as error:
                yield _rejected(lines.undo(), f"not readable as CSV: {error}")
            else:
                if fields:
                    yield self._checked(lines.record[0].number, fields)
            if not lines.again:
                return

    def _checked(self, number: int, fields: list[str]) -> Record:
        width = len(self.header)
        if len(fields) == width:
            return Record(number, fields)
        return Record(number, fields, f"the row has {len(fields)} fields, the header {width}")

    def _read_header(self) -> list[str]:
        name = self.path.name
        if self.size == 0:
            raise ImportProblem(f"{name} is empty: not even a header", "Export it again, or check the path.")
        with self.path.open("rb") as file:
            if file.read(2) in _WIDE_MARKS:
                raise ImportProblem(
                    f"{name} is UTF-16, which is not read", f"Convert it: iconv -f UTF-16 -t UTF-8 {name}"
                )
        try:
            header = next(self._rows)
        except (StopIteration, _UnclosedQuoteError, csv.Error) as error:
            raise ImportProblem(f"the header of {name} is not readable: {error or 'unclosed quote'}") from None
        except _BrokenLineError:
            problem = self._lines.broken.problem if self._lines.broken else ""
            raise ImportProblem(
                f"the header of {name} is not readable: {problem}",
                "Declare the file's encoding in the mapping, or raise line_limit_bytes.",
            ) from None
        except (OSError, EOFError) as error:
            raise ImportProblem(f"{name} is not readable: {error}") from None
        names = [column.strip() for column in header]
        if not any(names):
            raise ImportProblem(f"{name} does not begin with a header", "Its first line must name the columns.")
        return names


def _rejected(line: Line | None, reason: str | None = None) -> Record:
    assert line is not None
    return Record(line.number, [line.text.rstrip("\r\n")], line.problem or reason)


def _plain_encoding(encoding: str) -> str:
    """Return an encoding in which a line break is one byte, so that lines can be cut before decoding."""
    printable = "".join(map(chr, range(32, 127))) + "\r\n"
    try:
        if printable.encode(encoding) == printable.encode("ascii"):
            return encoding
    except (LookupError, UnicodeError):
        raise ImportProblem(
            f"there is no encoding {encoding!r}", "Common ones: utf-8, cp1252, iso-8859-15, shift_jis."
        ) from None
    if encoding.lower().replace("_", "-") == "utf-8-sig":
        return "utf-8"
    raise ImportProblem(f"the encoding {encoding!r} is not read", "Convert the file to UTF-8 (iconv).")
