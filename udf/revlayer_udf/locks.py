"""One writer per target: session-level advisory locks, which a killed process cannot leave behind."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from revlayer_udf import queries
from revlayer_udf.errors import Busy

# The first half of the key: locks of this kind. The second is made from the target's name.
LOCK_CLASS = 7_281_003
POLL_SECONDS = 0.2

_SQL = queries.load("revlayer_udf", "queries/publishing.sql")


@contextmanager
def target_lock(conn: psycopg.Connection, target: str, *, wait: bool) -> Iterator[None]:
    """Hold the lock of a target; a session that holds it may take it again.

    Waiting asks again and again instead of blocking inside the server: a blocked statement would hold back
    vacuum for as long as it waits.

    Raises:
        Busy: another session holds it and ``wait`` is False.
    """
    key = int.from_bytes(hashlib.sha256(target.encode()).digest()[:4], signed=True)
    while not _ask(conn, "try_lock", [LOCK_CLASS, key]):
        if not wait:
            holder = _ask(conn, "lock_holder", [LOCK_CLASS, key & 0xFFFFFFFF])
            raise Busy(
                f"another run is publishing {target}" + (f" (server process {holder})" if holder else ""),
                "Try again when it has ended, or wait for it. What is published stays as it is.",
            )
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        # A connection that broke took the lock with it.
        with suppress(psycopg.Error):
            _ask(conn, "unlock", [LOCK_CLASS, key])


def _ask(conn: psycopg.Connection, name: str, key: list[int]) -> object:
    with conn.transaction():
        row = conn.execute(_SQL[name], key).fetchone()
    return row[0] if row else None
