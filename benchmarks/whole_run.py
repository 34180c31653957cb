"""The whole run at several sizes: seconds and peak memory of each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.memory import Peak, watch
from revlayer import demo
from revlayer.config import Settings
from revlayer.database.embedded import EmbeddedServer
from revlayer.pipeline import Step


@dataclass(frozen=True)
class Measured:
    """One step at one size; memory in GiB, of the Python process and of PostgreSQL."""

    deals: int
    step: str
    seconds: float
    client_gib: float
    server_gib: float
    outcome: str


def measure(sizes: Sequence[int], workspace: Path) -> list[Measured]:
    """Run the demonstration once per size, each in a new cluster that is removed afterwards."""
    return [row for deals in sizes for row in _measure_one(deals, workspace)]


def _measure_one(deals: int, workspace: Path) -> list[Measured]:
    rows: list[Measured] = []
    with TemporaryDirectory(dir=workspace) as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        settings = Settings(home=Path(folder) / "home")
        server = EmbeddedServer.of(settings)
        server.start()
        try:
            with watch(server.process_id()) as peak:

                def report(step: Step) -> None:
                    rows.append(_row(deals, step, peak))
                    print(f"{deals:>9,} {step.name:<9} {step.seconds:8.1f} s  {step.outcome}", flush=True)
                    peak.client = peak.server = 0

                demo.demonstrate(settings, demo.Company(deals), lambda what, done, total: None, report)
        finally:
            server.remove()
    return rows


def _row(deals: int, step: Step, peak: Peak) -> Measured:
    return Measured(deals, step.name, step.seconds, peak.client / 2**30, peak.server / 2**30, step.outcome)
