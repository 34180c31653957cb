"""Churn of the public telco snapshots, through the mapping and the dbt models: folds that share no duplicate."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from revlayer import dbt
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer.importing import import_mapping
from revlayer_training import evaluation
from revlayer_training.churn import COMPANY
from revlayer_training.churn_snapshots import belonging, cross, load_snapshots
from revlayer_training.outcome import MODEL
from tests.verify.company import database
from tests.verify.report import Section

MAPPING = Path(__file__).parents[2] / "mappings" / "telco_churn.yml"
DAY = date(2018, 9, 30)
MODELS = ("+ftr_customer_snapshots", "+ftr_customer_snapshot_features")
HEADER = ("fold", "rows", "AUC", "Brier", "Brier of the overall rate", "low left", "medium left", "high left")


def check(server: EmbeddedServer, data: Path | None) -> Section:
    """Three times stratified 5-fold cross-validation of the whole pipeline: features, choice, calibration, tiers."""
    section = Section("Churn of telco customers")
    if data is None:
        section.miss_data()
        return section
    with database(server) as settings, TemporaryDirectory() as target:
        with connect(settings, "loader") as conn:
            import_mapping(conn, MAPPING, data / "telco_churn")
            conn.commit()
        dbt.run(settings, ["run", "--select", *MODELS], {"as_of_date": DAY.isoformat()}, target_path=Path(target))
        with connect(settings, "scorer") as conn:
            snapshots = load_snapshots(conn, DAY)
    assert snapshots is not None
    groups = belonging(snapshots)
    crossed, tiers = cross(snapshots, snapshots.is_churned, groups)
    ece = evaluation.expected_calibration_error(crossed.truth, crossed.predictions[MODEL])
    section.check("mean AUC of the folds", crossed.mean(evaluation.auc), lambda v: v >= 0.847, "≥ 0.847")
    section.check("mean Brier score of the folds", crossed.mean(evaluation.brier), lambda v: v <= 0.135, "≤ 0.135")
    section.check("calibration error, pooled, 10 equal-count bins", ece, lambda v: v <= 0.02, "≤ 0.02")
    rows, unordered = [], 0
    for number, (fold, found) in enumerate(zip(crossed.folds, tiers, strict=True), 1):
        p, y = fold.predictions[MODEL], fold.truth
        rates = found.observed(p, y)
        unordered += not rates["low"] < rates["medium"] < rates["high"]
        brier = evaluation.brier(y, fold.predictions[COMPANY])
        rows.append((number, len(y), evaluation.auc(y, p), evaluation.brier(y, p), brier, *rates.values()))
    section.check("folds whose tiers are not in order", unordered, lambda v: v == 0, "0")
    apart = sum(len(set(groups[fold.rows])) for fold in crossed.folds)
    crossing = apart - 3 * len(set(groups))
    section.check("groups of equal customers that are in two folds", crossing, lambda v: v == 0, "0")
    section.tables.append(("By fold, with the share of each tier's customers who left:", HEADER, rows))
    return section
