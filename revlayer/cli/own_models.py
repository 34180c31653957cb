"""``revlayer models add``: a model of your own."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from revlayer import pipeline
from revlayer.cli.console import output
from revlayer.config import Settings
from revlayer.database import connect


def add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="ONNX file.")],
    manifest: Annotated[
        Path, typer.Option("--manifest", exists=True, dir_okay=False, help="YAML: how its inputs meet our columns.")
    ],
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Outcomes known by then; default: the last day known."),
    ] = None,
    max_rows: Annotated[int | None, typer.Option(min=100, help="Judge on a sample of about this many rows.")] = None,
) -> None:
    """Register a model made elsewhere, once it scores the real features, is judged by later outcomes and certified."""
    from revlayer import own_models
    from revlayer.cli.model_page import print_certificate

    settings = Settings()
    cutoff = pipeline.resolve_as_of(settings, None if as_of is None else as_of.date())
    with connect(settings, "scorer") as conn:
        added = own_models.add(conn, file, manifest, cutoff, max_rows=max_rows)
    known = "registered" if added.is_new else "already registered"
    output.print(f"{added.model_version} is {known}; it scored {added.scored_rows:,} of the newest rows")
    output.print(f"judged on {added.judgement.row_count:,} later rows: {added.judgement.reason}", highlight=False)
    print_certificate(added.model_version, added.certificate)
    if added.may_serve:
        output.print(f"let it serve with: revlayer models promote {added.model_version}")
    else:
        output.print("it stays a candidate: it may not serve, for the reasons above")
