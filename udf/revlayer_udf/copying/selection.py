"""What is read for scoring, and how a row of it lies in binary COPY.

A row is: the count of fields (2 bytes), the numbers, the texts, the kept columns.

Numbers travel as double precision, null as NaN, so every row begins with the same number of bytes. The server
spends most of its time calling one send function per field; PostgreSQL's geometric types send several doubles
with one call, so four numbers travel as one ``lseg`` and two as one ``point``: 40 % less of the server's time.
The cast to float32 is the reader's: numpy makes infinity and zero of what is out of range, where the server
raises an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from revlayer_udf import queries

FIELD_COUNT_BYTES = 2
LENGTH_BYTES = 4
NUMBER_BYTES = 8

_SQL = queries.load("revlayer_udf", "queries/copying.sql")


@dataclass(frozen=True)
class Selection:
    """Columns of a query, each by its use.

    Attributes:
        query: a select, parameters as literals in it.
        numbers: features that are numbers, in the model's order.
        texts: features that are texts, in the model's order.
        kept: columns that pass through to the predictions as they are, of any type; the first names the row.
        flags: which of the numbers are boolean columns.
    """

    query: sql.Composable
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    kept: tuple[str, ...]
    flags: frozenset[str] = frozenset()

    def statement(self) -> sql.Composed:
        """Return the COPY that sends the rows."""
        numbers = [self._piece("flag" if name in self.flags else "number", name) for name in self.numbers]
        fields = [
            *(sql.SQL(_SQL[f"group_of_{size}"]).format(*numbers[at : at + size]) for at, size in self.groups()),
            *(self._piece("text", name) for name in self.texts),
            *map(sql.Identifier, self.kept),
        ]
        return sql.SQL(_SQL["copy_out"]).format(columns=sql.SQL(", ").join(fields), query=self.query)

    def groups(self) -> Iterator[tuple[int, int]]:
        """Yield (first number, count) of every field that carries numbers."""
        start, left = 0, len(self.numbers)
        while left:
            size = 4 if left >= 4 else 2 if left >= 2 else 1
            yield start, size
            start, left = start + size, left - size

    @property
    def fixed_bytes(self) -> int:
        """Bytes of a row before its texts."""
        return FIELD_COUNT_BYTES + sum(LENGTH_BYTES + size * NUMBER_BYTES for _, size in self.groups())

    @staticmethod
    def _piece(name: str, column: str) -> sql.Composed:
        return sql.SQL(_SQL[name]).format(column=sql.Identifier(column))
