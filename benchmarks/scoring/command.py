"""``python -m benchmarks scoring``."""

import argparse
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from benchmarks.document import write_block
from benchmarks.scoring import report, servers
from benchmarks.scoring.models import TITLES
from benchmarks.scoring.parts import PARTS
from benchmarks.scoring.results import Results
from benchmarks.scoring.runner import SMALLEST, Plan, run

SIZES = (SMALLEST, 1_000_000, 10_000_000)
RESULTS = "results.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="sizes; the first tells what is too slow")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--models", default=",".join(TITLES), help=f"of {', '.join(TITLES)}")
    parser.add_argument("--repetitions", type=int, default=3, help="rounds up to a million rows; one beyond")
    parser.add_argument("--patience", type=float, default=900, help="seconds; what would take longer is left out")
    parser.add_argument("--fresh", action="store_true", help="forget what an interrupted run has measured")
    parser.add_argument("--keep", action="store_true", help="keep the server and the figures for another run")
    parser.add_argument("--print", action="store_true", dest="print_only", help="leave docs/performance.md as it is")


def main(chosen: argparse.Namespace, command: str) -> int:
    """Measure, then write or print the tables; what was interrupted goes on where it was."""
    signal.signal(signal.SIGTERM, _end)  # so that the servers are stopped
    workspace = chosen.workspace / "revlayer-scoring"
    if chosen.fresh and workspace.exists():
        _remove(workspace)
    plan = Plan(
        workspace, tuple(sorted(chosen.rows)), _names(chosen.only, PARTS), _names(chosen.models, TITLES),
        chosen.repetitions, chosen.patience,
    )  # fmt: skip
    workspace.mkdir(parents=True, exist_ok=True)
    results = Results(workspace / RESULTS)
    if len(results):
        print(f"going on after {len(results)} runs of {workspace / RESULTS}; --fresh forgets them", flush=True)
    versions = run(plan, results)
    lines = report.lines(results, plan.sizes, plan.models, versions, command)
    print("\n".join(lines), flush=True)
    if not chosen.print_only:
        write_block("scoring", lines)
    if not chosen.keep:
        _remove(workspace)
    return 0


def _names(text: str, known: dict) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def _remove(workspace: Path) -> None:
    servers.remove(workspace)
    shutil.rmtree(workspace)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
