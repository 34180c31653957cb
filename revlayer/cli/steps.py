"""The steps of a run, one command each."""

from revlayer.cli.console import output, progress_bar
from revlayer.config import Settings
from revlayer.database import deploy


def migrate() -> None:
    """Bring the database to this version: roles, migrations, functions, privileges."""
    with progress_bar("migrate") as update:
        summary = deploy(Settings(), lambda what: update(what, 0, 0))
    output.print(
        f"{len(summary.migrations_applied)} migrations applied, {summary.migrations_known} already there, "
        f"{summary.functions} functions"
    )
