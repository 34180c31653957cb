"""``revlayer models``: the registry."""

from typing import Annotated

import typer

from revlayer.cli import functions, own_models
from revlayer.cli.console import output, table
from revlayer.config import Settings
from revlayer.database import connect

app = typer.Typer(help="List, add, certify, promote and install models.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Kept in the history of the model.")]
Version = Annotated[str, typer.Argument(help="As in: revlayer models list")]
PUBLISH = "publish its scores with: revlayer score, then revlayer build marts"


@app.command("list")
def list_models() -> None:
    """List every registered model with its status, rung and whether it beat its baseline."""
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        rows = registry.list_models(conn)
    header = ["version", "target", "algorithm", "rung", "status", "beats baseline", "trained through"]
    output.print(
        table(
            "",
            header,
            [
                (r.model_version, r.target, r.algorithm, r.rung, r.status, r.beats_baseline, r.trained_through_date)
                for r in rows
            ],
        )
    )
    if not rows:
        output.print("no model is registered: revlayer train, or revlayer models add")


@app.command()
def show(model_version: Version) -> None:
    """Show what is known of a model: why it serves or not, its figures, its certificate, its history."""
    from revlayer.cli import model_page
    from revlayer_udf import certificate, registry

    with connect(Settings(), "scorer") as conn:
        manifest = registry.get(conn, model_version).manifest
        [summary] = [m for m in registry.list_models(conn, manifest.target) if m.model_version == model_version]
        events = [e for e in registry.history(conn, manifest.target) if e.model_version == model_version]
        found = certificate.read(conn, model_version)
    model_page.print_model(manifest, summary, events)
    model_page.print_certificate(model_version, found)


@app.command()
def certify(model_version: Version) -> None:
    """Score a model's golden rows by every engine, compare all pairs and keep the result. Exit code 1 if any differ."""
    from revlayer.cli import model_page
    from revlayer_udf import certificate

    with connect(Settings(), "scorer") as conn:
        made = certificate.certify(conn, model_version)
    model_page.print_certificate(model_version, made)
    certificate.require(made)


@app.command()
def promote(model_version: Version, reason: Reason = "promoted on the command line") -> None:
    """Let a model serve its target. Refused without evidence on later data, and without a good certificate."""
    from revlayer_udf import functions as installed
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        registry.promote(conn, model_version, reason)
        conn.commit()
        renewed = installed.refresh(conn)
    output.print(f"{model_version} serves now; {PUBLISH}")
    _print_lines(renewed)


@app.command()
def rollback(
    target: Annotated[str, typer.Argument(help="Such as deal_win.")], reason: Reason = "rolled back on the command line"
) -> None:
    """Return to the model that served before."""
    from revlayer_udf import functions as installed
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        registry.require_target(conn, target)
        version = registry.rollback(conn, target, reason)
        conn.commit()
        renewed = installed.refresh(conn)
    output.print(f"{version} serves {target} again; {PUBLISH}")
    _print_lines(renewed)


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        output.print(line, highlight=False, markup=False)


app.command("add")(own_models.add)
app.command("compile")(functions.compile_model)
app.command("install")(functions.install)
app.command("uninstall")(functions.uninstall)
