"""A run that kills its own process with SIGKILL in the middle of a step; started by test_run.py."""

import os
import signal

from revlayer import dbt, pipeline
from revlayer.config import Settings
from revlayer_udf import forecast, jobs


def _kill(*_arguments: object, **_keywords: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_until(step: str) -> None:
    """Run the pipeline and die: inside dbt's build of a half, or when scoring or the forecast reports progress."""
    if step in ("features", "marts"):
        whole = dbt.run

        def until_a_third(settings, arguments, variables=None, progress=None, target_path=None):
            deadly = step in arguments

            def count(what, done, total):
                if deadly and done * 3 > total:
                    _kill()

            return whole(settings, arguments, variables, count, target_path)

        dbt.run = until_a_third
    elif step == "score":
        whole_score = jobs.score_targets
        jobs.score_targets = lambda conn, as_of, progress, read_conn: whole_score(
            conn, as_of, progress=_kill, read_conn=read_conn
        )
    else:
        forecast.forecast_revenue = _kill
    pipeline.run(Settings())
