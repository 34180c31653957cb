"""The job, with and without reasons, and the stream inside it."""

from psycopg import sql

from benchmarks.scoring.data import AS_OF_DATE, PREDICTIONS, SQL
from benchmarks.scoring.parts.base import QUERY, Context, Part, Run
from revlayer_udf.copying import Selection
from revlayer_udf.jobs import score_targets
from revlayer_udf.manifest import Manifest
from revlayer_udf.runtime import Scorer
from revlayer_udf.streaming import score_stream

PUBLISHED = sql.SQL(SQL["published"])


def selection(manifest: Manifest) -> Selection:
    """Return the rows as the stream reads them."""
    return Selection(query=QUERY, numbers=manifest.numbers, texts=(), kept=("deal_id",))


def _stream(context: Context) -> Run:
    scorer = Scorer(context.model.artefact, context.model.manifest)
    read_conn, write_conn = context.connect(), context.connect()

    def run() -> None:
        score_stream(read_conn, write_conn, selection(context.model.manifest), scorer, PREDICTIONS)

    return run


def _job(context: Context, *, reasons: bool) -> Run:
    version = context.model.manifest.model_version
    with context.connect() as conn:
        conn.execute(SQL["retire_others"], [version])
        conn.execute(SQL["serve"], [version])
    read_conn, write_conn = context.connect("scorer"), context.connect("scorer")

    def run() -> None:
        [done] = score_targets(write_conn, AS_OF_DATE, ["deal_win"], read_conn=read_conn, reasons=reasons, keep=0)
        assert done.row_count == context.rows, done

    return run


PARTS = (
    Part("stream", "revlayer stream into a plain table", "product", _stream),
    Part("job", "revlayer job", "product", lambda c: _job(c, reasons=False), predictions=PUBLISHED),
    Part("job_reasons", "revlayer job with reasons", "product", lambda c: _job(c, reasons=True), predictions=PUBLISHED),
)
