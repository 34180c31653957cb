"""Seconds of a load with events and without, seconds and memory of a check."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from benchmarks.memory import watch_private
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.database.embedded import EmbeddedServer
from revlayer_udf import queries

SQL = queries.load("benchmarks.audit", "data.sql")
ROUNDS = 5
CHUNK = 1 << 16


@dataclass(frozen=True)
class Checked:
    """One check of a chain: seconds, largest private memory of the session that did it in bytes, what it found."""

    events: int
    seconds: float
    peak_bytes: int
    is_intact: bool
    first_broken_event_id: int | None


def loads(conn: psycopg.Connection, rows: int, rounds: int = ROUNDS) -> tuple[list[float], list[float]]:
    """Load that many invoice lines in turn without events and with them; return seconds of both, commit included.

    Args:
        conn: the owner's or an administrator's, of a database in which nobody else works; lines that are there vanish.
    """
    seconds: dict[str, list[float]] = {"unwatched": [], "watched": []}
    for _ in range(rounds):
        lines = _lines(conn, rows)
        for kind, found in seconds.items():
            conn.execute(SQL["unwatched"])
            conn.execute(SQL["empty"])
            conn.execute(SQL[kind])
            conn.commit()
            found.append(_load(conn, lines))
    return seconds["unwatched"], seconds["watched"]


def extend(conn: psycopg.Connection, events: int) -> None:
    """Load lines until the chain has that many events, if it has fewer."""
    (known,) = conn.execute(SQL["count"]).fetchone() or (0,)
    if known < events:
        conn.execute(SQL["unwatched"])
        conn.execute(SQL["empty"])
        conn.execute(SQL["watched"])
        conn.commit()
        _load(conn, _lines(conn, events - known))


def check(settings: Settings) -> Checked:
    """Check the chain in a session of its own."""
    with connect(settings, "reader") as conn, watch_private(conn.info.backend_pid) as peak:
        begun = time.perf_counter()
        is_intact, events, first = conn.execute(SQL["check"]).fetchone() or (False, 0, None)
        seconds = time.perf_counter() - begun
    return Checked(events, seconds, peak.server, is_intact, first)


def tamper(conn: psycopg.Connection, event: int) -> None:
    """Change one byte of an event, as the owner of the tables could."""
    for statement in SQL["tamper"].split(";"):
        conn.execute(sql.SQL(statement).format(event=sql.Literal(event)))
    conn.commit()


def _lines(conn: psycopg.Connection, rows: int) -> list[bytes]:
    query = sql.SQL(SQL["lines"]).format(batch=sql.Literal(time.monotonic_ns()), rows=sql.Literal(rows))
    with conn.cursor().copy(query) as copy:
        text = b"".join(bytes(block) for block in copy)
    return [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]


def _load(conn: psycopg.Connection, lines: Sequence[bytes]) -> float:
    begun = time.perf_counter()
    with conn.cursor().copy(SQL["load"]) as copy:
        for block in lines:
            copy.write(block)
    conn.commit()
    return time.perf_counter() - begun


@contextmanager
def _database(workspace: Path) -> Iterator[Settings]:
    with TemporaryDirectory(dir=workspace) as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        settings = Settings(home=Path(folder) / "home")
        server = EmbeddedServer.of(settings)
        server.start()
        try:
            deploy(settings)
            yield settings
        finally:
            server.remove()


def measured_lines(rows: int, sizes: Sequence[int], workspace: Path, machine: str) -> list[str]:
    """The block of the document.

    Raises:
        SystemExit: a chain is not intact.
    """
    with _database(workspace) as settings:
        checks = []
        with connect(settings) as conn:
            extend(conn, min(sizes))
            for size in sorted(sizes):
                extend(conn, size)
                checks.append(check(settings))
            plain, watched = loads(conn, rows)
        if not all(found.is_intact for found in checks):
            raise SystemExit("the chain is broken")
    plain_seconds, seconds = statistics.median(plain), statistics.median(watched)
    lines = [
        f"{machine} Medians of {ROUNDS} loads each, in turn.", "",
        "| figure | found |", "|---|---:|",
        f"| {rows:,} invoice lines by COPY, without events | {plain_seconds:.2f} s |",
        f"| the same with an event for each | {seconds:.2f} s |",
        f"| with over without | {seconds / plain_seconds:.2f} |",
        f"| an event | {(seconds - plain_seconds) / rows * 1e6:.1f} µs |",
    ]  # fmt: skip
    for found in checks:
        lines.append(
            f"| `audit.verify()` of {found.events:,} events | {found.seconds:.2f} s, its session "
            f"{found.peak_bytes / 2**20:.1f} MiB |"
        )
    return lines
