"""``revlayer models compile | install | uninstall``: the functions scoring.predict_<target>."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from revlayer.cli.console import errors, output, print_lines
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.live_view import NAME as LIVE_VIEW
from revlayer.live_view import TARGETS as LIVE_TARGETS
from revlayer.live_view import LiveView

Target = Annotated[str, typer.Argument(help="Such as deal_win; the model that serves it.")]


def compile_model(
    target: Annotated[str, typer.Argument(help="A target, for the model that serves it, or the version of a model.")],
    file: Annotated[Path | None, typer.Option("--output", help="Write here instead of printing.")] = None,
    form: Annotated[
        Literal["auto", "case", "table"],
        typer.Option(help="Trees as nested CASE, or as rows of a table; auto chooses by their size."),
    ] = "auto",
    query: Annotated[
        bool, typer.Option("--query", help="One SELECT over the feature table instead; parallel workers may run it.")
    ] = False,
) -> None:
    """Turn a model into plain SQL functions that need no extension, and print them. Changes nothing."""
    from revlayer.cli import sql_file
    from revlayer_udf import compiler, registry

    with connect(Settings(), "scorer") as conn:
        model = registry.find(conn, target)
        compiled = compiler.compile_model(model.artefact, model.manifest, form="case" if query else form)
    text = sql_file.query_file(compiled) if query else sql_file.functions_file(compiled)
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, encoding="utf-8")
    told = f"{sql_file.form_of(compiled)}, {len(text):,} characters"
    errors.print(f"{model.manifest.model_version}: {told}", highlight=False)
    if "table" in compiled.form:
        errors.print("the trees are rows of tables that only revlayer models install fills; --form case needs none")


def install(
    target: Target,
    engine: Annotated[
        Literal["sql", "plpython"],
        typer.Option(help="Compiled SQL, for any server, or PL/Python, where the server has it."),
    ] = "sql",
) -> None:
    """Create scoring.predict_<target> and its set and reason forms; readers may call them in any query."""
    from revlayer_udf import functions, registry

    settings = Settings()
    view = LiveView(settings)
    with connect(settings, "scorer") as conn:
        registry.require_target(conn, target)
        version = functions.install(conn, target, engine, view.make_way)
        told = view.sentences(conn)
    output.print(f"scoring.predict_{target} holds {version} ({functions.NAMES[engine]})")
    over = f"revlayer build marts makes {LIVE_VIEW} over it; " if target in LIVE_TARGETS else ""
    print_lines(told or [f"{over}revlayer run renews it after a promotion"])


def uninstall(target: Target) -> None:
    """Drop the functions of a target, whichever engine made them."""
    from revlayer_udf import functions, registry

    settings = Settings()
    view = LiveView(settings)
    with connect(settings, "scorer") as conn:
        registry.require_target(conn, target)
        dropped = functions.uninstall(conn, target, view.make_way)
        told = view.sentences(conn)
    if not dropped:
        output.print(f"nothing was installed for {target}, so nothing was dropped")
        return
    output.print(f"dropped: {', '.join(f'scoring.{name}' for name in dropped)}", highlight=False)
    print_lines(told)
