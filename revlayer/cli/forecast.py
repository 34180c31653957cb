"""``revlayer forecast``: what was published, and what people expect."""

from typing import TYPE_CHECKING, Annotated

import typer

from revlayer import pipeline
from revlayer.cli.console import output, print_lines, table
from revlayer.config import Settings
from revlayer.database import connect

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

    Features are those of the last build. Of an earlier day, build them as they were known then, and come back after:

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
