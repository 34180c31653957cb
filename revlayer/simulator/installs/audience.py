"""Who installs the app: country, source, device, and an interest that nothing shows directly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlayer.simulator.clock import Array, Clock, Index
from revlayer.simulator.installs.parameters import COUNTRIES, DEVICES, SOURCES, InstallParameters


@dataclass(frozen=True)
class Audience:
    """One entry per install, by time; `os_age` counts from the newest version, `release` from the first."""

    number: Index
    at: Array
    country: Index
    source: Index
    device: Index
    platform: Index
    os_age: Index
    release: Index
    interest: Array

    def __len__(self) -> int:
        return len(self.number)


def draw_audience(p: InstallParameters, clock: Clock, rows: range, total: int, random: np.random.Generator) -> Audience:
    """The installs `rows` of `total`; the chunks follow each other in time."""
    count, length = len(rows), clock.end - clock.start
    place = (rows.start + np.sort(random.random(count)) * count) / total
    at = clock.start + place**p.growth_power * (length - 0.01)
    passed = (at - clock.start) / length
    country = _pick([entry[2] for entry in COUNTRIES], [entry[6] for entry in COUNTRIES], passed, random)
    device = _pick([entry[2] for entry in DEVICES], [entry[5] for entry in DEVICES], passed, random)
    platform = np.array([entry[1] for entry in DEVICES])[device]
    # Apple's devices are sold where people are rich, and are updated more.
    poor = np.array([entry[5] < 2.5 for entry in COUNTRIES])[country]
    swaps = poor & (platform == 0) & (random.random(count) < 0.6)
    device = np.where(swaps, random.choice([4, 5, 7], count), device)
    platform = np.where(swaps, 1, platform)
    os_age = random.choice(len(p.os_shares), count, p=p.os_shares)
    os_age = np.minimum(os_age + (platform == 1) * (random.random(count) < 0.35), len(p.os_shares))
    release = np.floor((at - clock.start) / 365.25 * p.releases_per_year).astype(np.int64)
    release = np.maximum(release - random.choice(3, count, p=(0.8, 0.15, 0.05)), 0)
    source = random.choice(len(SOURCES), count, p=[entry[1] for entry in SOURCES])
    return Audience(
        np.asarray(rows, dtype=np.int64) + 1, at, country, source,
        device, platform, os_age, release, random.standard_normal(count),
    )  # fmt: skip


def _pick(shares: list[float], begins: list[float], passed: Array, random: np.random.Generator) -> Index:
    """One of the choices that exist by then, by their shares."""
    exists = passed[:, None] >= np.array(begins)
    edges = np.cumsum(exists * np.array(shares), axis=1)
    drawn = random.random(len(passed)) * edges[:, -1]
    return np.asarray((drawn[:, None] >= edges).sum(axis=1), dtype=np.int64)
