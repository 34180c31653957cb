"""Installs of the simulator as rows of training, worked out without dbt: a day old, with the rest of their week."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator.clock import build_clock
from revlayer.simulator.installs import generate_installs
from revlayer.simulator.parameters import Parameters
from revlayer_training.installs import InstallDataset, from_arrow

END = date(2025, 6, 30)
DAY = 86_400_000_000
CODES = ("country_code", "region_code")
TEXTS = ("app_name", *CODES, "install_source", "campaign_name", "platform", "device_family", "os_version")
NUMBERS = (
    "os_version_number", "is_customer", "install_weekday", "install_hour", "event_count", "event_kind_count",
    "session_count", "progress_count", "store_view_count", "early_purchase_count", "early_revenue",
    "ad_impression_count", "ad_revenue",
)  # fmt: skip
KINDS = {
    "session_count": ("session_start",), "progress_count": ("tutorial_complete", "level_up"),
    "store_view_count": ("store_view",),
}  # fmt: skip


@dataclass(frozen=True)
class Installs:
    """Columns of the features and labels, in the order of the installs, and the truth of each."""

    table: pa.Table
    truth: np.ndarray

    def data(self, cutoff: date = END) -> InstallDataset:
        """Return them as the loader would: rows and labels known by the cutoff."""
        last = np.datetime64(cutoff, "D")
        table = self.table.filter(pa.array(_days(self.table["as_of_date"]) <= last))
        hidden = pa.array(_days(table["revenue_known_on"]) > last)
        for name in ("revenue", "revenue_known_on"):
            column = table[name].combine_chunks()
            table = table.set_column(
                table.column_names.index(name), name, pc.if_else(hidden, pa.scalar(None, column.type), column)
            )
        return from_arrow(table, NUMBERS, TEXTS)


def simulated(count: int, seed: int = 1, months: int = 24) -> Installs:
    """Return the installs of a simulated app."""
    parts: dict[str, list[pa.Table]] = {}
    for name, part in generate_installs(build_clock(Parameters(), seed, months, END), seed, count, 500):
        parts.setdefault(name, []).append(part)
    tables = {name: pa.concat_tables(found) for name, found in parts.items()}
    installs = tables["raw.installs"]
    installed = _micros(installs["occurred_at"])
    reached = installed + DAY
    columns: dict[str, object] = {name: [_text(name, v) for v in installs[name].to_pylist()] for name in TEXTS}
    columns["segment_id"] = [
        f"{country or 'Unknown'} / {platform or 'Unknown'}"
        for country, platform in zip(columns["country_code"], columns["platform"], strict=True)  # type: ignore[call-overload]
    ]
    columns["install_id"] = [f"simulator:{key}" for key in installs["source_id"].to_pylist()]
    columns["as_of_date"] = (reached // DAY).astype("datetime64[D]")
    columns |= _own_numbers(installs, installed)
    columns |= _counted(tables["raw.install_events"], installed)
    columns |= _advertisements(tables["raw.install_ad_revenues"], installed)
    revenue, known = _followed(tables["raw.install_events"], installed)
    columns |= {"revenue": revenue, "revenue_known_on": known}
    order = np.lexsort((np.array(columns["install_id"]), columns["as_of_date"]))  # type: ignore[arg-type]
    truth = np.array(tables["truth.install_revenue"]["expected_purchase_amount"])
    return Installs(pa.table(columns).take(pa.array(order)), truth[order])


def _own_numbers(installs: pa.Table, installed: np.ndarray) -> dict[str, np.ndarray]:
    day = installed // DAY
    return {
        "os_version_number": np.array([float(v.split()[1]) for v in installs["os_version"].to_pylist()]),
        "is_customer": np.array([float(v is not None) for v in installs["customer_source_id"].to_pylist()]),
        "install_weekday": ((day + 3) % 7 + 1).astype(float),
        "install_hour": (installed % DAY // (DAY // 24)).astype(float),
    }


def _counted(events: pa.Table, installed: np.ndarray) -> dict[str, np.ndarray]:
    install, at, known = _placed(events)
    early = (at < installed[install] + DAY) & (known // DAY <= (installed[install] + DAY) // DAY)
    name = np.array(events["event_name"].to_pylist())
    times, paid = np.array(events["event_count"]), np.nan_to_num(np.array(events["revenue_amount"].cast(pa.float64())))
    found = {"event_count": _sums(install[early], times[early], len(installed))}
    pairs = np.unique(np.stack([install[early], np.unique(name, return_inverse=True)[1][early]]), axis=1)
    found["event_kind_count"] = _sums(pairs[0], np.ones(pairs.shape[1]), len(installed))
    for column, names in KINDS.items():
        rows = early & np.isin(name, names)
        found[column] = _sums(install[rows], times[rows], len(installed))
    found["early_purchase_count"] = _sums(install[early], (paid[early] > 0).astype(float), len(installed))
    found["early_revenue"] = _sums(install[early], paid[early], len(installed))
    return found


def _advertisements(ads: pa.Table, installed: np.ndarray) -> dict[str, np.ndarray]:
    install, _, known = _placed(ads)
    on = np.array(ads["revenue_on"].to_pylist(), "datetime64[D]").astype(np.int64)
    early = (on <= installed[install] // DAY) & (known // DAY <= (installed[install] + DAY) // DAY)
    return {
        column: _sums(install[early], np.array(ads[source].cast(pa.float64()))[early], len(installed))
        for column, source in (("ad_impression_count", "impression_count"), ("ad_revenue", "revenue_amount"))
    }


def _followed(events: pa.Table, installed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    install, at, known = _placed(events)
    paid = np.nan_to_num(np.array(events["revenue_amount"].cast(pa.float64())))
    rows = (paid != 0) & (at >= installed[install] + DAY) & (at < installed[install] + 7 * DAY)
    known_on = (installed + 7 * DAY) // DAY
    np.maximum.at(known_on, install[rows], known[rows] // DAY)
    return _sums(install[rows], paid[rows], len(installed)), known_on.astype("datetime64[D]")


def _placed(table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the place of the install, when it happened and when it was known."""
    install = np.array([int(key[1:]) - 1 for key in table["install_source_id"].to_pylist()])
    at = _micros(table["occurred_at"])
    return install, at, np.maximum(_micros(table["recorded_at"].combine_chunks().fill_null(0)), at)


def _sums(place: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(place, weights=values, minlength=count)


def _text(name: str, value: str | None) -> str | None:
    plain = (value or "").strip().lower()
    plain = {"iphone os": "ios"}.get(plain, plain) if name == "platform" else plain
    return (plain.upper() if name in CODES else plain) or None


def _micros(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), np.int64)


def _days(column: pa.ChunkedArray) -> np.ndarray:
    return column.to_numpy().astype("datetime64[D]")
