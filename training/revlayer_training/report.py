"""The evaluation report of a training run, as markdown for files and as rich text for the console."""

from collections.abc import Sequence

from rich.markdown import Markdown

from revlayer_training.churn_figures import segment_of
from revlayer_training.churn_rows import CONTRACTUAL, NONCONTRACTUAL
from revlayer_training.evaluation import ALL
from revlayer_training.later import LaterEvaluation
from revlayer_training.outcome import MODEL, Outcome
from revlayer_training.tiers import NAMES as TIERS
from revlayer_training.training import REJECTED, TrainingResult, own_figures
from revlayer_udf.registry import Metric, ReliabilityBin

KINDS = (CONTRACTUAL, NONCONTRACTUAL)
# By target, the figures a reader needs first.
SHOWN = {
    "deal_win": ("brier", "log_loss", "auc", "ece", "predicted_mean", "observed_rate"),
    "deal_value": ("mae", "wape", "log_error", "bias", "r2", "coverage_80"),
    "deal_close_month": ("rps", "log_loss", "ece"),
    "customer_value": ("rmse", "mae", "bias", "r2", "rank_correlation", "top_decile_lift", "coverage_80"),
    "customer_churn": ("brier", "log_loss", "auc", "ece", "predicted_mean", "observed_rate"),
    "customer_expansion": ("brier", "auc", "ece", "predicted_mean", "observed_rate", "amount_mae", "amount_bias"),
    "invoice_late": ("brier", "auc", "ece", "predicted_mean", "observed_rate", "coverage_80", "mean_absolute_days"),
    "install_revenue": ("gini", "decile_error", "rmse", "mae", "bias", "tweedie_deviance", "auc"),
}
NAMES = {
    "brier": "Brier",
    "log_loss": "log loss",
    "auc": "AUC",
    "ece": "calibration error",
    "predicted_mean": "mean prediction",
    "observed_rate": "observed rate",
    "mae": "mean absolute error",
    "wape": "WAPE",
    "bias": "bias",
    "log_error": "log error",
    "r2": "R²",
    "coverage_80": "coverage of the 80 % interval",
    "rps": "ranked probability score",
    "rmse": "root mean squared error",
    "rank_correlation": "rank correlation",
    "top_decile_lift": "top-decile lift",
    "amount_mae": "mean absolute error of the amount",
    "amount_bias": "bias of the amount",
    "gini": "normalised Gini",
    "decile_error": "decile error",
    "tweedie_deviance": "Tweedie deviance",
    "mean_absolute_days": "mean distance from the day of payment",
}

OWN = "**this version**"


def render(result: TrainingResult) -> Markdown:
    """Return the report for a rich console."""
    return Markdown(markdown(result))


def markdown(result: TrainingResult) -> str:
    """Return the report as markdown: what serves and why, what it was tested on, the figures."""
    if result.outcome is None:
        return f"## {result.target}: nothing is served\n\n{_sentence(result.reason)}\n"
    outcome = own_figures(result.outcome, result.outcome.served)
    split = "test" if outcome.is_temporal_evidence else "cross_validation"
    parts = [
        f"## {result.target}: {_served(result)}",
        _sentence(result.reason),
        _evidence(result, outcome),
    ]
    found = _evaluated(outcome.target, outcome.metrics, outcome.reliability, split)
    if outcome.judged is not None:
        found = [part.replace(OWN, "**as judged**") for part in found]
    parts += found or ["There is no later data to test on, so there are no figures."]
    return "\n\n".join(parts) + "\n"


def render_later(later: LaterEvaluation) -> Markdown:
    """Return the report on later labels for a rich console."""
    return Markdown(later_markdown(later))


def later_markdown(later: LaterEvaluation) -> str:
    """Return the report on labels that became known after a model was trained."""
    entities = f"{later.target.split('_')[0]}s"
    of = "" if later.entity_count is None else f" of {later.entity_count:,} {entities}"
    rows = f"{later.row_count:,} rows{of}, as-of dates from {later.first_date}"
    parts = [
        f"## {later.target}: {later.model_version} on later labels",
        f"It was trained with what was known through {later.trained_through}; since then, by {later.cutoff}, labels of"
        f" {rows} became known.",
        *(_sentence(note) for note in later.notes),
        *_evaluated(later.target, later.metrics, later.reliability, "later"),
    ]
    return "\n\n".join(parts) + "\n"


def _evaluated(target: str, metrics: Sequence[Metric], bins: Sequence[ReliabilityBin], split: str) -> list[str]:
    """Return the tables of a split: of all rows, or of each kind where figures of all would be those of the mixture."""
    present = {row.segment for row in metrics if row.split == split}
    kinds = {segment_of(kind): kind for kind in KINDS if segment_of(kind) in present}
    parts = []
    for segment, kind in kinds.items():
        parts.append(f"### {kind.capitalize()} customers")
        parts += _of_segment(target, metrics, bins, split, segment)
    together = _of_segment(target, metrics, bins, split, ALL)
    if kinds:
        together = ["### Both kinds together", *together[:1]]
    return [*parts, *together]


def _of_segment(
    target: str, metrics: Sequence[Metric], bins: Sequence[ReliabilityBin], split: str, segment: str
) -> list[str]:
    found = (
        _figures(target, [row for row in metrics if row.segment == segment], split),
        _reliability([row for row in bins if row.segment == segment], split),
        _tiers([row for row in metrics if row.segment == segment]),
    )
    return [part for part in found if part]


def _tiers(metrics: Sequence[Metric]) -> str:
    """Return share and observed rate of the tiers, of a target that has them."""
    found = {row.metric: row.value for row in metrics if row.predictor == MODEL}
    if f"{TIERS[0]}_tier_share" not in found:
        return ""
    lines = ["| tier | share | observed rate |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {_number(found[f'{name}_tier_share'])} | {_number(found[f'{name}_tier_observed_rate'])} |"
        for name in TIERS
    ]
    return "\n".join(lines)


def _served(result: TrainingResult) -> str:
    if result.model_version is None:
        is_tested = result.outcome is not None and result.outcome.is_temporal_evidence
        return "a candidate, which does not serve" + ("" if is_tested else " (no temporal evidence)")
    words = {"model": "the model is served", "shrinkage": "the shrunk rates are served"}
    return words.get(result.rung, "the prior is served")


def _evidence(result: TrainingResult, outcome: Outcome) -> str:
    lines = [f"- version {result.registered[-1]}, {result.row_count:,} rows read, cutoff {result.cutoff}"]
    lines += [f"- {note}" for note in outcome.notes]
    lines += [
        f"- {split.name}: {split.row_count:,} rows of {split.entity_count:,} {outcome.entity.name}s,"
        f" {split.first_date} to {split.last_date}"
        for split in outcome.splits
    ]
    return "\n".join(lines)


def _figures(target: str, metrics: Sequence[Metric], split: str) -> str:
    of_split = [row for row in metrics if row.split == split]
    found = {(row.predictor, row.metric): row.value for row in of_split}
    predictors = list(dict.fromkeys(row.predictor for row in of_split))
    if not predictors:
        return ""
    predictors.sort(key=lambda name: (name != MODEL, name != REJECTED))
    shown = SHOWN[target]
    lines = [
        f"| {split} | " + " | ".join(NAMES[metric] for metric in shown) + " |",
        "|---|" + "---:|" * len(shown),
    ]
    for predictor in predictors:
        values = [found.get((predictor, metric)) for metric in shown]
        name = OWN if predictor == MODEL else predictor.replace("_", " ")
        lines.append(f"| {name} | " + " | ".join(_number(value) for value in values) + " |")
    return "\n".join(lines)


def _reliability(bins: Sequence[ReliabilityBin], split: str) -> str:
    rows = [row for row in bins if (row.split, row.predictor) == (split, MODEL)]
    if len(rows) < 2:
        return ""
    lines = ["| bin | rows | predicted | observed |", "|---:|---:|---:|---:|"]
    lines += [f"| {row.bin} | {row.row_count:,} | {row.predicted_mean:.3f} | {row.observed_rate:.3f} |" for row in rows]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.0f}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
