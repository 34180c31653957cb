"""The models of tax, ready to be filled."""

import pytest
from billing_histories import AS_OF
from compiled_models import CompiledModels, compile_models


@pytest.fixture(scope="package")
def models(make_database, built, tmp_path_factory) -> CompiledModels:
    return compile_models(
        make_database("tax", built),
        ["+fct_tax_entries", "+tax_liability_monthly", "+tax_differences", "+tax_rates", "+tax_exemptions"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-11-01"},
    )
