"""``revlayer forecast``: what was published, and what people expect."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revlayer import dbt, people, pipeline
from revlayer.cli.console import output, print_lines, table
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.errors import RevlayerError

if TYPE_CHECKING:
    from revlayer_udf.forecast.ledger import Entry

app = typer.Typer(
    help="Published forecasts, kept for ever; submissions and targets of people.",
    no_args_is_help=True,
)


@app.command("ledger")
def list_ledger(
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 20,
) -> None:
    """List the forecasts that were published, the latest first, and what made them.

    Figures by month and segment are in planning.forecast_ledger_figures and, after revlayer build marts, in
    marts.forecast_ledger.
    """
    from revlayer_udf.forecast import ledger

    with connect(Settings(), "scorer") as conn:
        found = ledger.entries(conn, limit)
    if not found:
        output.print("no forecast was published yet: revlayer run")
        return
    header = ["number", "as of", "published", "by", "models: win, value, close month", "open deals", "figures"]
    output.print(table("", header, [_row(entry) for entry in found]))


def _row(entry: "Entry") -> tuple[object, ...]:
    models = [entry.model_versions.get(target, "fallback") for target in ("deal_win", "deal_value", "deal_close_month")]
    return (
        entry.ledger_id, str(entry.as_of_date), f"{entry.published_at:%Y-%m-%d %H:%M}", entry.published_by,
        "\n".join(models), entry.open_deal_count, entry.figure_count,
    )  # fmt: skip


@app.command()
def reproduce(
    number: Annotated[int, typer.Argument(help="Of the ledger: revlayer forecast ledger", show_default=False)],
) -> None:
    """Make a published forecast again from its row of the ledger and compare every figure; nothing is published.

    The same models are loaded, the features of the same day are scored, the same draws are made. Exit code 1 where a
    figure differs by more than 1e-9 of its size.

    Features are those of the last build. Where they differ from those of an earlier day, build that day as it was known
    then, and come back after:

        revlayer build features --as-of 2025-06-30
        revlayer forecast reproduce 12
        revlayer run
    """
    from revlayer_udf.forecast.reproduction import reproduce as make_again

    settings = Settings()
    with pipeline.run_lock(settings, wait=False), connect(settings, "scorer") as conn:
        found = make_again(conn, number)
    entry = found.entry
    count = found.compared
    title = f"forecast {number} as of {entry.as_of_date}, published {entry.published_at:%Y-%m-%d %H:%M}"
    if not found.differing:
        print_lines([f"{title}: {count:,} figures made again, largest difference {found.largest:.1e}"])
        return
    differing = f"{found.differing:,} of {count:,} figures differ, by up to {found.largest:.1e} of their size"
    print_lines([f"{title}: {differing}", *found.reasons])
    raise typer.Exit(1)


_NAMES_SHOWN = 10
CsvFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file, UTF-8, with a header.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, keep nothing.")]


@app.command()
def submit(file: CsvFile, dry_run: DryRun = False) -> None:
    """Take what people expect to win from a CSV file: submissions, and overrides of them.

    Columns: period_start_on (first day of a month or of a fiscal quarter), category (closed, commit, best_case,
    pipeline), amount, currency_code; and where they are not the default: kind (submission, override), period_type
    (month, quarter), one of segment_id, owner_id, team_path (none: the company), author (who runs this), submitted_at
    (now), note.

        period_start_on,category,amount,currency_code,author,submitted_at
        2025-07-01,commit,125000,USD,ann,2025-06-30T17:00

    Rows are appended and never changed: a correction is a new row with a later time, and the latest one counts. A row
    that is there already is left out, so a file may be imported again; one without submitted_at is there already where
    the author's latest figure says the same. Rejected rows are kept in planning.rejected_rows with their reason.
    Segments, owners, teams and currencies that the marts do not know are taken, and named in a warning.

    Exit code 0: the file was read, with or without rejected rows, as in revlayer import. 1: it cannot be read, and
    nothing was kept.
    """
    _import(people.SUBMISSIONS, file, dry_run)


@app.command()
def targets(file: CsvFile, dry_run: DryRun = False) -> None:
    """Take targets from a CSV file.

    Columns: month_start_on, target_amount, currency_code; one of segment_id, owner_id, team_path (none: the company);
    author (who runs this); stated_at (now): from when it is the target. Tables as of an earlier day do not show it, so
    give the time where you bring in targets of the past.

        month_start_on,target_amount,currency_code,team_path,stated_at
        2025-07-01,400000,EUR,sales/north,2025-06-12

    The latest stated target of a month counts: a correction is a new row with a later time. A row that is there
    already is left out, so a file may be imported again. Rejected rows are kept in planning.rejected_rows with their
    reason. Segments, owners, teams and currencies that the marts do not know are taken, and named in a warning; the
    company's sum is over known segments.

    Exit code 0: the file was read, with or without rejected rows, as in revlayer import. 1: it cannot be read, and
    nothing was kept.
    """
    _import(people.TARGETS, file, dry_run)


@app.command("value-added")
def show_value_added(
    months: Annotated[int, typer.Option(min=0, max=36, help="Forecasts up to so many months ahead.")] = 3,
    segment: Annotated[str, typer.Option(help="A segment_id; (all) is the company.")] = "(all)",
) -> None:
    """Show who forecast better: errors of the model, the CRM and people beside naive, on the same months.

    Value added is the WAPE of naive minus one's own: above zero is better. Of people only what they said by the as-of
    date of a forecast counts; "entered later" counts figures that came here on a later day than they are said to be
    of. Backtest: past days replayed; ledger: as it was published.

    By months ahead, period and author: marts.forecast_value_added.
    """
    with connect(Settings(), "reader") as conn:
        found = people.value_added(conn, segment, months)
    header = ["who", "origin", "forecasts", "entered later", "WAPE", "of naive", "value added", "beside the model"]
    rows = [
        (one.who, one.origin, one.forecast_count, one.entered_later_count,
         *_shares("{:.1%}", one.wape_rate, one.naive_wape_rate),
         *_shares("{:+.1%}", one.value_added_rate, one.value_added_to_model_rate))
        for one in found
    ]  # fmt: skip
    if rows:
        output.print(table(f"forecast value added, {segment}, up to {months} months ahead", header, rows))
    else:
        print_lines(["no month that was forecast is over: revlayer backtest, then revlayer build marts"])
    if not any(one.who.startswith(("submission", "override")) for one in found):
        print_lines(
            [
                "nobody submitted a forecast for these months before they were over, or the marts were not built since:"
                " revlayer forecast submit, then revlayer build marts"
            ]
        )


def _shares(form: str, *rates: Decimal | None) -> list[str | None]:
    return [None if rate is None else form.format(rate) for rate in rates]


def _import(kind: people.FileKind, file: Path, dry_run: bool) -> None:
    settings = Settings()
    zone = str(dbt.variables(settings).get("reporting_time_zone", "UTC"))
    fiscal = pipeline.fiscal_start_month(settings)
    with connect(settings, "planner", autocommit=True) as conn:
        found = people.import_file(conn, kind, file, zone=zone, fiscal_start_month=fiscal, dry_run=dry_run)
    lines = [
        f"{found.read_count:,} rows read, {found.accepted_count:,} accepted, {found.repeated_count:,} there already, "
        f"{found.rejected_count:,} rejected"
    ]
    lines += [f"  line {line}: {reason}" for line, reason in found.first_rejects]
    if more := found.rejected_count - len(found.first_rejects):
        lines.append(f"  and {more:,} more")
    if dry_run:
        lines.append("nothing was kept")
    elif found.rejected_count:
        lines.append(f"the rejected ones: planning.rejected_rows, import_id {found.import_id}")
    if found.accepted_count and not dry_run:
        lines.append("the marts have them from their next build on: revlayer build marts")
    print_lines(lines + _warnings(settings, found))


def _warnings(settings: Settings, found: people.Imported) -> list[str]:
    """Say which names the data do not know; the rows are taken, since they may become known."""
    if not found.named:
        return []
    try:
        with connect(settings, "reader") as conn:
            unknown = people.unknown_names(conn, found.named)
    except RevlayerError as error:
        return [f"names were not compared with the data: {error.message}"]
    if unknown is None:
        return ["names were not compared with the data: the marts are not built yet (revlayer run)"]
    if not unknown:
        return []
    shown = [f"  {one.name_kind} {one.name} ({one.row_count:,} rows)" for one in unknown[:_NAMES_SHOWN]]
    if len(unknown) > _NAMES_SHOWN:
        shown.append(f"  and {len(unknown) - _NAMES_SHOWN:,} more")
    return [
        f"warning: {len(unknown):,} names that the marts do not know; nothing counts for them until the data do:",
        *shown,
    ]
