"""The ledger of published forecasts: written with each, in the transaction that publishes it, and never changed."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from importlib.metadata import version

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.rows import class_row

from revlayer_udf import frames, queries
from revlayer_udf.errors import RevlayerError
from revlayer_udf.forecast import rows
from revlayer_udf.forecast.making import Inputs, Made, Options
from revlayer_udf.forecast.reading import TARGETS, Served

KEYS = ("month_start_on", "segment_id")
_FIGURES = sql.Identifier("planning", "forecast_ledger_figures")
_LIBRARIES = ("revlayer", "numpy", "onnxruntime")


class UnknownForecast(RevlayerError):  # noqa: N818
    """The ledger has no forecast of that number: wrong use."""

    exit_code = 2


@dataclass(frozen=True)
class Entry:
    """One row of planning.forecast_ledger."""

    ledger_id: int
    run_id: int
    as_of_date: date
    win_model_version: str | None
    value_model_version: str | None
    close_month_model_version: str | None
    horizon_months: int
    fiscal_start_month: int
    draw_count: int
    seed: int
    past_as_of_dates: list[date]
    reporting_currency_code: str | None
    open_deal_count: int
    open_amount: float
    closed_deal_count: int
    won_amount: float
    figure_count: int
    figures_sha256: str
    software: str
    code_sha256: str
    published_by: str
    published_at: datetime

    @property
    def options(self) -> Options:
        """What the forecast was asked for."""
        return Options(self.horizon_months, self.draw_count, self.seed, self.fiscal_start_month)

    @property
    def inputs(self) -> Inputs:
        """What it was made from."""
        return Inputs(self.open_deal_count, self.open_amount, self.closed_deal_count, self.won_amount)

    @property
    def model_versions(self) -> dict[str, str]:
        """Versions of the models by target; a target without one had its fallback."""
        versions = (self.win_model_version, self.value_model_version, self.close_month_model_version)
        return {target: name for target, name in zip(TARGETS, versions, strict=True) if name is not None}


def figures(made: Made) -> pa.Table:
    """Return the figures of a forecast by month and segment, in the order of their keys."""
    table = rows.forecast_table(made.forecast, "").drop_columns(["model_version", "as_of_date"])
    for name, amounts in made.rivals.items():
        table = table.append_column(f"{name}_amount", pa.array(amounts.reshape(-1), pa.float64()))
    return _in_order(table)


def write(conn: psycopg.Connection, run_id: int, made: Made, served: Served, currency: str | None) -> int:
    """Append a forecast to the ledger, in the caller's transaction.

    Args:
        conn: of the role scorer.
        run_id: the run that publishes it.
        currency: reporting currency of its amounts, where it is known.

    Returns:
        The number of the entry.
    """
    table = figures(made)
    names = ("win_model_version", "value_model_version", "close_month_model_version")
    versions = {name: served.version_of(target) for name, target in zip(names, TARGETS, strict=True)}
    values = {
        **versions, **vars(made.inputs), "run_id": run_id, "as_of_date": made.forecast.as_of,
        "horizon_months": made.options.horizon, "fiscal_start_month": made.options.fiscal_start_month,
        "draw_count": made.options.draws, "seed": made.options.seed, "past_as_of_dates": made.past_as_of_dates,
        "reporting_currency_code": currency, "figure_count": len(table), "figures_sha256": digest(table),
        "software": software(), "code_sha256": code_digest(),
    }  # fmt: skip
    row = conn.execute(_statement("write"), values).fetchone()
    assert row is not None, "insert returning"
    frames.copy_in(conn, _FIGURES, table.add_column(0, "ledger_id", pa.repeat(pa.scalar(row[0]), len(table))))
    return int(row[0])


def entries(conn: psycopg.Connection, limit: int) -> list[Entry]:
    """Return the latest entries, latest first."""
    given = {"ledger_id": None, "limit": limit}
    return conn.cursor(row_factory=class_row(Entry)).execute(_statement("entries"), given).fetchall()


def entry(conn: psycopg.Connection, ledger_id: int) -> Entry:
    """Return one entry.

    Raises:
        UnknownForecast: there is none.
    """
    given = {"ledger_id": ledger_id, "limit": 1}
    found = conn.cursor(row_factory=class_row(Entry)).execute(_statement("entries"), given).fetchone()
    if found is None:
        raise UnknownForecast(f"the ledger has no forecast {ledger_id}", "See which it has: revlayer forecast ledger")
    return found


def read_figures(conn: psycopg.Connection, ledger_id: int) -> pa.Table:
    """Return what an entry said, as ``figures`` has it."""
    return _in_order(frames.read_table(conn, _statement("figures"), {"ledger_id": ledger_id}))


def digest(table: pa.Table) -> str:
    """Return a SHA-256 over figures: keys as text, numbers bit by bit."""
    found = hashlib.sha256()
    for name in table.schema.names:
        values = table[name].combine_chunks()
        held = "\n".join(map(str, values.to_pylist())).encode() if name in KEYS else values.to_numpy().tobytes()
        found.update(name.encode() + b"\0" + held + b"\0")
    return found.hexdigest()


def software() -> str:
    """Name the versions of what computes a forecast."""
    return ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)


@cache
def code_digest() -> str:
    """Return a SHA-256 over the source text of the forecast."""
    found = hashlib.sha256()
    sources = resources.files("revlayer_udf.forecast").iterdir()
    for file in sorted(sources, key=lambda file: file.name):
        if file.name.endswith((".py", ".sql")):
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def _in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(key, "ascending") for key in KEYS])


def _statement(name: str) -> str:
    return queries.load("revlayer_udf", "forecast/ledger.sql")[name]
