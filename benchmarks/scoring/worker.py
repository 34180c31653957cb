"""One measurement in a process of its own, so that memory and processor time are its own and a failure ends it alone.

``python -m benchmarks.scoring.worker`` reads what is asked from standard input and prints one line, both JSON.
"""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import psutil
import psycopg
from psycopg import sql

from benchmarks.memory import watch
from benchmarks.scoring.data import COMMA, FEATURES, SQL, empty_predictions
from benchmarks.scoring.models import load
from benchmarks.scoring.parts import PARTS, Context, Part, Unavailable
from revlayer_udf import frames
from revlayer_udf.runtime import numeric_matrix

CHECKED_ROWS = 1_000
TOLERANCE = 1e-5
# Of the machine's memory; what needs more is refused by the system and told as such, instead of being killed.
MOST_MEMORY = 0.6


@dataclass
class Measured:
    """One run of one part.

    Attributes:
        seconds: wall time; None where the part did not run, for the reason.
        client_cpu, server_cpu: processor seconds of this process, and of the whole server.
        client_bytes: peak of this process beyond the copy of the model and the libraries it started with.
        figures: of parts that measure something else.
    """

    seconds: float | None = None
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    client_bytes: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reason: str | None = None


def main() -> int:
    """Measure what is asked for."""
    limit = int(MOST_MEMORY * psutil.virtual_memory().total)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        found = answer(**json.load(sys.stdin))
    except MemoryError:
        found = Measured(reason=f"needs more than {limit / 2**30:.0f} GiB of memory")
    print(json.dumps(asdict(found)))
    return 0


def answer(part: str, url: str, folder: str, model: str, rows: int) -> Measured:
    """Measure a part by its name; where it cannot run, the reason is the answer."""
    try:
        return measure(PARTS[part], url, Path(folder), model, rows)
    except Unavailable as error:
        return Measured(reason=str(error))


def measure(part: Part, url: str, folder: Path, model: str, rows: int) -> Measured:
    """Prepare, time and check one run.

    Raises:
        Unavailable: the part cannot run here.
        AssertionError: it left other predictions than the model's.
    """
    context = Context(url, load(folder, model), rows)
    found = Measured(notes=context.notes)
    with context.stack, psycopg.connect(url, autocommit=True) as conn:
        empty_predictions(conn, create=not part.creates_table)
        run = part.prepare(context)
        conn.execute(SQL["checkpoint"])
        server = psutil.Process(psutil.Process(conn.info.backend_pid).ppid())
        before, client = _server_cpu(server), _client_cpu()
        with watch(None) as peak:
            started = time.perf_counter()
            found.figures = dict(run() or {})
            found.seconds = time.perf_counter() - started
        found.client_cpu = _client_cpu() - client
        found.server_cpu = _server_cpu(server) - before
        found.client_bytes = peak.client
        if part.predictions is not None:
            _check(part, conn, context)
    return found


def _client_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server_cpu(postmaster: psutil.Process) -> float:
    """Seconds of the server's processes, those that ended included."""
    own = postmaster.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in postmaster.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _check(part: Part, conn: psycopg.Connection, context: Context) -> None:
    assert part.predictions is not None
    row = conn.execute(sql.SQL(SQL["prediction_count"]).format(predictions=part.predictions)).fetchone()
    assert row == (context.rows,), f"{part.name} left {row} predictions of {context.rows} rows"
    query = sql.SQL(SQL["scored_sample"]).format(
        columns=COMMA.join(sql.Identifier("f", name) for name in FEATURES),
        predictions=part.predictions, rows=sql.Literal(CHECKED_ROWS),
    )  # fmt: skip
    found = frames.read_table(conn, query)
    expected = context.model.predict(numeric_matrix(found, FEATURES))
    distance = np.abs(found["win_probability"].to_numpy() - expected)
    wrong = distance > TOLERANCE
    if not wrong.any():
        return
    told = f"{wrong.mean():.1%} of rows differ from the model, by up to {distance.max():.2g}"
    assert part.group == "alternative", f"{part.name}: {told}"
    context.notes.append(told)


if __name__ == "__main__":
    sys.exit(main())
