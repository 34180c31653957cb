"""What would be needed for a model, where the history is too short for one: for people who start with little data."""

from collections.abc import Iterable

from revlayer_training import ladder
from revlayer_training.training import TrainingResult
from revlayer_udf.targets import DEAL, TARGETS

# What a target tells apart; of values and times, every deal that teaches was won.
KINDS = {
    "deal_win": "{each} of them won and {each} lost",
    "customer_churn": "{each} who left and {each} who stayed",
    "customer_value": "{each} who came back",
    "customer_expansion": "{each} who grew and {each} who did not",
    "invoice_late": "{each} paid late and {each} in time",
}


def needs(results: Iterable[TrainingResult]) -> list[str]:
    """Return a sentence for each target for which no model could be fitted: what serves, and what a model needs."""
    return [sentence for result in results if (sentence := _need(result)) is not None]


def _need(result: TrainingResult) -> str | None:
    outcome, entity = result.outcome, TARGETS[result.target].entity
    if outcome is None:
        if entity is not DEAL:
            return f"{result.target}: nothing serves. A first rate needs outcomes: load more history, or wait."
        return (
            f"{result.target}: nothing serves, and the forecast uses its fallbacks. A first rate needs outcomes: load "
            "more history (deals with the days they opened and closed), or wait. Then: revlayer run"
        )
    if outcome.model is not None or not outcome.is_temporal_evidence:
        return None
    each = ladder.FEWEST_OF_EACH_CLASS
    kinds = KINDS.get(result.target, "all won").format(each=each)
    many = f"{entity.name}s"
    return (
        f"{result.target}: the rung {result.rung} serves. A model needs at least {ladder.FEWEST_FOR_MODEL} {many} to "
        f"learn from ({kinds}), {ladder.FEWEST_TEST_GROUPS} later ones to be tested on, and time: three times the "
        f"{outcome.horizon_days} days of the label horizon pass between the first {entity.name} it learns from and the "
        "last it is tested on. With more history: revlayer run --retrain"
    )
