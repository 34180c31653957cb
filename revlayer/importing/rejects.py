"""Rejected rows wait in a file on disk, so that they survive the rollback of what rejected them."""

import csv
import tempfile
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import IO, NamedTuple

from revlayer.importing.records import EXCERPT_CHARACTERS

_IN_MEMORY_BYTES = 1_048_576


class Reject(NamedTuple):
    """One row that was not taken."""

    table_name: str
    file_name: str
    line_number: int
    reason: str
    row_text: str | None


class Rejects:
    """Collects rejected rows in constant memory.

    Attributes:
        count: how many there are.
        first: the first few, for messages.
    """

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Reject] = []
        self.by_target: Counter[int] = Counter()
        self._file: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (closed by __exit__)
            _IN_MEMORY_BYTES, "w+", encoding="utf-8", newline=""
        )
        self._rows = csv.writer(self._file, quoting=csv.QUOTE_ALL)

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, target: int, reject: Reject) -> None:
        """Keep one row; its text is cut short and freed of what PostgreSQL cannot store."""
        text = _storable((reject.row_text or "")[:EXCERPT_CHARACTERS])
        kept = reject._replace(reason=_storable(reject.reason[:1000]), row_text=text)
        self._rows.writerow(kept)
        self.count += 1
        self.by_target[target] += 1
        if len(self.first) < 10:
            self.first.append(kept)

    def read(self, import_id: int) -> Iterator[list[str]]:
        """Go through them from the first, as rows of ``raw.rejected_rows``."""
        self._file.seek(0)
        for row in csv.reader(self._file):
            yield [str(import_id), *row]
        self._file.seek(0, 2)


def _storable(text: str) -> str:
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")
