"""Runs the parts in turn, again and again, so that a machine that slows down slows all of them down."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scoring import servers
from benchmarks.scoring.models import TITLES
from benchmarks.scoring.parts import PARTS, Part, Unavailable
from benchmarks.scoring.results import Key, Results
from benchmarks.scoring.worker import Measured, answer

ROOT = Path(__file__).parents[2]
SMALLEST = 100_000
# Beyond these rows only the first model goes through all parts; the others through the product and the floor.
ALL_MODELS_UP_TO = 1_000_000
# Functions in the database are measured up to here, on the server with PL/Python too.
PYTHON_SERVER_ROWS = 1_000_000
LATENCY_ROWS = SMALLEST
START_SECONDS = 600.0
SHOWN = 400


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        sizes: rows, ascending; the first tells how long the next will take.
        repetitions: rounds at each size up to a million rows; one beyond.
        patience: a run that would take more seconds by its rate at the size before is left out.
        isolated: every run is a process of its own.
    """

    workspace: Path
    sizes: tuple[int, ...]
    parts: tuple[str, ...] = tuple(PARTS)
    models: tuple[str, ...] = tuple(TITLES)
    repetitions: int = 3
    patience: float = 900.0
    isolated: bool = True

    def rounds(self, rows: int) -> int:
        """Repetitions at a size."""
        return self.repetitions if rows <= ALL_MODELS_UP_TO else 1

    def wanted(self, part: Part, model: str, rows: int) -> bool:
        """Whether a part is measured for a model at a size."""
        if part.group == "latency":
            return rows == self.sizes[0]
        if part.server == "plpython" and rows > max(PYTHON_SERVER_ROWS, self.sizes[0]):
            return False
        is_large = rows > ALL_MODELS_UP_TO
        return not is_large or model == self.models[0] or part.group in ("product", "floor")


def run(plan: Plan, results: Results) -> dict[str, str]:
    """Measure all that is not there yet; returns the servers' versions, or why one is missing."""
    versions = {"main": "", "plpython": ""}
    with servers.main_server(plan.workspace) as url:
        versions["main"] = servers.server_version(url)
        for rows in plan.sizes:
            _run_size(plan, results, url, rows, "main")
            servers.drop(url, rows) if rows != plan.sizes[0] else None
    asked = [name for name in plan.parts if PARTS[name].server == "plpython"]
    if asked:
        with _python_server(plan, results, asked) as url:
            versions["plpython"] = servers.server_version(url) if url else "none"
            for rows in plan.sizes if url else ():
                _run_size(plan, results, url, rows, "plpython")
    return versions


@contextmanager
def _python_server(plan: Plan, results: Results, asked: Sequence[str]) -> Iterator[str]:
    """Give the server's connection string; '' where there is none, with the reason kept for all it was asked for."""
    try:
        with servers.python_server(plan.workspace) as url:
            yield url
    except Unavailable as reason:
        for model in plan.models:
            for name in asked:
                key = Key(name, model, plan.sizes[0], 0)
                if key not in results:
                    results.add(key, Measured(reason=str(reason)))
        yield ""


def _run_size(plan: Plan, results: Results, url: str, rows: int, server: str) -> None:
    keys = [
        Key(name, model, rows, repetition)
        for model in plan.models
        for repetition in range(plan.rounds(rows))
        for name in plan.parts
        if PARTS[name].server == server and plan.wanted(PARTS[name], model, rows)
        and (repetition == 0 or PARTS[name].group != "latency")
    ]  # fmt: skip
    keys = [key for key in keys if key not in results]
    if not keys:
        return
    print(f"{server}: {rows:,} rows, {len(keys)} runs", flush=True)
    database = servers.database(url, rows, plan.workspace / "models", list(plan.models))
    if server == "plpython":
        servers.allow_plpython(database)
    for key in keys:
        measured = _skipped(plan, results, key) or _run_one(plan, key, database.url)
        results.add(key, measured)
        _report(key, measured)


def _skipped(plan: Plan, results: Results, key: Key) -> Measured | None:
    """Say why a run is not worth its time, by what is known of the part."""
    known = results.summary(key.part, key.model, key.rows)
    if known is not None and known.seconds is None:
        return Measured(reason=known.reason)
    place = plan.sizes.index(key.rows)
    before = results.summary(key.part, key.model, plan.sizes[place - 1]) if place else None
    if before is None:
        return None
    if before.seconds is None:
        return Measured(reason=before.reason)
    expected = before.seconds * key.rows / before.rows
    if expected > plan.patience:
        return Measured(reason=f"left out: {expected / 60:,.0f} minutes by its rate at {before.rows:,} rows")
    return None


def _run_one(plan: Plan, key: Key, url: str) -> Measured:
    asked: dict[str, Any] = {
        "part": key.part, "url": url, "folder": str(plan.workspace / "models"), "model": key.model, "rows": key.rows,
    }  # fmt: skip
    if not plan.isolated:
        return answer(**asked)
    command = [sys.executable, "-m", "benchmarks.scoring.worker"]
    try:
        done = subprocess.run(
            command, input=json.dumps(asked), cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=START_SECONDS + 2 * plan.patience,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Measured(reason=f"did not end within {START_SECONDS + 2 * plan.patience:.0f} s")
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return Measured(**json.loads(lines[-1]))
    if done.returncode < 0:
        return Measured(reason=f"was killed by signal {-done.returncode}, most likely for want of memory")
    errors = done.stderr.strip().splitlines() or ["ended without a word"]
    return Measured(reason=f"failed: {errors[-1][:SHOWN]}")


def _report(key: Key, measured: Measured) -> None:
    told = measured.reason or f"{measured.seconds:8.2f} s  {key.rows / (measured.seconds or 1):12,.0f} rows/s"
    if measured.figures:
        told = "  ".join(f"{name} {value:.3f}" for name, value in measured.figures.items())
    print(f"  {key.model:<9} {key.rows:>11,} {key.repetition} {key.part:<20} {told}", flush=True)
