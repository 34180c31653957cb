"""``make bench``: measure, then write the tables into docs/performance.md between their markers."""

import argparse
import os
import platform
import re
import sys
from pathlib import Path

from benchmarks import whole_run

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BLOCK = "<!-- {name}: written by make bench -->\n"
END = "<!-- end -->"


def main() -> int:
    """Run the benchmarks; sizes are arguments so that a small trial is cheap."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--deals", type=int, nargs="+", default=[20_000, 200_000, 1_000_000])
    parser.add_argument("--workspace", type=Path, default=Path("/var/tmp"), help="needs 30 GiB for a million deals")
    chosen = parser.parse_args()
    rows = whole_run.measure(chosen.deals, chosen.workspace)
    lines = [
        f"Measured on {os.cpu_count()} cores, {_memory_gib():.0f} GiB, Python {platform.python_version()}.",
        "",
        "| deals | step | seconds | peak Python GiB | peak PostgreSQL GiB | outcome |",
        "|---:|---|---:|---:|---:|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.deals:,} | {row.step} | {row.seconds:,.1f} | {row.client_gib:.2f} | {row.server_gib:.2f} "
            f"| {row.outcome} |"
        )
    for deals in chosen.deals:
        total = sum(row.seconds for row in rows if row.deals == deals)
        lines.append(f"| {deals:,} | **all** | **{total:,.1f}** | | | |")
    write_block("whole run", lines)
    return 0


def write_block(name: str, lines: list[str]) -> None:
    """Replace what stands between a block's markers in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    start = BLOCK.format(name=name)
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{DOCUMENT} has no block named {name!r}")
    block = start + "\n".join(lines) + "\n" + END
    DOCUMENT.write_text(pattern.sub(lambda _: block, text), encoding="utf-8")


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
