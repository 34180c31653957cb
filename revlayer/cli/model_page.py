"""What ``revlayer models show`` and ``certify`` print of one model."""

from collections.abc import Mapping, Sequence

from revlayer.cli.console import output, table
from revlayer_udf.certificate import Certificate
from revlayer_udf.forecast.honesty import JUDGED_VERSION
from revlayer_udf.manifest import Manifest
from revlayer_udf.registry import ModelEvent, ModelSummary

MODEL = "model"  # what the figures call the model itself, among the predictors it is held against


def print_model(manifest: Manifest, summary: ModelSummary, events: Sequence[ModelEvent]) -> None:
    """Print facts, figures and history."""
    facts = {
        "target": manifest.target,
        "status": summary.status,
        "rung": manifest.rung,
        "algorithm": manifest.algorithm,
        "decision": manifest.extra.get("decision"),
        "evidence on later data": manifest.is_temporal_evidence,
        "beats its baseline": manifest.beats_baseline if manifest.rung == "model" else "it is the baseline",
        "trained": f"{manifest.trained_from_date or '-'} to {manifest.trained_through_date or '-'}",
        "label horizon, days": manifest.label_horizon_days,
        "fitted again; figures of": manifest.extra.get(JUDGED_VERSION, "-"),
        "features": f"{len(manifest.numbers)} numbers, {len(manifest.texts)} texts of {manifest.feature_relation}",
        "outputs": ", ".join(manifest.predictions),
        "reasons": "yes" if manifest.raw_output else "no raw score in the graph",
        "artefact SHA-256": manifest.artefact_sha256,
    }
    page = table(manifest.model_version, ["", ""], [(name, _plain(value)) for name, value in facts.items()])
    page.show_header = False
    output.print(page)
    if manifest.metrics:
        header, figures = compared(manifest.metrics)
        output.print(table("\non later data" if manifest.is_temporal_evidence else "\nfigures", header, figures))
    rows = [(f"{e.changed_at:%Y-%m-%d %H:%M}", e.action, e.to_status, e.changed_by, e.reason) for e in events]
    output.print(table("\nhistory", ["at (UTC)", "action", "became", "by", "reason"], rows))


def compared(metrics: Mapping[str, float | None]) -> tuple[list[str], list[tuple[object, ...]]]:
    """Set figures named ``<predictor>_<metric>`` side by side: a row for each metric, this model's in front."""
    own = f"{MODEL}_"
    kinds = sorted(
        {name.removeprefix(own) for name in metrics if name.startswith(own)}, key=lambda kind: (-len(kind), kind)
    )
    found: dict[str, dict[str, float | None]] = {MODEL: {}}
    for name, value in metrics.items():
        kind = next((kind for kind in kinds if name.endswith(f"_{kind}")), None)
        predictor = MODEL if kind is None else name.removesuffix(f"_{kind}")
        found.setdefault(predictor, {})[kind or name] = value
    predictors = [MODEL, *sorted(found.keys() - {MODEL})]
    rows = sorted({kind for values in found.values() for kind in values})
    header = ["figure", "this model", *(name.replace("_", " ") for name in predictors[1:])]
    return header, [(row.replace("_", " "), *(found[name].get(row) for name in predictors)) for row in rows]


def print_certificate(model_version: str, certificate: Certificate | None) -> None:
    """Print how far each pair of engines is apart, or that nobody knows."""
    if certificate is None:
        output.print(f"no certificate of the present artefact: revlayer models certify {model_version}")
        return
    rows = [
        (
            pair.output,
            f"{pair.first_engine} / {pair.second_engine}",
            pair.status.replace("_", " "),
            pair.row_count,
            "-" if pair.largest_difference is None else f"{pair.largest_difference:.2g}",
            f"{pair.tolerance:g}",
            pair.note or "",
        )
        for pair in certificate.comparisons
        if pair.status != "not_available"
    ]
    header = ["output", "engines", "status", "rows", "largest difference", "allowed", "note"]
    if rows:
        output.print(table("\ncertificate", header, rows))
    for note in dict.fromkeys(pair.note for pair in certificate.comparisons if pair.status == "not_available"):
        output.print(f"not compared: {note}", highlight=False, markup=False)


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)
