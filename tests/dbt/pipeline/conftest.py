"""The pipeline's models as plain SQL, once for all tests of them."""

import pytest
from billing_rows import AS_OF
from compiled_models import CompiledModels, compile_models
from deal_story import Story


@pytest.fixture(scope="package")
def models(make_database, tmp_path_factory) -> CompiledModels:
    return compile_models(
        make_database("pipeline"),
        ["+pipeline_changes_monthly", "+stage_conversion_monthly", "known_exchange_rate_spans"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-09-01", "history_months": 15},
    )


@pytest.fixture
def story() -> Story:
    return Story()
