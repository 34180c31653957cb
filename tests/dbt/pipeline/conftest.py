"""The pipeline's models and dbt's check of them as plain SQL, once for all tests of them."""

import json

import pytest
from billing_rows import AS_OF
from compiled_models import CompiledModels, compile_models
from deal_story import Story

from revlayer import dbt

# The first as-of date, 2023-10-31, is older than any deal of the tests.
VARIABLES = {"calendar_start_on": "2023-09-01", "history_months": 15}
CHECK = "assert_pipeline_changes_close_on_the_summary"


@pytest.fixture(scope="package")
def models(make_database, built, tmp_path_factory) -> CompiledModels:
    return compile_models(
        make_database("pipeline", built),
        ["+pipeline_changes_monthly", "+pipeline_summary", "+stage_conversion_monthly", "known_exchange_rate_spans"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        VARIABLES,
    )


@pytest.fixture(scope="package")
def check(models, tmp_path_factory) -> str:
    """The query of dbt's check that months close on the pipeline summary, as dbt writes it."""
    target, variables = tmp_path_factory.mktemp("check"), {"as_of_date": AS_OF.isoformat(), **VARIABLES}
    dbt.run(models.database.settings, ["test", "--write-json", "--select", CHECK], variables, target_path=target)
    (result,) = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    return result["compiled_code"]


@pytest.fixture
def story() -> Story:
    return Story()
