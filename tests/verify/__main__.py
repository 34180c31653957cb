"""``make verify``: the long acceptance checks at their thresholds; writes docs/evaluation.md, fails on a miss."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from revlayer.database.embedded import EmbeddedServer
from tests.verify import (
    audit_trail,
    cash,
    churn,
    customer_predictions,
    customer_value,
    identities,
    imported,
    installs,
    orders,
    parity,
    reasons,
    report,
    revenue_forecast,
    series,
    win_probability,
)
from tests.verify.report import Section

# In the order of the document.
CHECKS: dict[str, Callable[[EmbeddedServer, argparse.Namespace], Section]] = {
    "win_probability": lambda server, chosen: win_probability.check(server, chosen.seeds, chosen.deals),
    "reasons": lambda server, chosen: reasons.check(server, chosen.seeds[:1], chosen.deals),
    "parity": lambda server, chosen: parity.check(server, chosen.parity_rows),
    "forecast": lambda server, chosen: revenue_forecast.check(
        server, chosen.company_seeds, chosen.company_deals, chosen.usual_seeds, chosen.deals
    ),
    "series": lambda server, chosen: series.check(server, chosen.data),
    "imports": lambda server, chosen: imported.check(server, chosen.data),
    "identities": lambda server, chosen: identities.check(chosen.profile),
    "orders": lambda server, chosen: orders.check(server, chosen.data),
    "churn": lambda server, chosen: churn.check(server, chosen.data),
    "customer_predictions": lambda server, chosen: customer_predictions.check(server, chosen.company_deals),
    "value": lambda server, chosen: customer_value.check(server, chosen.data),
    "cash": lambda server, chosen: cash.check(server, chosen.data),
    "installs": lambda server, chosen: installs.check(server, chosen.installs),
    "audit": lambda server, chosen: audit_trail.check(server, chosen.events),
}


def main() -> int:
    """Run the checks on a server of their own; smaller numbers are for trying the command out."""
    parser = argparse.ArgumentParser(prog="python -m tests.verify", description=__doc__)
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13, 14])
    parser.add_argument("--company-deals", type=int, default=2_500)
    parser.add_argument("--company-seeds", type=int, nargs="+", default=list(range(401, 425)))
    parser.add_argument("--usual-seeds", type=int, nargs="+", default=list(range(401, 409)))
    parser.add_argument("--data", type=Path, default=os.environ.get("REVLAYER_TEST_DATA"))
    parser.add_argument("--parity-rows", type=int, default=1_000_000)
    parser.add_argument("--profile", choices=identities.EXAMPLES, default="whole", help="histories of each identity")
    parser.add_argument("--installs", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS), help="the others' figures stay")
    chosen = parser.parse_args()
    sections: dict[str, Section] = {}
    with TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        server = EmbeddedServer(Path(folder) / "home", durable=False)
        server.start()
        try:
            for name in chosen.only:
                sections[name] = _timed(name, CHECKS[name], server, chosen)
                report.write(sections, list(CHECKS))
        finally:
            server.remove()
    missed = [f"{s.title}: {line.what} is {line.figure}, not {line.threshold}" for s in sections.values()
              for line in s.lines if not line.passed]  # fmt: skip
    print("\n".join(missed) or "every line holds")
    return 1 if missed else 0


def _timed(
    name: str, check: Callable[[EmbeddedServer, argparse.Namespace], Section], server: EmbeddedServer,
    chosen: argparse.Namespace,
) -> Section:  # fmt: skip
    print(name, flush=True)
    started = time.perf_counter()
    section = check(server, chosen)
    print(f"  {time.perf_counter() - started:.0f} s", flush=True)
    return section


if __name__ == "__main__":
    sys.exit(main())
