"""What the commands print with: results to stdout, progress and errors to stderr."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

from rich.bar import Bar
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

# Where output goes to a file or a log there is no terminal to ask for its width.
LOG_WIDTH = 160
output = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else LOG_WIDTH)


BAR_WIDTH = 24

# Below this many things (models of a build, files) a rate says nothing.
RATE_FROM = 1000


class RateColumn(ProgressColumn):
    """Rows per second of a task with many rows."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        shown = speed is not None and (task.total or 0) >= RATE_FROM
        return Text(f"{speed:,.0f}/s" if shown else "", style="progress.data.speed")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar with rate and remaining time on stderr and yield ``update(what, done, total)``.

    Silent where stderr is no terminal.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        RateColumn(),
        TextColumn("[dim]{task.fields[what]}"),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(title, total=None, what="")
        started = [""]

        def update(what: str, done: int, total: int) -> None:
            if what != started[0] and total >= RATE_FROM:  # the speed of one target says nothing of the next
                started[0] = what
                progress.reset(task, total=total, what=what)
            progress.update(task, completed=done, total=total or None, what=what)

        yield update


def print_lines(lines: Sequence[str]) -> None:
    """Print sentences as they are, without reading markup or colours into them."""
    for line in lines:
        output.print(line, highlight=False, markup=False)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Make a table; numbers are set right with thousands separators, None shows as a dash.

    Cells are plain text, since people's words may look like markup; a cell in colours is a Text, a picture a Bar.
    """
    made = Table(title=title, title_justify="left", header_style="bold")
    for index, name in enumerate(header):
        numeric = any(isinstance(row[index], int | float | Decimal) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*[_cell(value) for value in row])
    return made


def with_bars(
    header: Sequence[str], rows: Sequence[Sequence[object]], column: str | None
) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Add a column that draws the numbers of another as bars, the largest of them over the whole width.

    Numbers below zero and missing ones have no bar; without a column all stays as it is.
    """
    if column is None:
        return header, rows
    place = header.index(column)
    values = [row[place] for row in rows]
    numbers = [float(value) if isinstance(value, int | float | Decimal) else 0.0 for value in values]
    largest = max([0.0, *numbers]) or 1.0
    bars = [Bar(largest, 0, max(number, 0.0), width=BAR_WIDTH, color="cyan") for number in numbers]
    return [*header, ""], [[*row, bar] for row, bar in zip(rows, bars, strict=True)]


def _cell(value: object) -> Text | Bar:
    return value if isinstance(value, Text | Bar) else Text(_plain(value))


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.0f}"
    return str(value)
