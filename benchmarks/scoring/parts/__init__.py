"""The parts of the benchmark, each by its name."""

from benchmarks.scoring.parts import arrow, dataframes, floor, in_database, latency, orbital, product
from benchmarks.scoring.parts.base import Context, Part, Unavailable

PARTS: dict[str, Part] = {
    part.name: part
    for module in (product, floor, in_database, dataframes, arrow, orbital, latency)
    for part in module.PARTS
}

__all__ = ["PARTS", "Context", "Part", "Unavailable"]
