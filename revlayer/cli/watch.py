"""Commands that look: doctor, and the demonstration with its tour."""

from typing import Annotated

import typer
from rich.text import Text

from revlayer import dbt, pipeline
from revlayer import demo as demonstration
from revlayer import doctor as examination
from revlayer.cli.console import output, progress_bar, table, with_bars
from revlayer.cli.steps import AsOf, print_step
from revlayer.config import Settings
from revlayer.database import connect

MARKS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor() -> None:
    """Say what is missing or stale and what to do. Exit code 1 when something fails."""
    checks = examination.examine(Settings())
    rows = [(Text(check.status, MARKS[check.status]), check.name, check.detail, check.what_to_do) for check in checks]
    output.print(table("", ["", "check", "finding", "what to do"], rows))
    if examination.worst(checks) == "fail":
        raise typer.Exit(1)


def docs(as_of: AsOf = None) -> None:
    """Write the dbt documentation (every table and column, lineage) as one page that needs no server."""
    settings = Settings()
    day = pipeline.resolve_as_of(settings, as_of.date() if as_of else None)
    dbt.run(settings, ["docs", "generate", "--static"], {"as_of_date": day.isoformat()})
    output.print(f"open {settings.project_directory / 'target' / 'static_index.html'}")


def demo(
    deals: Annotated[int, typer.Option(min=50, help="Size of the simulated company.")] = 20_000,
    seed: int = 1,
) -> None:
    """A simulated company from raw tables to published forecasts; repeated, it only shows the tour."""
    settings = Settings()
    with progress_bar("demo") as update:
        demonstration.demonstrate(settings, demonstration.Company(deals, seed), update, print_step)
    with connect(settings) as conn:
        rows = demonstration.tables(conn)
        output.print(table("\ntables for people, in schema marts", ["table", "rows", "what it holds"], rows))
        for stop in demonstration.tour(conn):
            output.print(f"\n[bold]{stop.title}[/]", highlight=False)
            header, found = with_bars(stop.header, stop.rows, stop.picture)
            output.print(table("", header, found))
            output.print(f"[dim]{stop.statement}[/]", highlight=False)
    if settings.database_url is None:
        output.print("\nConnect a BI tool (PostgreSQL, read-only) with the address printed by:")
        output.print("  [bold].venv/bin/revlayer db url --reader[/]")
    else:
        output.print(f"\nConnect BI tools as a login in the role [bold]{settings.role('reader')}[/]")
    output.print("What is missing or stale: [bold].venv/bin/revlayer doctor[/]")
