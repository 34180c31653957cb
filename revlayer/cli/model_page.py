"""What ``revlayer models show`` and ``certify`` print of one model."""

from collections.abc import Sequence

from revlayer.cli.console import output, table
from revlayer_udf.certificate import Certificate
from revlayer_udf.manifest import Manifest
from revlayer_udf.registry import ModelEvent, ModelSummary


def print_model(manifest: Manifest, summary: ModelSummary, events: Sequence[ModelEvent]) -> None:
    """Print facts, figures and history."""
    facts = {
        "target": manifest.target,
        "status": summary.status,
        "rung": manifest.rung,
        "algorithm": manifest.algorithm,
        "decision": manifest.extra.get("decision"),
        "evidence on later data": manifest.is_temporal_evidence,
        "beats its baseline": manifest.beats_baseline,
        "trained": f"{manifest.trained_from_date or '-'} to {manifest.trained_through_date or '-'}",
        "label horizon, days": manifest.label_horizon_days,
        "features": f"{len(manifest.numbers)} numbers, {len(manifest.texts)} texts of {manifest.feature_relation}",
        "outputs": ", ".join(manifest.predictions),
        "reasons": "yes" if manifest.raw_output else "no raw score in the graph",
        "artefact SHA-256": manifest.artefact_sha256,
    }
    output.print(table(manifest.model_version, ["", ""], [(name, _plain(value)) for name, value in facts.items()]))
    if manifest.metrics:
        output.print(table("on later data", ["figure", "value"], sorted(manifest.metrics.items())))
    rows = [(f"{e.changed_at:%Y-%m-%d %H:%M}", e.action, e.to_status, e.changed_by, e.reason) for e in events]
    output.print(table("history", ["at (UTC)", "action", "became", "by", "reason"], rows))


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
        output.print(table("certificate", header, rows))
    for note in dict.fromkeys(pair.note for pair in certificate.comparisons if pair.status == "not_available"):
        output.print(f"not compared: {note}", highlight=False, markup=False)


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)
