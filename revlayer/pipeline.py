"""One run from raw tables to published marts, in the order that data moves.

migrate → features (dbt) → train, where no model serves → score → forecast → series → marts (dbt). Every step can be
repeated; a failed one leaves what was published before in place.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import psycopg
from psycopg import sql

from revlayer import dbt, series
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.errors import BusyError, RevlayerError, WrongUseError
from revlayer.live_view import LiveView
from revlayer_udf import queries

# One run per database; other databases of the cluster have locks of their own.
RUN_LOCK = 7_281_002


class Progress(Protocol):
    """Told what is at work, how much is done and how much there is (0 when unknown)."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


@dataclass(frozen=True)
class Step:
    """One finished step of a run."""

    name: str
    seconds: float
    outcome: str


def resolve_as_of(settings: Settings, given: date | None) -> date:
    """Return the as-of date: as given, as configured, or the last day the raw tables know of.

    There is no clock here: the same data give the same date on any day.
    """
    wanted = given or settings.as_of_date
    first, last = known_dates(settings)
    if wanted is not None:
        if first is not None and wanted < first:
            raise RevlayerError(
                f"nothing was known on {wanted}: the data begin on {first}",
                "Tables of that day would be empty and replace good ones. Give a later --as-of.",
            )
        return wanted
    if last is None:
        raise RevlayerError(
            "the raw tables are empty, so there is no as-of date",
            "Load data first (revlayer import MAPPING --data FOLDER, or revlayer simulate), or give --as-of.",
        )
    return last


def known_dates(settings: Settings) -> tuple[date | None, date | None]:
    """Return the first and the last day of which the raw tables know anything, None where they are empty."""
    with connect(settings, "transformer") as conn:
        zone = dbt.variables(settings).get("reporting_time_zone", "UTC")
        row = conn.execute(queries.load("revlayer", "pipeline.sql")["known_dates"], {"zone": zone}).fetchone()
    return (None, None) if row is None else (row[0], row[1])


@contextmanager
def run_lock(settings: Settings, *, wait: bool) -> Iterator[None]:
    """Hold the one lock of a run; it goes with the connection, so a killed run leaves none behind.

    Raises:
        BusyError: another run holds it and ``wait`` is False.
    """
    statements = queries.load("revlayer", "pipeline.sql")
    with connect(settings, autocommit=True) as conn:
        if wait:
            conn.execute(statements["wait_for_lock"], [RUN_LOCK])
        else:
            row = conn.execute(statements["try_lock"], [RUN_LOCK]).fetchone()
            if row is None or not row[0]:
                raise BusyError(
                    "another revlayer run is at work on this database",
                    "Try again when it has ended, or use --wait to queue behind it.",
                )
        yield


def run(
    settings: Settings,
    as_of_date: date | None = None,
    *,
    retrain: bool = False,
    max_training_rows: int | None = None,
    wait: bool = False,
    progress: Progress = lambda what, done, total: None,
    report: Callable[[Step], None] = lambda step: None,
) -> date:
    """Do the whole run under the lock and return its as-of date.

    Args:
        retrain: fit new models even where one serves; they serve only if they pass the gate.
        report: called after each step.
    """
    from revlayer_udf import cash, forecast  # loading ONNX Runtime takes a second that other commands need not wait

    with run_lock(settings, wait=wait):
        with timed("migrate", report) as outcome:
            applied = deploy(settings, lambda what: progress(what, 0, 0)).migrations_applied
            outcome.append(f"{len(applied)} new migrations" if applied else "up to date")
        as_of = resolve_as_of(settings, as_of_date)
        with timed("features", report) as outcome:
            outcome.append(build(settings, "features", as_of, progress))
            outcome.extend(_beyond_the_data(settings, as_of))
        with timed("train", report) as outcome:
            outcome.append(train_missing(settings, as_of, retrain, max_training_rows, progress))
            outcome.extend(refresh_functions(settings))
        with timed("score", report) as outcome:
            outcome.extend(_score(settings, as_of, progress))
        with timed("forecast", report) as outcome, connect(settings, "scorer") as conn:
            made = forecast.forecast_revenue(
                conn, as_of, horizon=forecast_months(settings), fiscal_start_month=fiscal_start_month(settings),
                currency=reporting_currency(settings),
            )  # fmt: skip
            outcome.append(f"{made.row_count:,} month and segment rows")
            outcome.append(f"cash from open invoices by {cash.forecast_cash(conn, as_of).rung}")
            outcome.append(f"{cash.forecast_chain(conn, as_of).row_count:,} rows from deals to cash")
        with timed("series", report) as outcome:
            outcome.extend(series.step(settings, as_of, forecast_months(settings), progress))
        with timed("marts", report) as outcome:
            outcome.append(build(settings, "marts", as_of, progress))
    return as_of


def forecast_months(settings: Settings) -> int:
    """Months ahead that the forecast covers: a business setting, shared with the marts."""
    return int(dbt.variables(settings).get("forecast_horizon_months", 12))


def fiscal_start_month(settings: Settings) -> int:
    """Month the fiscal year begins in, 1 to 12: quarters of the forecast are those of the marts."""
    return int(dbt.variables(settings).get("fiscal_year_start_month", 1))


def reporting_currency(settings: Settings) -> str:
    """Currency that amounts are converted to."""
    return str(dbt.variables(settings).get("reporting_currency", "USD"))


def build(settings: Settings, selector: str, as_of: date, progress: Progress) -> str:
    """Build one half of the dbt project, with its tests, and say in words what came of it."""
    # buildable: tests that need a relation of the other half wait for that half.
    arguments = ["build", "--selector", selector, "--indirect-selection", "buildable"]
    given = {"as_of_date": as_of.isoformat(), "installed_predictors": installed_predictors(settings)}
    result = dbt.run(settings, arguments, given, progress)
    passed = sum(status == "pass" for status in result.statuses.values())
    made = sum(status == "success" for status in result.statuses.values())
    return f"{made} relations, {passed} tests passed"


def train_missing(settings: Settings, as_of: date, retrain: bool, max_rows: int | None, progress: Progress) -> str:
    """Train the targets that no model serves, or all of them, and replay the forecast with what serves then."""
    from revlayer_udf import registry

    with connect(settings, "scorer") as conn:
        targets = [t for t in trainable(conn) if retrain or registry.champion(conn, t) is None]
        if not targets:
            return "every target is served: --retrain trains again"
        from revlayer import short_history
        from revlayer_training import TARGETS, train_all
        from revlayer_training.backtest import run_backtest

        targets = [target for target in targets if target in TARGETS]  # others are models of one's own
        if not targets:
            return "every target that is trained here is served: --retrain trains again"
        results = train_all(conn, as_of, targets=targets, max_rows=max_rows, progress=progress)
    served = [f"{item.target} served by {item.rung}" for item in results if item.model_version]
    unserved: dict[str, list[str]] = {}
    for item in results:
        if item.model_version is None:
            unserved.setdefault(item.reason, []).append(item.target)
    if short_history.needs(results):
        served.append("too little history for a model: revlayer train says what it needs")
    served += [f"no model for {', '.join(targets)} ({reason})" for reason, targets in unserved.items()]
    if any(forecast_changes(target) for target in targets):
        with connect(settings, "scorer") as conn:
            judged = run_backtest(
                conn, through=as_of, fiscal_start_month=fiscal_start_month(settings), progress=progress
            )
        served.append(f"backtest of {judged.row_count:,} rows")
    return "; ".join(served)


def forecast_changes(target: str) -> bool:
    """Whether a new model of this target makes another forecast of revenue: those of deals do."""
    from revlayer_udf.targets import DEAL, TARGETS

    return TARGETS[target].entity is DEAL


def trainable(conn: psycopg.Connection) -> list[str]:
    """Return the targets of deals, and those of customers and installs where something is known of any.

    Args:
        conn: of the role scorer.
    """
    from revlayer_udf.targets import DEAL, TARGETS

    all_entities = {target.entity for target in TARGETS.values()}
    entities = {entity for entity in all_entities if entity is DEAL or _has_rows(conn, entity.labels)}
    return [name for name, target in TARGETS.items() if target.entity in entities]


def refresh_functions(settings: Settings) -> list[str]:
    """Renew scoring.predict_* where another model serves now than the one behind it; say so, target by target."""
    from revlayer_udf import functions

    with connect(settings, "scorer") as conn:
        return functions.refresh(conn, LiveView(settings).make_way)  # the marts, built next, make the view again


def require_features(conn: psycopg.Connection, as_of: date) -> None:
    """Raise WrongUseError for a day of which no features were built: what is published would be made of nothing.

    Args:
        conn: of the role scorer.
    """
    from revlayer_udf.targets import CUSTOMER, DEAL

    statements = queries.load("revlayer", "pipeline.sql")
    entity = CUSTOMER if not _has_rows(conn, DEAL.relation) and _has_rows(conn, CUSTOMER.relation) else DEAL
    has_features, nearest_features = (
        sql.SQL(statements[name]).format(relation=entity.identifier) for name in ("has_features", "nearest_features")
    )
    if (row := conn.execute(has_features, [as_of]).fetchone()) and row[0]:
        return
    row = conn.execute(nearest_features, {"day": as_of}).fetchone()
    earlier, later, last = row or (None, None, None)
    nearest = " and ".join(str(day) for day in (earlier, later) if day)
    known = f"It has month ends and the days of runs; next to it {nearest}, and {last} is the last." if last else ""
    raise WrongUseError(
        f"{entity.relation} has {entity.absent} at {as_of}, so there is nothing to score",
        f"{known}\nBuild that day, score and publish it: revlayer run --as-of {as_of}".lstrip(),
    )


def _has_rows(conn: psycopg.Connection, relation: str) -> bool:
    statements = queries.load("revlayer", "pipeline.sql")
    if not (row := conn.execute(statements["is_built"], [relation]).fetchone()) or not row[0]:
        return False
    name = sql.Identifier(*relation.split("."))
    row = conn.execute(sql.SQL(statements["has_rows"]).format(relation=name)).fetchone()
    return bool(row and row[0])


def _score(settings: Settings, as_of: date, progress: Progress) -> list[str]:
    from revlayer_udf import jobs

    with connect(settings, "scorer") as conn, connect(settings, "scorer") as read_conn:
        scored = jobs.score_targets(conn, as_of, progress=progress, read_conn=read_conn)
    # Why no model serves a target stands in the line of the training.
    found = [f"{item.target} {item.row_count:,}" for item in scored if item.run_id]
    found += sorted({item.reason for item in scored if item.reason and item.model_version})
    return found or ["nothing to publish"]


def _beyond_the_data(settings: Settings, as_of: date) -> list[str]:
    _, last = known_dates(settings)
    if last is None or as_of <= last:
        return []
    return [f"the data end on {last}, {(as_of - last).days} days before the as-of date"]


def installed_predictors(settings: Settings) -> list[str]:
    """Targets with a function scoring.predict_<target>; the live views over features are made for these."""
    with connect(settings, "transformer") as conn:
        return [row[0] for row in conn.execute(queries.load("revlayer", "pipeline.sql")["installed_predictors"])]


@contextmanager
def timed(name: str, report: Callable[[Step], None]) -> Iterator[list[str]]:
    """Time a step; the caller appends to the list in words what came of it."""
    outcome: list[str] = []
    started = time.perf_counter()
    yield outcome
    report(Step(name, time.perf_counter() - started, "; ".join(outcome)))
