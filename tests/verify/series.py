"""US and Australian retail: forecasts at 20 origins of the last five years, each made with what was known there."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revlayer.database.embedded import EmbeddedServer
from revlayer_training.series import Panel, roll, serve
from revlayer_training.series.methods import METHODS
from revlayer_training.series.panel import TOTAL
from revlayer_training.series.reconciliation import in_cents
from revlayer_training.series.rolling import Rolled
from revlayer_training.series.serving import SERVED, Served
from tests.verify.report import Section

SCORED, STEP, HORIZON = 20, 3, 12
# Origins before those that are scored: the first choices and intervals come from their errors.
EARLIER = 16
PROCESSES = 2
HEADER = ("panel", "method", "WAPE of the total", "WAPE of the median series", "chosen, share of series and origins")
AHEAD = ("panel", "months ahead", "served", "seasonal naive", "ETS", "Theta", "coverage, series", "coverage, total")
Floats = NDArray[np.float64]


def check(server: EmbeddedServer, data: Path | None) -> Section:
    """Forecast both panels and hold what was served against the baselines."""
    section = Section("Time series: US and Australian retail")
    if data is None:
        section.miss_data()
        return section
    folder = data / "time_series"
    with ProcessPoolExecutor(PROCESSES) as pool:
        results = [Result.of(name, panel, pool.map) for name, panel in (us_retail(folder), australian_retail(folder))]
    for result in results:
        _hold(section, result)
    coverage = np.concatenate([result.inside_by_series for result in results])
    section.check("80 % intervals hold, mean of all series", float(coverage.mean()),
                  lambda v: 0.75 <= v <= 0.85, "0.75 to 0.85")  # fmt: skip
    both = float(np.mean([result.inside_by_series.mean() for result in results]))
    section.check("80 % intervals hold, mean of the countries", both, lambda v: 0.75 <= v <= 0.85, "0.75 to 0.85")
    rows = [row for result in results for row in result.rows()]
    section.tables.append(
        ("The US is one series, Australia 148 (four of 152 end before). 20 origins, horizons 1 to 12 as far as data "
         "go, every method refitted at each; served is what was chosen from errors known before the origin, "
         "reconciled:", HEADER, rows)
    )  # fmt: skip
    section.tables.append(("WAPE of the total by horizon, and coverage of 80 % intervals:", AHEAD,
                           [row for result in results for row in result.rows_ahead()]))  # fmt: skip
    return section


def us_retail(folder: Path) -> tuple[str, Panel]:
    """One series, 1992 on."""
    with (folder / "us_retail_sales_monthly.csv").open(encoding="utf-8") as file:
        rows = [(row["ds"][:7], "US", float(row["y"])) for row in csv.DictReader(file)]
    return "US", _panel(rows)


def australian_retail(folder: Path) -> tuple[str, Panel]:
    """Series by state and industry, 1982 on."""
    packed = (folder / "aus_retail_monthly.csv.gz").read_bytes()
    text = io.StringIO(gzip.decompress(packed).decode("utf-8"))
    rows = [
        (row["Month"], f"{row['State']} / {row['Industry']}", float(row["Turnover"])) for row in csv.DictReader(text)
    ]
    return "Australia", _panel(rows)


def _panel(rows: Iterable[tuple[str, str, float]]) -> Panel:
    months, names, amounts = zip(*rows, strict=True)
    numbers = np.array(months, dtype="datetime64[M]").astype(np.int64)
    found, series = np.unique(names, return_inverse=True)
    values = np.full((len(found), numbers.max() - numbers.min() + 1), np.nan)
    values[series, numbers - numbers.min()] = amounts
    # Four Australian series end before the years that are forecast.
    kept = ~np.isnan(values[:, -1])
    return Panel.of([str(name) for name in found[kept]], int(numbers.min()), values[kept])


@dataclass(frozen=True)
class Result:
    """What was forecast of a panel at all origins; only the last SCORED of them are judged."""

    name: str
    rolled: Rolled
    served: Served

    @classmethod
    def of(cls, name: str, panel: Panel, mapped: Callable) -> "Result":
        """Forecast at every third month before the panel's last."""
        origins = [panel.months - STEP * back for back in range(SCORED + EARLIER, 0, -1)]
        rolled = roll(panel, origins, HORIZON, mapped)
        return cls(name, rolled, serve(rolled))

    @cached_property
    def actual(self) -> Floats:
        """[scored origins, series, horizon]; NaN after the panel's last month."""
        return self.rolled.actuals[-SCORED:]

    def made(self, method: str) -> Floats:
        """Forecasts of a method, or as served, in the shape of ``actual``."""
        if method == SERVED:
            return self.served.mean[-SCORED:]
        return self.rolled.forecasts[METHODS.index(method), -SCORED:]

    def wape(self, method: str, ahead: slice = slice(None)) -> Floats:
        """[series]: sum of absolute errors over sum of actuals."""
        actual = self.actual[:, :, ahead]
        off = np.nansum(np.abs(self.made(method)[:, :, ahead] - actual), axis=(0, 2))
        return np.asarray(off / np.nansum(np.abs(actual), axis=(0, 2)))

    def figures(self, method: str) -> tuple[float, float]:
        """WAPE of the total and of the median series."""
        wape = self.wape(method)
        return float(wape[TOTAL]), float(np.median(wape[1:]))

    @cached_property
    def inside(self) -> Floats:
        """Whether what came lies in the interval, in the shape of ``actual``; NaN where nothing came yet."""
        held = np.abs(self.made(SERVED) - self.actual) <= self.served.half[-SCORED:]
        return np.where(np.isnan(self.actual), np.nan, held)

    @cached_property
    def inside_by_series(self) -> Floats:
        """[segments]: share of intervals that hold."""
        return np.asarray(np.nanmean(self.inside[:, 1:], axis=(0, 2)))

    def sums_apart(self) -> tuple[int, int]:
        """Count totals that are not the exact sum of their segments, and sums of cents that are not their total's."""
        before = after = 0
        for made in self.served.mean[-SCORED:]:
            cents = in_cents(made)
            for column in range(HORIZON):
                exact = sum((Fraction(value) for value in made[1:, column]), Fraction(0))
                before += float(exact) != made[TOTAL, column]
                rounded = round(100 * exact)
                after += int(cents[1:, column].sum()) != cents[TOTAL, column] or abs(cents[TOTAL, column] - rounded) > 1
        return before, after

    def rows(self) -> list[tuple[object, ...]]:
        """By method: its figures and how often it was chosen."""
        chosen = self.served.methods[-SCORED:]
        shares = {name: float((chosen == place).mean()) for place, name in enumerate(METHODS)}
        return [
            (self.name, name.replace("_", " "), *self.figures(name), shares.get(name)) for name in (SERVED, *METHODS)
        ]

    def rows_ahead(self) -> list[tuple[object, ...]]:
        """By horizon: WAPE of the total."""
        rows = []
        for ahead in (1, 3, 6, 12):
            at = slice(ahead - 1, ahead)
            wapes = [float(self.wape(name, at)[TOTAL]) for name in (SERVED, "seasonal_naive", "ets", "theta")]
            inside = [float(np.nanmean(self.inside[:, of, at])) for of in (slice(1, None), slice(TOTAL, 1))]
            rows.append((self.name, ahead, *wapes, *inside))
        return rows


def _hold(section: Section, result: Result) -> None:
    own, naive = result.figures(SERVED), result.figures("seasonal_naive")
    best = [min(pair) for pair in zip(result.figures("ets"), result.figures("theta"), strict=True)]
    for place, what in enumerate(("total", "median series")):
        if place and len(result.rolled.panel.names) == 1:
            continue
        section.check(f"{result.name}, {what}: WAPE over seasonal naive's", own[place] / naive[place],
                      lambda v: v < 1, "< 1")  # fmt: skip
        section.check(f"{result.name}, {what}: WAPE over the best of ETS's and Theta's", own[place] / best[place],
                      lambda v: v <= 1.02, "≤ 1.02")  # fmt: skip
    before, after = result.sums_apart()
    section.check(f"{result.name}: totals that are not the sum of their segments", before, lambda v: v == 0, "0")
    section.check(f"{result.name}: the same in cents", after, lambda v: v == 0, "0")
