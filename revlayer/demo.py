"""The demonstration: a simulated company from raw tables to published forecasts, in one command."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

from revlayer import pipeline
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.errors import RevlayerError
from revlayer.pipeline import Progress, Step
from revlayer_udf import queries

SOURCE_NAME = "simulator"
# Column of each query of the tour that is drawn as bars beside its figures.
PICTURES = {
    "what_lands_in_the_coming_months": "mean_amount",
    "what_is_at_risk_and_why_ranked_in_money": "revenue_at_risk_amount",
    "how_recurring_revenue_came_about": "closing_amount",
    "what_customers_owe_by_days_overdue_and_what_may_stay_unpaid": "overdue_amount",
    "which_customers_may_leave_and_how_they_are": "health_score",
    "what_to_do_first": "ranked_amount",
    "where_installs_pay": "predicted_amount",
}
# Above this the models learn from a sample of deals: more rows cost minutes and change no figure.
SAMPLED_ABOVE = 400_000


@dataclass(frozen=True)
class Company:
    """The simulated company: the same arguments give the same rows. None: in proportion to the deals."""

    deals: int = 20_000
    seed: int = 1
    months: int = 48
    end_on: date = date(2025, 12, 31)
    shoppers: int | None = None
    installs: int | None = None


def demonstrate(settings: Settings, company: Company, progress: Progress, report: Callable[[Step], None]) -> date:
    """Make the company unless it is there, then run; where all is published already, do nothing.

    Raises:
        RevlayerError: the database holds data of another source, which the demonstration must not mix with.
    """
    with pipeline.timed("database", report) as outcome:
        applied = deploy(settings, lambda what: progress(what, 0, 0)).migrations_applied
        outcome.append(f"{len(applied)} new migrations" if applied else "up to date")
    with connect(settings) as conn:
        _refuse_other_data(conn)
        earlier = _present_company(conn)
        present = earlier == _fingerprint(company)
        scored = present and _is_true(conn, "is_scored", [company.end_on, SOURCE_NAME])
        published = scored and _is_true(conn, "has_marts") and _is_true(conn, "is_published")
    if published:
        report(Step("run", 0.0, "everything is published already"))
        return company.end_on
    if not present:
        with pipeline.timed("simulate", report) as outcome:
            outcome.append(simulate_company(settings, company, progress))
            if earlier is not None:
                outcome.append("in place of the earlier simulated company")
    return pipeline.run(
        settings, company.end_on, retrain=not scored, max_training_rows=SAMPLED_ABOVE,
        progress=progress, report=report,
    )  # fmt: skip


def simulate_company(settings: Settings, company: Company, progress: Progress) -> str:
    """Write the company into raw (replacing an earlier one) and say in words what was made."""
    from revlayer.simulator import simulate

    with connect(settings, "owner") as conn:
        _refuse_other_data(conn)
        statements = queries.load("revlayer", "demo.sql")
        summary = simulate(
            conn, deals=company.deals, seed=company.seed, months=company.months, end_on=company.end_on,
            progress=progress, shoppers=company.shoppers, installs=company.installs,
        )  # fmt: skip
        conn.execute(statements["record_company"], [SOURCE_NAME, _fingerprint(company)])
    with connect(settings, "owner", autocommit=True) as conn:
        # Fresh tables have no statistics, and the first build would plan blind.
        conn.execute(statements["analyze"])
    return str(summary)


def _fingerprint(company: Company) -> str:
    """SHA-256 of the arguments and of the models' numbers: what a mapping's hash is to an import."""
    from revlayer.simulator import customers, installs, parameters
    from revlayer.simulator.billing import parameters as billing

    made_by = (
        parameters.fingerprint(parameters.Parameters()),
        billing.fingerprint(billing.BillingParameters()),
        customers.fingerprint(customers.CustomerParameters()),
        installs.fingerprint(installs.InstallParameters()),
    )
    return hashlib.sha256(repr((company, made_by)).encode()).hexdigest()


def _refuse_other_data(conn: psycopg.Connection) -> None:
    row = conn.execute(queries.load("revlayer", "demo.sql")["other_sources"], [SOURCE_NAME]).fetchone()
    if row is not None:
        raise RevlayerError(
            f"this database holds data of the source {row[0]!r}; the demonstration would mix with it",
            "Give the demonstration a database of its own (REVLAYER_HOME=.revlayer-demo make demo).",
        )


def _present_company(conn: psycopg.Connection) -> str | None:
    row = conn.execute(queries.load("revlayer", "demo.sql")["present_company"], [SOURCE_NAME]).fetchone()
    return None if row is None else row[0]


def _is_true(conn: psycopg.Connection, name: str, parameters: Sequence[object] = ()) -> bool:
    row = conn.execute(queries.load("revlayer", "demo.sql")[name], parameters).fetchone()
    return row is not None and bool(row[0])


@dataclass(frozen=True)
class Stop:
    """One query of the tour with its result; ``picture`` names the column that is drawn as bars."""

    title: str
    statement: str
    header: list[str]
    rows: list[tuple[object, ...]]
    picture: str | None


def tour(conn: psycopg.Connection) -> list[Stop]:
    """Run the queries worth running: deals, recurring revenue, receivables, customers, actions, installs."""
    found = []
    for name, statement in queries.load("revlayer", "tour.sql").items():
        cursor = conn.execute(statement)
        header = [column.name for column in cursor.description or []]
        found.append(Stop(name.replace("_", " "), statement, header, cursor.fetchall(), PICTURES.get(name)))
    return found


def tables(conn: psycopg.Connection) -> list[tuple[str, int, str]]:
    """Return name, rows and description of every mart."""
    return conn.execute(queries.load("revlayer", "demo.sql")["tables"]).fetchall()
