"""The evaluation report of a training run, as markdown for files and as rich text for the console."""

from rich.markdown import Markdown

from revlayer_training.outcome import MODEL, Outcome
from revlayer_training.training import REJECTED, TrainingResult, own_figures

# By target, the figures a reader needs first.
SHOWN = {
    "deal_win": ("brier", "log_loss", "auc", "ece", "predicted_mean", "observed_rate"),
    "deal_value": ("mae", "wape", "log_error", "bias", "r2", "coverage_80"),
    "deal_close_month": ("rps", "log_loss", "ece"),
    "customer_value": ("rmse", "mae", "bias", "r2", "rank_correlation", "top_decile_lift", "coverage_80"),
    "customer_churn": ("brier", "log_loss", "auc", "ece", "predicted_mean", "observed_rate"),
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
}


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
    table = _figures(outcome, split)
    parts.append(table or "There is no later data to test on, so there are no figures.")
    reliability = _reliability(outcome, split)
    if reliability:
        parts.append(reliability)
    return "\n\n".join(parts) + "\n"


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


def _figures(outcome: Outcome, split: str) -> str:
    predictors = list(dict.fromkeys(row.predictor for row in outcome.metrics if row.split == split))
    if not predictors:
        return ""
    predictors.sort(key=lambda name: (name != MODEL, name != REJECTED))
    shown = SHOWN[outcome.target]
    lines = [
        f"| {split} | " + " | ".join(NAMES[metric] for metric in shown) + " |",
        "|---|" + "---:|" * len(shown),
    ]
    for predictor in predictors:
        values = [outcome.value(metric, predictor, split) for metric in shown]
        name = "**this version**" if predictor == MODEL else predictor.replace("_", " ")
        lines.append(f"| {name} | " + " | ".join(_number(value) for value in values) + " |")
    return "\n".join(lines)


def _reliability(outcome: Outcome, split: str) -> str:
    rows = [row for row in outcome.reliability if (row.split, row.predictor, row.segment) == (split, MODEL, "(all)")]
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
