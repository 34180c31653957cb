"""Before and after training: what there is to learn from, and how a model did since."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from rich.text import Text

from revlayer import pipeline
from revlayer.cli.console import output, print_lines, table
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.errors import WrongUseError

if TYPE_CHECKING:
    from revlayer_training.data_check import FeatureRow

# What people say for a target.
ALIASES = {"churn": "customer_churn", "value": "customer_value", "expansion": "customer_expansion"}
COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}
FEATURES_SHOWN = 20


def target_named(name: str) -> str:
    """Return the target that a short name stands for; any other name as it is."""
    return ALIASES.get(name, name)


def evaluate(
    model: Annotated[
        str, typer.Argument(help="A target, such as churn or deal_win, for the model that serves it, or a version.")
    ],
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Labels known by then; default: the last day known."),
    ] = None,
) -> None:
    """Hold a model against labels that became known after it was trained, beside its baselines."""
    from revlayer import later_labels
    from revlayer_training import report

    settings = Settings()
    cutoff = pipeline.resolve_as_of(settings, None if as_of is None else as_of.date())
    with connect(settings, "scorer") as conn:
        found = later_labels.evaluate(conn, target_named(model), cutoff)
    output.print(report.render_later(found))


def check(conn: psycopg.Connection, target: str | None, cutoff: date, max_rows: int | None) -> bool:
    """Print what a target would be trained on; return whether it can be trained."""
    from revlayer_training import data_check

    if target not in data_check.CHECKED:
        known = ", ".join(data_check.CHECKED)
        named = f"there is no data check of {target}" if target else "--check needs a target"
        raise WrongUseError(named, f"There is one of {known}; for example: revlayer train churn --check")
    found = data_check.check_target(conn, target, cutoff, max_rows)
    title = (
        f"{target}: {found.row_count:,} rows of {found.customer_count:,} customers in {found.source}, as of {cutoff}"
    )
    output.print(Text(title, style="bold"))
    if found.dates:
        rows = [(f"{row.as_of}", row.row_count, row.known_count, row.label_rate) for row in found.dates]
        output.print(table("\nlabels by date", ["as-of date", "rows", "known labels", "share that are 1"], rows))
    if found.features:
        _print_features(found.features)
    cells = [(Text(finding.level, style=COLOURS[finding.level]), finding.text) for finding in found.findings]
    output.print(table("\nfindings", ["", ""], cells))
    if found.is_trainable:
        print_lines([f"it can be trained: revlayer train {target}"])
    else:
        print_lines(["mend the errors above first; nothing was trained"])
    return found.is_trainable


def _print_features(features: "Sequence[FeatureRow]") -> None:
    kinds = list(features[0].auc_by_kind)
    headings = ["AUC alone"] if len(kinds) == 1 else [f"AUC alone, {kind}" for kind in kinds]
    shown = [
        (row.name, f"{row.missing_rate:.1%}", row.value_count, *row.auc_by_kind.values())
        for row in features[:FEATURES_SHOWN]
    ]
    title = f"\nfeatures, the {len(shown)} of {len(features)} that tell most alone"
    output.print(table(title, ["feature", "missing", "values", *headings], shown))
