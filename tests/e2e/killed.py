"""A run that kills its own process with SIGKILL in the middle of a step; started by test_run.py."""

import os
import signal

from revlayer import dbt, pipeline
from revlayer.config import Settings
from revlayer_udf import forecast, jobs
from tests import parsed_project


def _kill(*_arguments: object, **_keywords: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_until(step: str) -> None:
    """Run the pipeline and die: inside dbt's build of a half, or when scoring or the forecast reports progress.

    What dbt builds before that step stands already, as of the same day, and is not built once more.
    """
    whole = parsed_project.run

    def until_a_third(settings, arguments, variables=None, progress=None, target_path=None):
        if step not in arguments:
            return dbt.DbtResult()

        def count(what, done, total):
            if done * 3 > total:
                _kill()

        return whole(settings, [*arguments, *parsed_project.WITHOUT_TESTS], variables, count, target_path)

    dbt.run = until_a_third
    if step == "score":
        whole_score = jobs.score_targets
        jobs.score_targets = lambda conn, as_of, progress, read_conn: whole_score(
            conn, as_of, progress=_kill, read_conn=read_conn
        )
    elif step == "forecast":
        forecast.forecast_revenue = _kill
    pipeline.run(Settings())
