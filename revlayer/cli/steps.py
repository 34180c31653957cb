"""The steps of a run, one command each, and ``run`` for all of them."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from revlayer import pipeline
from revlayer.cli import evaluation
from revlayer.cli.console import output, print_lines, progress_bar, table
from revlayer.config import Settings
from revlayer.database import connect, deploy
from revlayer.errors import RevlayerError, WrongUseError

if TYPE_CHECKING:
    from revlayer_udf.jobs import RunSummary

AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="State at the end of this day; default: the last day known."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Queue behind a run that is at work instead of leaving with 75.")]
MaxRows = Annotated[int | None, typer.Option(min=100, help="Train on a sample of about this many rows.")]

HorizonDays = Annotated[
    int | None,
    typer.Option(min=1, max=3660, help="Days that customer_value forecasts; as many as its labels have by default."),
]


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def print_step(step: pipeline.Step) -> None:
    """Print one finished step."""
    output.print(f"[green]✓[/] {step.name:<9} {step.seconds:7.1f} s  {step.outcome}", highlight=False)


def migrate() -> None:
    """Bring the database to this version: roles, migrations, functions, privileges."""
    with progress_bar("migrate") as update:
        summary = deploy(Settings(), lambda what: update(what, 0, 0))
    output.print(
        f"{len(summary.migrations_applied)} migrations applied, {summary.migrations_known} already there, "
        f"{summary.functions} functions"
    )


def build(
    selector: Annotated[Literal["features", "marts"], typer.Argument(help="Which half.")] = "features",
    as_of: AsOf = None,
) -> None:
    """Build one half of the dbt models, with their tests: features (before scoring) or marts (after it)."""
    settings = Settings()
    with pipeline.run_lock(settings, wait=False), progress_bar(selector) as update:
        outcome = pipeline.build(settings, selector, pipeline.resolve_as_of(settings, _day(as_of)), update)
    output.print(outcome)


def train(
    target: Annotated[
        str | None,
        typer.Argument(help="Such as deal_win or churn; by default all that have something to learn from."),
    ] = None,
    as_of: AsOf = None,
    max_rows: MaxRows = None,
    seed: int = 1,
    horizon_days: HorizonDays = None,
    check: Annotated[
        bool, typer.Option("--check", help="Report on the data only; exit code 1 where they cannot be learnt from.")
    ] = False,
) -> None:
    """Train, evaluate on later time, register; a model serves only if it beats its baseline."""
    from revlayer import short_history
    from revlayer_training import TARGETS, report, train_all

    settings = Settings()
    target = target and evaluation.target_named(target)
    if target and target not in TARGETS:
        raise WrongUseError(f"there is no target {target}", f"There are {', '.join(TARGETS)}.")
    if horizon_days and target != "customer_value":
        raise WrongUseError("--horizon-days is of customer value", "revlayer train value --horizon-days 365")
    cutoff = pipeline.resolve_as_of(settings, _day(as_of))
    if check:
        with connect(settings, "scorer") as conn:
            is_trainable = evaluation.check(conn, target, cutoff, max_rows)
        raise typer.Exit(0 if is_trainable else 1)
    with (
        pipeline.run_lock(settings, wait=False),
        connect(settings, "scorer") as conn,
        progress_bar("train") as update,
    ):
        targets = [target] if target else [name for name in pipeline.trainable(conn) if name in TARGETS]
        results = train_all(conn, cutoff, targets, seed, max_rows, update, horizon_days)
    for result in results:
        output.print(report.render(result))
    print_lines(short_history.needs(results))


def score(
    as_of: AsOf = None,
    changed_only: Annotated[
        bool, typer.Option("--changed-only", help="Score only deals whose features changed; copy the others.")
    ] = False,
    reasons: Annotated[bool, typer.Option(help="Keep the reasons of each score.")] = True,
) -> None:
    """Score open deals, customers, installs and invoices with the models that serve, publish; then the forecasts."""
    from revlayer_udf import cash, forecast, jobs

    settings = Settings()
    day = pipeline.resolve_as_of(settings, _day(as_of))
    with (
        pipeline.run_lock(settings, wait=False),
        connect(settings, "scorer") as conn,
        connect(settings, "scorer") as read_conn,
        progress_bar("score") as update,
    ):
        pipeline.require_features(conn, day)
        conn.commit()
        scored = jobs.score_targets(
            conn, day, progress=update, read_conn=read_conn, changed_only=changed_only, reasons=reasons
        )
        horizon, fiscal = pipeline.forecast_months(settings), pipeline.fiscal_start_month(settings)
        currency = pipeline.reporting_currency(settings)
        revenue = forecast.forecast_revenue(conn, day, horizon=horizon, fiscal_start_month=fiscal, currency=currency)
        runs = [*scored, revenue, cash.forecast_cash(conn, day).summary, cash.forecast_chain(conn, day)]
    header = ["target", "model", "rows", "run"]
    output.print(
        table(
            f"published as of {day}",
            header,
            [(r.target, r.model_version, r.row_count, r.run_id) for r in runs],
        )
    )
    print_lines([r.reason for r in scored if r.reason])
    if changed_only:
        print_lines([_rescored(r) for r in scored if r.run_id])


def _rescored(summary: "RunSummary") -> str:
    kept = summary.copied_count
    return f"{summary.target}: {summary.row_count - kept:,} rescored, {kept:,} kept, their features unchanged"


def forecast_series(as_of: AsOf = None) -> None:
    """Forecast monthly bookings, revenue and MRR by segment from their own past; publish it atomically.

    The features of the day must be built. Twelve months follow the last complete one. At past month ends every method
    forecasts with what was known there: by these errors each series gets the method that serves it and its intervals.
    Read marts.series_forecast_monthly and marts.series_accuracy after: revlayer build marts. docs/series.md tells how.
    """
    from revlayer import series

    settings = Settings()
    day = pipeline.resolve_as_of(settings, _day(as_of))
    with pipeline.run_lock(settings, wait=False), progress_bar("series") as update:
        made = series.forecast(settings, day, pipeline.forecast_months(settings), update)
    header = ["measure", "method that serves the total"]
    output.print(table(f"published as of {day}", header, list(made.served.items())))
    print_lines(made.notes)
    if made.run_id is None:
        raise RevlayerError(f"no series was forecast as of {day}", "Build the features of a day that has some months.")


def backtest(
    as_of: AsOf = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the models again at past dates, with what was known then.")
    ] = False,
    every: Annotated[int, typer.Option("--every", min=1, help="With --refit: months between two fittings.")] = 3,
    max_rows: MaxRows = None,
) -> None:
    """Replay past as-of dates through the same forecast and hold them against what came.

    Without --refit the models that serve now are judged, at month ends after everything they learnt from; one that was
    fitted again with its test period as it was before that.
    With it the last twelve month ends are, each with the models that training would have put into service: it
    takes as long as training four times, and what serves now stays.

    The tables are marts.forecast_accuracy and marts.deal_timing_calibration after: revlayer build marts
    """
    from revlayer_training.backtest import run_backtest

    settings = Settings()
    with connect(settings, "scorer") as conn, progress_bar("backtest") as update:
        summary = run_backtest(
            conn, through=pipeline.resolve_as_of(settings, _day(as_of)), refit_months=every if refit else None,
            max_rows=max_rows, horizon=pipeline.forecast_months(settings),
            fiscal_start_month=pipeline.fiscal_start_month(settings), progress=update,
        )  # fmt: skip
    output.print(table("backtest by horizon", summary.header, summary.rows))


def run(as_of: AsOf = None, retrain: bool = False, max_rows: MaxRows = None, wait: Wait = False) -> None:
    """Do everything: migrate, build features, train what no model serves, score, forecast, build marts."""
    with progress_bar("run") as update:
        day = pipeline.run(
            Settings(), _day(as_of), retrain=retrain, max_training_rows=max_rows, wait=wait,
            progress=update, report=print_step,
        )  # fmt: skip
    output.print(f"published as of {day}; look at it with: revlayer doctor")


def import_csv(
    mapping: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="Mapping file, such as mappings/crm_sales_opportunities.yml"),
    ],
    data: Annotated[
        Path, typer.Option("--data", exists=True, file_okay=False, help="Folder that holds the CSV files.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, keep nothing.")] = False,
) -> None:
    """Import CSV files by a mapping file. Rejected rows are kept in raw.rejected_rows with their reason."""
    from revlayer.importing import import_mapping

    settings = Settings()
    deploy(settings)
    with connect(settings, "loader") as conn, progress_bar("import") as update:
        summary = import_mapping(conn, mapping, data, dry_run=dry_run, progress=update)
    output.print(summary.render())


def simulate(
    deals: Annotated[int, typer.Option(min=50)] = 20_000,
    seed: int = 1,
    months: Annotated[int, typer.Option(min=6, max=240)] = 48,
    end_on: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], show_default="2025-12-31", help="Last day of its history.")
    ] = datetime(2025, 12, 31),
    shoppers: Annotated[
        int | None, typer.Option(min=0, show_default="one to 8 deals", help="People who buy in its shop.")
    ] = None,
    installs: Annotated[
        int | None, typer.Option(min=0, show_default="one to 2 deals", help="Installs of its app.")
    ] = None,
) -> None:
    """Write a simulated company with known truth into the raw tables. For a database of its own."""
    from revlayer import demo

    settings = Settings()
    deploy(settings)
    company = demo.Company(deals, seed, months, end_on.date(), shoppers, installs)
    with progress_bar("simulate") as update:
        output.print(demo.simulate_company(settings, company, update))
