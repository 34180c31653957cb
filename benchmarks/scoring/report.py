"""The figures as tables in Markdown: ratios first, then what they are made of."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.scoring.models import TITLES
from benchmarks.scoring.parts import PARTS
from benchmarks.scoring.parts.orbital import VERSION
from benchmarks.scoring.results import Results, Summary

PACKAGES = ("numpy", "pyarrow", "onnxruntime", "psycopg", "lightgbm", "scikit-learn", "pandas", "SQLAlchemy",
            "adbc-driver-postgresql")  # fmt: skip
BASE = "pandas"
WAYS_OUT = ("copy_out", "copy_out_plain")
STAGES = ("onnxruntime", "copy_in")
ONE_MILLION = 1_000_000


@dataclass(frozen=True)
class Floor:
    """The least time any stream through the three stages takes on this machine.

    Attributes:
        slowest: of the stages alone, wall seconds.
        shared: processor seconds of all stages, client and server, over the cores.
    """

    slowest: float
    shared: float

    @property
    def seconds(self) -> float:
        """The longer of the two."""
        return max(self.slowest, self.shared)


def floor_of(results: Results, model: str, rows: int) -> Floor | None:
    """Return the floor of a model at a size, by the cheaper of both ways out; None where a stage was not measured."""
    floors = [_floor(results, model, rows, (way_out, *STAGES)) for way_out in WAYS_OUT]
    return min((floor for floor in floors if floor is not None), key=lambda floor: floor.seconds, default=None)


def _floor(results: Results, model: str, rows: int, stages: Sequence[str]) -> Floor | None:
    found = [results.summary(name, model, rows) for name in stages]
    known = [stage for stage in found if stage is not None and stage.seconds is not None]
    if len(known) < len(found):
        return None
    cpu = sum(stage.client_cpu + stage.server_cpu for stage in known)
    return Floor(max(stage.seconds or 0.0 for stage in known), cpu / cores())


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lines(
    results: Results, sizes: Sequence[int], models: Sequence[str], versions: dict[str, str], command: str
) -> list[str]:
    """Return everything that was measured."""
    found = [*_head(versions, command), *_bounds(results, sizes, models)]
    for rows in sizes:
        found += _rates(results, rows, models)
    found += _floors(results, sizes, models)
    found += _details(results, sizes, models)
    found += _latency(results, sizes, models)
    found += _missing(results)
    return found


def _head(versions: dict[str, str], command: str) -> list[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    python = versions.get("plpython") or "none"
    return [
        f"Measured on {cores()} cores ({_processor()}), {memory:.0f} GiB, Python {platform.python_version()}, "
        f"{versions.get('main')} (embedded), {python} with PL/Python; {packages}, orbital {VERSION}. "
        f"Medians of alternating runs. Written by `{command}`.",
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 1) -> list[str]:
    cells = [list(row) for row in rows]
    if not cells:
        return []
    marks = ["---" if place < numbers_from else "---:" for place in range(len(header))]
    return ["", f"**{title}**", "", *("| " + " | ".join(row) + " |" for row in (header, marks, *cells))]


def _ratio(above: float | None, below: float | None) -> str:
    return f"{above / below:.2f}" if above and below else "–"


def _seconds(results: Results, part: str, model: str, rows: int) -> float | None:
    found = results.summary(part, model, rows)
    return found.seconds if found else None


def _bounds(results: Results, sizes: Sequence[int], models: Sequence[str]) -> list[str]:
    size = ONE_MILLION if ONE_MILLION in sizes else sizes[-1]
    rows = [row for model in models for row in _bounds_of(results, model, size, sizes)]
    return _table(f"At {size:,} rows", ("figure", "model", "found", "wanted"), rows, 2)


def _bounds_of(results: Results, model: str, size: int, sizes: Sequence[int]) -> list[tuple[str, str, str, str]]:
    def seconds(part: str, rows: int = size) -> float | None:
        return _seconds(results, part, model, rows)

    floor = floor_of(results, model, size)
    largest = sizes[-1]
    peaks = [results.summary("job", model, rows) for rows in (largest, size)]
    bytes_ = [float(peak.client_bytes) if peak else None for peak in peaks]
    both = max((rows for rows in sizes if seconds("plpython_row", rows)), default=size)
    found = [
        ("job over pandas, rows a second", _ratio(seconds(BASE), seconds("job")), "≥ 6"),
        ("stream over pandas, rows a second", _ratio(seconds(BASE), seconds("stream")), "≥ 6"),
        ("job of the floor", _ratio(floor.seconds if floor else None, seconds("job")), "≥ 0.8"),
        ("stream of the floor", _ratio(floor.seconds if floor else None, seconds("stream")), "≥ 0.8"),
        ("job with reasons over without, seconds", _ratio(seconds("job_reasons"), seconds("job")), "≤ 2"),
        (
            "PL/Python arrays over row by row",
            _ratio(seconds("plpython_row", both), seconds("plpython_set", both)),
            "≥ 3",
        ),
    ]
    warm = results.summary("latency_sql_table", model, sizes[0])
    if warm and warm.figures:
        for name in ("prepared", "planned"):
            found.append((f"table form, one warm row, {name}, p50 ms", f"{warm.figures[f'{name}_p50_ms']:.1f}", "≤ 20"))
    if largest > size:
        found.append((f"peak memory of the job at {largest:,} rows over {size:,}", _ratio(*bytes_), "≤ 1.2"))
    return [(what, TITLES[model], value, wanted) for what, value, wanted in found if value != "–"]


def _rates(results: Results, rows: int, models: Sequence[str]) -> list[str]:
    """Ways by their rows a second, as ratios to pandas and to the floor."""
    floors = {model: floor_of(results, model, rows) for model in models}
    ways = [part for part in PARTS.values() if part.group in ("product", "database", "alternative")]
    body = []
    for part in ways:
        found = {model: results.summary(part.name, model, rows) for model in models}
        if not any(summary and summary.seconds for summary in found.values()):
            continue
        cells = [_title(part.name)]
        for model in models:
            summary, floor = found[model], floors[model]
            mine = summary.seconds if summary else None
            over_pandas = _ratio(_seconds(results, BASE, model, rows), mine)
            of_floor = _ratio(floor.seconds if floor else None, mine)
            cells += [over_pandas, of_floor, f"{summary.rate:,.0f}" if summary and mine else "–"]
        body.append((max(summary.rate for summary in found.values() if summary), cells))
    header = ["way"]
    for model in models:
        header += [f"{model}: × pandas", "of the floor", "rows/s"]
    body.sort(key=lambda row: -row[0])
    return _table(f"End to end, {rows:,} rows", header, [cells for _, cells in body])


def _title(name: str) -> str:
    part = PARTS[name]
    return f"{part.title} (server with PL/Python)" if part.server == "plpython" else part.title


def _floors(results: Results, sizes: Sequence[int], models: Sequence[str]) -> list[str]:
    def stage(name: str, model: str, rows: int) -> str:
        found = results.summary(name, model, rows)
        if found is None or found.seconds is None:
            return "–"
        return f"{found.seconds:.2f} ({found.client_cpu:.2f} + {found.server_cpu:.2f})"

    body = []
    for rows in sizes:
        for model in models:
            floor = floor_of(results, model, rows)
            if floor is not None:
                stages = [stage(name, model, rows) for name in (*WAYS_OUT, *STAGES)]
                body.append([f"{rows:,}", model, *stages, f"{floor.slowest:.2f}", f"{floor.shared:.2f}",
                             f"**{floor.seconds:.2f}**"])  # fmt: skip
    header = ("rows", "model", "copy out", "copy out, one field per column", "ONNX Runtime", "copy in", "slowest stage",
              "processor time over cores", "floor")  # fmt: skip
    return _table("Stages alone, seconds (processor seconds of client + server)", header, body, 2)


def _details(results: Results, sizes: Sequence[int], models: Sequence[str]) -> list[str]:
    def row(found: Summary) -> list[str]:
        return [f"{found.rows:,}", found.model, _title(found.part), f"{found.seconds:.2f}", f"{found.client_cpu:.2f}",
                f"{found.server_cpu:.2f}", f"{found.client_bytes / 2**20:,.0f}", str(found.runs),
                "; ".join(found.notes)]  # fmt: skip

    def wanted(found: Summary) -> bool:
        return found.seconds is not None and PARTS[found.part].group in ("product", "database", "alternative")

    place: Callable[[Summary], tuple[int, int]] = lambda s: (s.rows, list(models).index(s.model))  # noqa: E731
    found = sorted((s for s in results.summaries() if wanted(s) and s.model in models and s.rows in sizes), key=place)
    header = ("rows", "model", "way", "seconds", "client CPU s", "server CPU s", "client peak MiB", "runs", "notes")
    return _table("Time, processor time and memory", header, map(row, found), 3)


def _latency(results: Results, sizes: Sequence[int], models: Sequence[str]) -> list[str]:
    body = []
    for model in models:
        for part in PARTS.values():
            found = results.summary(part.name, model, sizes[0]) if part.group == "latency" else None
            if found is None or not found.figures:
                continue
            figures = found.figures

            def shown(name: str, figures: dict[str, float] = figures) -> str:
                return f"{figures[name]:,.2f}" if name in figures else "–"

            names = ("prepared_p50_ms", "prepared_p99_ms", "planned_p50_ms", "planned_p99_ms")
            body.append([model, _title(part.name), *map(shown, names), "; ".join(found.notes)])
    header = ("model", "way", "prepared: p50", "p99", "planned each time: p50", "p99", "notes")
    return _table("One warm row, milliseconds", header, body, 2)


def _missing(results: Results) -> list[str]:
    body = [
        (_title(found.part), found.model, f"{found.rows:,}", (found.reason or "").replace("|", "\\|"))
        for found in results.summaries()
        if found.seconds is None
    ]
    return _table("What did not run, and why", ("way", "model", "rows", "reason"), body, 4)
