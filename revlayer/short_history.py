"""What would be needed for a model, where the history is too short for one: for people who start with little data."""

from collections.abc import Iterable

from revlayer_training import ladder
from revlayer_training.training import TrainingResult


def needs(results: Iterable[TrainingResult]) -> list[str]:
    """Return a sentence for each target for which no model could be fitted: what serves, and what a model needs."""
    return [sentence for result in results if (sentence := _need(result)) is not None]


def _need(result: TrainingResult) -> str | None:
    outcome = result.outcome
    if outcome is None:
        return (
            f"{result.target}: nothing serves, and the forecast uses its fallbacks. A first rate needs outcomes: load "
            "more history (deals with the days they opened and closed), or wait. Then: revlayer run"
        )
    if outcome.model is not None or not outcome.is_temporal_evidence:
        return None
    each = ladder.FEWEST_OF_EACH_CLASS
    kinds = f"{each} of them won and {each} lost" if result.target == "deal_win" else "all won"
    return (
        f"{result.target}: the rung {result.rung} serves. A model needs at least {ladder.FEWEST_FOR_MODEL} deals to "
        f"learn from ({kinds}), {ladder.FEWEST_TEST_GROUPS} later ones to be tested on, and time: three times the "
        f"{outcome.horizon_days} days of the label horizon pass between the first deal it learns from and the last it "
        "is tested on. With more history: revlayer run --retrain"
    )
