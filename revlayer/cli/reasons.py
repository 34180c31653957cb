"""``revlayer explain``: why chosen deals score as they do, exactly."""

from typing import Annotated

import typer

from revlayer import pipeline
from revlayer.cli.console import output, table
from revlayer.cli.steps import AsOf
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.errors import WrongUseError

Target = Annotated[str, typer.Argument(help="deal_win, deal_value or a target of your own; or the version of a model.")]
Deals = Annotated[list[str], typer.Argument(help="deal_id of each deal.")]
Count = Annotated[int, typer.Option("--reasons", min=1, help="How many reasons to show.")]


def explain(target: Target, deal_ids: Deals, as_of: AsOf = None, count: Count = 5) -> None:
    """Split the scores of chosen deals by feature with exact TreeSHAP."""
    from revlayer_udf import registry
    from revlayer_udf.errors import FeatureError
    from revlayer_udf.reasons.chosen import explain_exactly

    settings = Settings()
    day = pipeline.resolve_as_of(settings, None if as_of is None else as_of.date())
    with connect(settings, "scorer") as conn:
        model = registry.find(conn, target)
        try:
            found = explain_exactly(conn, model, day, deal_ids)
        except FeatureError as error:  # of a deal that is not there
            raise WrongUseError(error.message, error.hint) from None
    for row, entity in enumerate(found.entities):
        base = float(found.base_score[row])
        raw = base + float(found.contributions[row].sum())
        output.print()
        output.print(
            f"{entity} as of {day}, by {model.manifest.model_version}", style="bold", highlight=False, markup=False
        )
        output.print(f"raw score {raw:.4f} = base {base:.4f} + contributions", highlight=False)
        shown = found.ranked(row, count)
        rest = float(found.contributions[row].sum()) - sum(contribution for *_, contribution in shown)
        output.print(table("", ["feature", "value", "contribution"], [*shown, ("all others", None, rest)]))
