"""What was measured, kept line by line, so that an interrupted run goes on where it was."""

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.scoring.worker import Measured


@dataclass(frozen=True)
class Key:
    """One run: of which part, model and size, and which of its repetitions."""

    part: str
    model: str
    rows: int
    repetition: int


@dataclass(frozen=True)
class Summary:
    """The medians of a part's runs; ``seconds`` is None where it did not run, for the reason.

    Attributes:
        runs: how many.
    """

    part: str
    model: str
    rows: int
    runs: int
    seconds: float | None
    client_cpu: float
    server_cpu: float
    client_bytes: int
    figures: dict[str, float]
    notes: tuple[str, ...]
    reason: str | None

    @property
    def rate(self) -> float:
        """Rows a second; 0 where it did not run."""
        return self.rows / self.seconds if self.seconds else 0.0


class Results:
    """Kept in a file of one JSON object per line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: dict[Key, Measured] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            kept = json.loads(line)
            self._runs[Key(**kept["key"])] = Measured(**kept["measured"])

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, key: Key) -> bool:
        return key in self._runs

    def add(self, key: Key, measured: Measured) -> None:
        """Keep one run."""
        self._runs[key] = measured
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": asdict(key), "measured": asdict(measured)}) + "\n")

    def summary(self, part: str, model: str, rows: int) -> Summary | None:
        """Return the medians of a part, None where it was not asked for."""
        runs = [found for key, found in self._runs.items() if (key.part, key.model, key.rows) == (part, model, rows)]
        if not runs:
            return None
        done = [run for run in runs if run.seconds is not None]
        if not done:
            return Summary(part, model, rows, 0, None, 0, 0, 0, {}, (), runs[-1].reason)
        return Summary(
            part, model, rows, len(done),
            statistics.median(run.seconds or 0.0 for run in done),
            statistics.median(run.client_cpu for run in done),
            statistics.median(run.server_cpu for run in done),
            max(run.client_bytes for run in done),
            {name: statistics.median(run.figures[name] for run in done) for name in done[0].figures},
            tuple(dict.fromkeys(note for run in done for note in run.notes)),
            None,
        )  # fmt: skip

    def summaries(self) -> Iterator[Summary]:
        """Yield the medians of all, in the order they were first measured."""
        for part, model, rows in dict.fromkeys((key.part, key.model, key.rows) for key in self._runs):
            found = self.summary(part, model, rows)
            if found is not None:
                yield found
