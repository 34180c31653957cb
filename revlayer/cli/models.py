"""``revlayer models``: the registry."""

from typing import Annotated

import typer

from revlayer.cli.console import output, table
from revlayer.config import Settings
from revlayer.database import connect

app = typer.Typer(help="List, promote and roll back models.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Kept in the history of the model.")]


@app.command("list")
def list_models() -> None:
    """List every registered model with its status and whether it beat its baseline."""
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        rows = registry.list_models(conn)
    header = ["version", "target", "algorithm", "status", "beats baseline", "trained through"]
    cells = [(r.model_version, r.target, r.algorithm, r.status, r.beats_baseline, r.trained_through_date) for r in rows]
    output.print(table("", header, cells))


@app.command()
def promote(model_version: str, reason: Reason = "promoted on the command line") -> None:
    """Let a model serve its target. Refused where it has no evidence on later data."""
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        registry.promote(conn, model_version, reason)
    output.print(f"{model_version} serves now; publish its scores with: revlayer score")


@app.command()
def rollback(target: str, reason: Reason = "rolled back on the command line") -> None:
    """Return to the model that served before."""
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        version = registry.rollback(conn, target, reason)
    output.print(f"{version} serves {target} again; publish its scores with: revlayer score")
