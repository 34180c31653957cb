"""``make bench``: measure, then write the tables into docs/performance.md between their markers."""

import argparse
import os
import platform
import sys
from pathlib import Path

from benchmarks import whole_run
from benchmarks.audit import measure as audit
from benchmarks.customers import measure as customers
from benchmarks.customers import predictions
from benchmarks.document import write_block
from benchmarks.forecast import measure as forecast
from benchmarks.recurring import measure as recurring
from benchmarks.scoring import command as scoring
from benchmarks.scoring import forms
from revlayer import demo

DEALS_OF_CUSTOMERS = 2_500  # whose accounts have contracts, beside the shoppers


def main() -> int:
    """Run one benchmark, or all at their full sizes; sizes are arguments so that a small trial is cheap."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument("--workspace", type=Path, default=Path("/var/tmp"), help="needs 30 GiB at full size")
    kinds = parser.add_subparsers(dest="kind", title="one of them; all when left out")
    whole = kinds.add_parser("whole-run", parents=[places], help="the whole run of simulated companies")
    whole.add_argument("--deals", type=int, nargs="+", default=[20_000, 200_000, 1_000_000])
    scoring.add_arguments(kinds.add_parser("scoring", parents=[places], help="table in, table out, by every way"))
    kinds.add_parser("forms", parents=[places], help="the two forms of trees in SQL, by their number of leaves")
    mrr = kinds.add_parser("recurring", parents=[places], help="whole and partial builds of recurring revenue")
    mrr.add_argument("--customers", type=int, nargs="+", default=[20_000, 200_000])
    shop = kinds.add_parser("customers", parents=[places], help="features of customers with twenty events each")
    shop.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    asked = kinds.add_parser("predictions", parents=[places], help="single customers by SQL, and all by job and SQL")
    asked.add_argument("--shoppers", type=int, default=20_000)
    trail = kinds.add_parser("audit", parents=[places], help="loads with events and without, checks of the chain")
    trail.add_argument("--rows", type=int, default=100_000)
    trail.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000])
    months = kinds.add_parser("forecast", parents=[places], help="forecast of revenue, by the number of open deals")
    months.add_argument("--deals", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    given = sys.argv[1:]
    everything = [["scoring"], ["forms"], ["whole-run"], ["recurring"], ["customers"], ["predictions"], ["audit"],
                  ["forecast"]]  # fmt: skip
    for arguments in [given] if given else everything:
        chosen = parser.parse_args(arguments)
        if chosen.kind == "scoring":
            scoring.main(chosen, " ".join(["python -m benchmarks", *arguments]))
        elif chosen.kind == "forms":
            write_block("forms", forms.measured_lines(chosen.workspace))
        elif chosen.kind == "recurring":
            write_block("recurring", recurring.measured_lines(chosen.customers, chosen.workspace, _machine()))
        elif chosen.kind == "customers":
            write_block("customers", customers.measured_lines(chosen.customers, chosen.workspace, _machine()))
        elif chosen.kind == "predictions":
            company = demo.Company(deals=DEALS_OF_CUSTOMERS, shoppers=chosen.shoppers, installs=0)
            write_block("predictions", predictions.measured_lines(company, chosen.workspace, _machine()))
        elif chosen.kind == "audit":
            write_block("audit", audit.measured_lines(chosen.rows, chosen.events, chosen.workspace, _machine()))
        elif chosen.kind == "forecast":
            write_block("forecast", forecast.measured_lines(chosen.deals, chosen.workspace, _machine()))
        else:
            _whole_run(chosen)
    return 0


def _whole_run(chosen: argparse.Namespace) -> None:
    rows = whole_run.measure(chosen.deals, chosen.workspace)
    lines = [
        _machine(),
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


def _machine() -> str:
    return f"Measured on {os.cpu_count()} cores, {_memory_gib():.0f} GiB, Python {platform.python_version()}."


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
