"""``revlayer models``: the registry."""

from typing import Annotated

import typer

from revlayer.cli import functions, own_models
from revlayer.cli.console import output, print_lines, table
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.live_view import LiveView

app = typer.Typer(help="List, add, certify, promote and install models.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Kept in the history of the model.")]
Version = Annotated[str, typer.Argument(help="As in: revlayer models list")]
Name = Annotated[str, typer.Argument(help="A target, for the model that serves it, or the version of a model.")]
PUBLISH = "publish its scores with: revlayer score, then revlayer build marts"


@app.command("list")
def list_models() -> None:
    """List every registered model with its status, rung and whether it beat its baseline."""
    from revlayer_udf import registry

    with connect(Settings(), "scorer") as conn:
        found = registry.list_models(conn)
    header = ["version", "target", "algorithm", "rung", "status", "beats baseline", "trained through"]
    rows = []
    for model in found:
        beats = model.beats_baseline if model.rung == "model" else None  # the rungs below are the baseline
        facts = (model.model_version, model.target, model.algorithm, model.rung, model.status)
        rows.append((*facts, beats, model.trained_through_date))
    output.print(table("", header, rows))
    if not found:
        output.print("no model is registered: revlayer train, or revlayer models add")


@app.command()
def show(name: Name) -> None:
    """Show what is known of a model: why it serves or not, its figures, its certificate, its history."""
    from revlayer.cli import model_page
    from revlayer_udf import certificate, registry

    with connect(Settings(), "scorer") as conn:
        manifest = registry.find(conn, name).manifest
        model_version = manifest.model_version
        [summary] = [m for m in registry.list_models(conn, manifest.target) if m.model_version == model_version]
        events = [e for e in registry.history(conn, manifest.target) if e.model_version == model_version]
        found = certificate.read(conn, model_version)
    model_page.print_model(manifest, summary, events)
    model_page.print_certificate(model_version, found)


@app.command()
def certify(name: Name) -> None:
    """Score a model's golden rows by every engine, compare all pairs and keep the result. Exit code 1 if any differ."""
    from revlayer.cli import model_page
    from revlayer_udf import certificate, registry

    with connect(Settings(), "scorer") as conn:
        model_version = registry.find(conn, name).manifest.model_version
        made = certificate.certify(conn, model_version)
    model_page.print_certificate(model_version, made)
    certificate.require(made)


@app.command()
def promote(model_version: Version, reason: Reason = "promoted on the command line") -> None:
    """Let a model serve its target. Refused without evidence on later data, and without a good certificate."""
    from revlayer_udf import functions as installed
    from revlayer_udf import registry

    settings = Settings()
    view = LiveView(settings)
    with connect(settings, "scorer") as conn:
        target = registry.get(conn, model_version).manifest.target
        before = registry.champion(conn, target)
        registry.promote(conn, model_version, reason)
        conn.commit()
        told = [*installed.refresh(conn, view.make_way), *view.sentences(conn)]
    if before is None:
        output.print(f"{model_version} serves {target} now; {PUBLISH}")
    elif before.manifest.model_version == model_version:
        output.print(f"{model_version} serves {target} already; {PUBLISH}")
    else:
        output.print(f"{model_version} serves {target} now, in place of {before.manifest.model_version}; {PUBLISH}")
    print_lines(told)


@app.command()
def rollback(
    target: Annotated[str, typer.Argument(help="Such as deal_win.")], reason: Reason = "rolled back on the command line"
) -> None:
    """Return to the model that served before."""
    from revlayer_udf import functions as installed
    from revlayer_udf import registry

    settings = Settings()
    view = LiveView(settings)
    with connect(settings, "scorer") as conn:
        registry.require_target(conn, target)
        before = registry.require_champion(conn, target).manifest.model_version
        version = registry.rollback(conn, target, reason)
        conn.commit()
        told = [*installed.refresh(conn, view.make_way), *view.sentences(conn)]
    output.print(f"{target}: from {before} back to {version}, which serves again; {PUBLISH}")
    print_lines(told)


app.command("add")(own_models.add)
app.command("compile")(functions.compile_model)
app.command("install")(functions.install)
app.command("uninstall")(functions.uninstall)
