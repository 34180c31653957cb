"""``revlayer close-month | reopen-month | closings``: months whose figures stay as they were reported."""

from datetime import date, datetime
from typing import Annotated

import typer

from revlayer import closings as books
from revlayer.cli.console import output, print_lines, table
from revlayer.config import Settings
from revlayer.database import connect


def _month(given: str) -> date:
    """First day of a month as people write it."""
    try:
        return datetime.strptime(given, "%Y-%m").date()
    except ValueError:
        raise typer.BadParameter(f"{given!r} is no month. Write year and month, such as 2025-01.") from None


Month = Annotated[date, typer.Argument(parser=_month, help="Such as 2025-01.", metavar="YYYY-MM")]
REBUILD = "the tables … _as_reported show it after: revlayer build marts"


def close_month(
    month: Month,
    note: Annotated[str | None, typer.Option(help="Kept with the closing, such as who approved it.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the months, rows and totals that would be frozen; keep nothing.")
    ] = False,
) -> None:
    """Freeze the figures of a month that is over, as the marts have them now.

    Recurring revenue, movements, recognised and deferred revenue of the month then stay as they were reported.
    What becomes known of them later shows as an adjustment in the next month, in the tables named as_reported.
    All other tables go on showing what is known.

    Months are closed in order; the first closing freezes all months before it too: look at it with --dry-run.
    Before: revlayer run --as-of, with a day after the month's end, and look at the figures.
    After: revlayer build marts.
    """
    with connect(Settings(), "planner") as conn:
        if dry_run:
            made, months = books.preview_month(conn, month)
        else:
            made = books.close_month(conn, month, note)
            months = books.frozen_months(conn, made.closing_id)
        conn.commit()
    _print_frozen(made, months, is_closed=not dry_run)


def _print_frozen(made: books.Closing, months: list[books.FrozenMonth], is_closed: bool) -> None:
    frozen = "frozen" if is_closed else "would be frozen"
    named = f"{made.month_start_on:%Y-%m}"
    is_first = made.first_month_start_on < made.month_start_on
    lines = [f"{named} {'is' if is_closed else 'would be'} closed as known on {made.as_of_date}"]
    if is_first:
        tense = "so are" if is_closed else "so would be"
        lines.append(f"{tense} all months before it, from {made.first_month_start_on:%Y-%m} on")
    print_lines(lines)
    currency = made.reporting_currency_code
    header = ["month", f"MRR, {currency}", "rows of MRR", "movements", f"recognised, {currency}", "rows of revenue"]
    rows = [(f"{m.month_start_on:%Y-%m}", m.mrr_reporting_amount, m.mrr_row_count, m.movement_row_count,
             m.recognised_reporting_amount, m.revenue_row_count) for m in months]  # fmt: skip
    if months:
        output.print(table(f"{frozen} by month", header, rows))
    counts = (
        f"{made.mrr_row_count:,} rows of MRR, {made.movement_row_count:,} movements, "
        f"{made.revenue_row_count:,} rows of revenue"
    )
    print_lines([f"{frozen}: {counts}"])
    close = f"nothing was kept; close it with: revlayer close-month {named}"
    print_lines([REBUILD if is_closed else close])


def reopen_month(
    month: Month,
    reason: Annotated[str, typer.Option(help="Kept with the closing for ever.", show_default=False)],
) -> None:
    """Take back the closing of the month that was closed last.

    For mistakes in the closing itself: late data need none, they show as adjustments in the open month.
    What was frozen is kept, as is the reason, and the month can be closed again.
    """
    with connect(Settings(), "planner") as conn:
        made = books.reopen_month(conn, month, reason)
        conn.commit()
    output.print(f"{made.month_start_on:%Y-%m} is open again; {REBUILD}", highlight=False)


def list_closings(
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute the digests of what was frozen; exit code 1 if any differs.")
    ] = False,
) -> None:
    """List the closed months: when, by whom, as known on which day; and closings that were taken back."""
    with connect(Settings(), "planner") as conn:
        found = books.closings(conn)
        intact = {made.closing_id: books.is_intact(conn, made.closing_id) for made in found} if verify else {}
    if not found:
        output.print("no month was closed yet: revlayer close-month YYYY-MM")
        return
    header = ["month", "as of", "closed at", "by", "MRR", "recognised", "currency", "note", "status"]
    output.print(table("", header, [_row(made, intact.get(made.closing_id)) for made in found]))
    if not all(intact.values()):
        output.print("rows of closed months were changed: audit.trail says what the closing was")
        raise typer.Exit(1)


def _row(made: books.Closing, is_intact: bool | None) -> tuple[object, ...]:
    month = f"{made.month_start_on:%Y-%m}"
    if made.first_month_start_on < made.month_start_on:
        month = f"{made.first_month_start_on:%Y-%m} to {month}"
    status = "closed" if made.reopened_at is None else f"reopened {made.reopened_at:%Y-%m-%d} ({made.reason})"
    if is_intact is not None:
        status += ", intact" if is_intact else ", CHANGED"
    return (
        month, str(made.as_of_date), f"{made.closed_at:%Y-%m-%d %H:%M}", made.closed_by, made.mrr_reporting_amount,
        made.recognised_reporting_amount, made.reporting_currency_code, made.note, status,
    )  # fmt: skip
