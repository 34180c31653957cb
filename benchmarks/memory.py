"""Peak memory of this process and of the embedded server together, sampled while a step runs."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL_SECONDS = 0.5


@dataclass
class Peak:
    """Largest proportional set size seen, in bytes: shared pages are counted once, not once per process."""

    client: int = 0
    server: int = 0


@contextmanager
def watch(server_pid: int | None) -> Iterator[Peak]:
    """Sample until the block ends; the peak grows while it runs."""
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        ended = False
        while not ended:
            ended = done.wait(INTERVAL_SECONDS)
            peak.client = max(peak.client, _tree(psutil.Process()))
            if server_pid is not None:
                peak.server = max(peak.server, _tree(psutil.Process(server_pid)))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


@contextmanager
def watch_private(server_pid: int) -> Iterator[Peak]:
    """Sample one process of the server, without the memory it shares with the others."""
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        ended = False
        while not ended:
            ended = done.wait(INTERVAL_SECONDS / 10)
            peak.server = max(peak.server, _private(server_pid))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _private(pid: int) -> int:
    # psutil's unique set size counts shared buffers that only this process has touched.
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[0]) * 1024


def _tree(process: psutil.Process) -> int:
    total = 0
    try:
        members = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in members:
        try:
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
