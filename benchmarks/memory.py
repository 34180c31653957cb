"""Peak memory of this process and of the embedded server together, sampled while a step runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
