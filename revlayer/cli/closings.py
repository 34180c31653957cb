"""``revlayer close-month | reopen-month | closings``: months whose figures stay as they were reported."""

from datetime import datetime
from typing import Annotated

import typer

from revlayer import closings as books
from revlayer.cli.console import output, print_lines, table
from revlayer.config import Settings
from revlayer.database import connect

Month = Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="Such as 2025-01.", metavar="YYYY-MM")]
REBUILD = "the tables … _as_reported show it after: revlayer build marts"


def close_month(
    month: Month,
    note: Annotated[str | None, typer.Option(help="Kept with the closing, such as who approved it.")] = None,
) -> None:
    """Freeze the figures of a month that is over, as the marts have them now.

    Recurring revenue, movements, recognised and deferred revenue of the month then stay as they were reported.
    What becomes known of them later shows as an adjustment in the next month, in the tables named as_reported.
    All other tables go on showing what is known.

    Months are closed in order; the first closing freezes all months before it too.
    Before: revlayer run --as-of, with a day after the month's end, and look at the figures.
    After: revlayer build marts.
    """
    with connect(Settings(), "planner") as conn:
        made = books.close_month(conn, month.date().replace(day=1), note)
        conn.commit()
    output.print(f"{made.month_start_on:%Y-%m} is closed as known on {made.as_of_date}", highlight=False)
    if made.first_month_start_on < made.month_start_on:
        output.print(f"so are all months before it, from {made.first_month_start_on:%Y-%m} on", highlight=False)
    currency = made.reporting_currency_code
    print_lines(
        [
            f"MRR {made.mrr_reporting_amount:,} {currency}, recognised {made.recognised_reporting_amount:,} {currency}",
            f"frozen: {made.mrr_row_count:,} rows of MRR, {made.movement_row_count:,} movements, "
            f"{made.revenue_row_count:,} rows of revenue",
            REBUILD,
        ]
    )


def reopen_month(
    month: Month,
    reason: Annotated[str, typer.Option(help="Kept with the closing for ever.", show_default=False)],
) -> None:
    """Take back the closing of the month that was closed last.

    For mistakes in the closing itself: late data need none, they show as adjustments in the open month.
    What was frozen is kept, as is the reason, and the month can be closed again.
    """
    with connect(Settings(), "planner") as conn:
        made = books.reopen_month(conn, month.date().replace(day=1), reason)
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
