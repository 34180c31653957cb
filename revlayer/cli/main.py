"""``revlayer``: one command per step, each safe to repeat, each with an exit code a scheduler can trust.

0 done, 1 failed (the message says what to do), 2 wrong use, 75 another run is at it: try again later.
"""

import sys

import typer
from pydantic import ValidationError

from revlayer.cli import database, models, steps, watch
from revlayer.cli.console import errors
from revlayer.errors import RevlayerError

app = typer.Typer(
    name="revlayer",
    help=__doc__.split("\n\n")[0].replace("``", ""),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(database.app, name="db")
app.add_typer(models.app, name="models")
for command in (watch.demo, steps.run, watch.doctor, watch.docs):
    app.command(rich_help_panel="Start here")(command)
app.command("import", rich_help_panel="Data in")(steps.import_csv)
app.command(rich_help_panel="Data in")(steps.simulate)
for command in (steps.migrate, steps.build, steps.train, steps.score, steps.backtest):
    app.command(rich_help_panel="Single steps")(command)


def main() -> None:
    """Run the command line; known errors print without a traceback."""
    try:
        app()
    except RevlayerError as error:
        errors.print(f"[bold red]error[/] {error}", highlight=False)
        sys.exit(error.exit_code)
    except ValidationError as error:
        problems = "; ".join(
            f"REVLAYER_{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()
        )
        errors.print(f"[bold red]error[/] settings: {problems}", highlight=False)
        sys.exit(2)
