"""A long chain of financial events, checked in one pass, and a single byte changed in it."""

from benchmarks.audit import measure
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from tests.verify.company import database
from tests.verify.report import Line, Section

HEADER = ("chain", "events checked", "seconds", "memory of its session, MiB", "first broken event")


def check(server: EmbeddedServer, events: int) -> Section:
    """Check a tenth of the events, all of them, and all with one byte changed near the end."""
    section = Section(f"Audit trail of {events:,} events")
    with database(server) as settings, connect(settings) as conn:
        measure.extend(conn, events // 10)
        short = measure.check(settings)
        measure.extend(conn, events)
        whole = measure.check(settings)
        target = events - events // 100
        measure.tamper(conn, target)
        broken = measure.check(settings)
    count = f"{events:,}"
    section.lines.append(Line("events of an intact chain", f"{whole.events:,}", count, whole.events == events))
    section.lines.append(
        Line("intact", str(short.is_intact and whole.is_intact), "True", short.is_intact and whole.is_intact)
    )
    section.check(
        "memory of the check, of all events over a tenth of them",
        whole.peak_bytes / short.peak_bytes, lambda v: v <= 1.1, "≤ 1.1",
    )  # fmt: skip
    found = broken.first_broken_event_id
    is_found = not broken.is_intact and found == target
    section.lines.append(Line("first broken event after one byte changed", f"{found}", f"{target}", is_found))
    cells = [
        (name, one.events, round(one.seconds, 2), round(one.peak_bytes / 2**20, 1), one.first_broken_event_id)
        for name, one in (("a tenth", short), ("whole", whole), ("one byte changed", broken))
    ]
    section.tables.append(("`audit.verify()`, in sessions of their own:", HEADER, cells))
    return section
