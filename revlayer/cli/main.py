"""``revlayer``: one command per step, each safe to repeat, each with an exit code a scheduler can trust.

0 done, 1 failed (the message says what to do), 2 wrong use, 75 another run is at it: try again later.
"""

import sys

import psycopg
import typer
from pydantic import ValidationError
from rich.text import Text

from revlayer.cli import closings, database, evaluation, forecast, models, reasons, semantics, steps, watch
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
app.add_typer(forecast.app, name="forecast")
for command in (watch.demo, steps.run, watch.doctor, watch.docs):
    app.command(rich_help_panel="Start here")(command)
app.command("import", rich_help_panel="Data in")(steps.import_csv)
app.command(rich_help_panel="Data in")(steps.simulate)
for command in (steps.migrate, steps.build, steps.train, steps.score, steps.forecast_series, steps.backtest):
    app.command(rich_help_panel="Single steps")(command)
app.command(rich_help_panel="Single steps")(evaluation.evaluate)
app.command(rich_help_panel="Single steps")(reasons.explain)
# What follows is MetricFlow's own, --help included.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
app.command(rich_help_panel="Metrics", context_settings=PASSED_ON)(semantics.mf)
app.command(rich_help_panel="Closed months")(closings.close_month)
app.command(rich_help_panel="Closed months")(closings.reopen_month)
app.command("closings", rich_help_panel="Closed months")(closings.list_closings)


def main() -> None:
    """Run the command line; known errors print without a traceback."""
    try:
        app()
    except RevlayerError as error:
        fail(str(error), error.exit_code)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction) as error:
        what_to_do = "The database is not built that far. Run: revlayer run, or the steps before this one."
        fail(f"{_first_line(error)}\n{what_to_do}", 1)
    except psycopg.Error as error:
        fail(f"the database says: {_first_line(error)}", 1)
    except OSError as error:
        fail(f"{error.strerror or error}: {error.filename or 'see the message above'}", 1)
    except ValidationError as error:
        problems = "; ".join(
            f"REVLAYER_{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()
        )
        fail(f"settings: {problems}\nMend the environment variable, or its line in .env (see .env.example).", 2)


def fail(message: str, exit_code: int) -> None:
    """Print an error as it is, without reading markup in it, and leave."""
    errors.print(Text.assemble(("error ", "bold red"), message), highlight=False)
    sys.exit(exit_code)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
