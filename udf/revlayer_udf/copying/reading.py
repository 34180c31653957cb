"""Binary COPY out, as blocks of undecoded rows."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Wait

from revlayer_udf import queries
from revlayer_udf.copying.selection import Selection
from revlayer_udf.errors import FrameError

# Enough rows that the cost of a block does not show, few enough that its features stay in the cache.
BLOCK_ROWS = 8_192
# Rows joined at once. What libpq allocates for so few stays in the cache and is used again for the next; rows held
# one by one until a whole block is there cost four times the processor time.
PIECE_ROWS = 128
# A block of long texts ends earlier, so memory does not depend on the data.
BLOCK_BYTES = 16 * 2**20

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
TRAILER = b"\xff\xff"
_NOTHING_YET = (0, b"")

_SQL = queries.load("revlayer_udf", "queries/copying.sql")


@dataclass(frozen=True)
class RawBlock:
    """Rows as the server sent them.

    Attributes:
        data: the rows, one after the other.
        lengths: int64 [N], bytes of each.
    """

    data: bytes
    lengths: NDArray[np.int64]


def read_blocks(conn: psycopg.Connection, selection: Selection, block_rows: int = BLOCK_ROWS) -> Generator[RawBlock]:
    """Stream the rows of a selection; closing the generator cancels the query.

    Args:
        conn: busy until the generator is exhausted or closed.
        block_rows: most rows of a block.

    Raises:
        FrameError: the server speaks another version of the format.
        psycopg.Error: of the query, or of the connection.
    """
    pieces: list[RawBlock] = []
    rows = size = 0
    with closing(_read_pieces(conn, selection, min(block_rows, PIECE_ROWS))) as found:
        for piece in found:
            pieces.append(piece)
            rows, size = rows + len(piece.lengths), size + len(piece.data)
            if rows + PIECE_ROWS > block_rows or size > BLOCK_BYTES:
                yield _joined(pieces)
                pieces, rows, size = [], 0, 0
        if pieces:
            yield _joined(pieces)


def _joined(pieces: list[RawBlock]) -> RawBlock:
    return RawBlock(b"".join(piece.data for piece in pieces), np.concatenate([piece.lengths for piece in pieces]))


def _read_pieces(conn: psycopg.Connection, selection: Selection, piece_rows: int) -> Generator[RawBlock]:
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(_SQL["encoding"])
        with cursor.copy(selection.statement()) as copy:
            rest = _without_header(bytes(copy.read()))
            # The server sends the header with the first row, and the trailer alone.
            waiting: list[Any] = [] if rest == TRAILER else [rest]
            ended = not waiting
            while not ended:
                ended = conn.wait(_receive(conn.pgconn, waiting, piece_rows))
                if waiting:
                    yield _block(waiting)
                waiting = []
            copy.read()  # takes the end of the copy, or its error


def _receive(pgconn: PGconn, messages: list[Any], limit: int) -> Generator[Wait, Any, bool]:
    """Append rows to the list until it is full; return whether they were the last.

    One message is one row. Psycopg's own iterator waits, checks and wraps for each; at 1 µs a row that is half
    the cost of reading.
    """
    append, size = messages.append, sum(map(len, messages))
    while True:
        for count, data in iter(partial(pgconn.get_copy_data, 1), _NOTHING_YET):
            if count <= len(TRAILER):  # a row has at least its count of fields and a length
                if count != len(TRAILER):
                    raise _broken_off(pgconn)
                return True
            append(data)
            size += count
            if size > BLOCK_BYTES or len(messages) >= limit:
                return False
        yield Wait.R
        pgconn.consume_input()


def _broken_off(pgconn: PGconn) -> Exception:
    """Take what the server sent instead of more rows: its error."""
    error: Exception = FrameError("the server ended the rows without their trailer", "Run it again.")
    while (result := pgconn.get_result()) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            error = psycopg.errors.error_from_result(result)
    if pgconn.status == ConnStatus.BAD:  # libpq's own report carries no error code
        error = psycopg.OperationalError(str(error))
    return error


def _without_header(message: bytes) -> bytes:
    start = len(SIGNATURE) + 8
    flags = message[len(SIGNATURE) : start]
    if not message.startswith(SIGNATURE) or flags != bytes(8):
        raise FrameError(f"the server's binary COPY begins with {message[:start]!r}", "Is it PostgreSQL 14 or later?")
    return message[start:]


def _block(messages: list[Any]) -> RawBlock:
    return RawBlock(b"".join(messages), np.fromiter(map(len, messages), np.int64, len(messages)))
