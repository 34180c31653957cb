"""Real exports, imported and run whole: what the data support, said by the evaluation itself."""

from datetime import date
from pathlib import Path

from revlayer import pipeline
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer.importing import import_mapping
from tests.verify.company import database, silent
from tests.verify.report import Section

MAPPINGS = Path(__file__).parents[2] / "mappings"
FIGURES = """
select m.target, m.algorithm, m.manifest ->> 'rung', m.status, m.is_temporal_evidence, m.beats_baseline,
    k.split, k.predictor, k.metric, k.value, k.row_count
from scoring.models as m
inner join scoring.model_metrics as k on m.model_version = k.model_version
where k.segment = '(all)' and k.split in ('test', 'cross_validation')
    and k.metric in ('brier', 'auc', 'ece', 'wape', 'log_loss')
order by m.target, m.algorithm, k.metric, k.value
"""
HEADER = ("target", "algorithm", "rung", "status", "later time", "beats baseline", "split", "predictor", "metric",
          "value", "rows")  # fmt: skip


def check(server: EmbeddedServer, data: Path | None) -> Section:
    """Import each public set, run, and show every evaluation figure of every registered model."""
    section = Section("Real exports")
    if data is None:
        section.miss_data()
        return section
    for name, as_of in (("crm_sales_opportunities", date(2017, 12, 31)), ("salvirt_b2b", None)):
        with database(server) as settings:
            with connect(settings, "loader") as conn:
                import_mapping(conn, MAPPINGS / f"{name}.yml", data / name)
            pipeline.run(settings, as_of, progress=silent)
            with connect(settings) as conn:
                rows = conn.execute(FIGURES).fetchall()
                served = conn.execute("select count(*) from scoring.published_runs").fetchone()
        assert served is not None
        section.check(f"{name}: targets published", served[0], lambda v: v >= 1, "≥ 1")
        section.tables.append((f"`{name}`: every figure of every registered model:", HEADER, rows))
    return section
