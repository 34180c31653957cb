"""``revlayer models compile | install | uninstall``: the functions scoring.predict_<target>."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from revlayer.cli.console import errors, output
from revlayer.config import Settings
from revlayer.database import connect

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
    from revlayer_udf import compiler, registry

    with connect(Settings(), "scorer") as conn:
        model = registry.find(conn, target)
        compiled = compiler.compile_model(model.artefact, model.manifest, form="case" if query else form)
    text = f"{compiled.query()};\n" if query else compiled.to_sql()
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, encoding="utf-8")
    told = f"{compiled.leaf_count:,} leaves, form {compiled.form or 'without trees'}, {len(text):,} characters"
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

    with connect(Settings(), "scorer") as conn:
        registry.require_target(conn, target)
        version = functions.install(conn, target, engine)
    output.print(f"scoring.predict_{target} holds {version} ({functions.NAMES[engine]})")
    output.print("revlayer build marts makes the live view over it; revlayer run renews it after a promotion")


def uninstall(target: Target) -> None:
    """Drop the functions of a target, whichever engine made them."""
    from revlayer_udf import functions, registry

    with connect(Settings(), "scorer") as conn:
        registry.require_target(conn, target)
        functions.uninstall(conn, target)
    output.print(f"scoring.predict_{target} is gone")
