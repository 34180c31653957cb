"""A single customer's prediction through the functions in SQL, warm, at the limit of 5 ms."""

from benchmarks.customers import predictions
from revlayer import demo
from revlayer.database.embedded import EmbeddedServer
from tests.verify.company import database
from tests.verify.report import Section

LIMIT_MS = 5.0
HEADER = ("target", "model", "rung", "calls", "p50 ms", "p95 ms", "planned each time: p50 ms", "p95 ms")


def check(server: EmbeddedServer, deals: int) -> Section:
    """Ask for customers of a simulated company by id, one at a time, in one session."""
    section = Section("Predictions of single customers by SQL")
    company = demo.Company(deals, seed=11, installs=0)
    with database(server) as settings:
        predictions.make(settings, company)
        found = predictions.measure(settings, company.end_on)
    for row in found:
        section.check(f"{row.target}: milliseconds of a warm call, p50", row.prepared[0],
                      lambda v: v < LIMIT_MS, f"< {LIMIT_MS:g}")  # fmt: skip
    cells = [(row.target, row.algorithm, row.rung, row.calls, *row.prepared, *row.planned) for row in found]
    section.tables.append(("Features read by customer and day, statement prepared once; the way to the server and "
                           "back is included:", HEADER, cells))  # fmt: skip
    return section
