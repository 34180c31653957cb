"""The models of revenue recognition, compiled once."""

import pytest
from billing_rows import AS_OF
from compiled_models import compile_models

NAMES = (
    "fct_revenue_schedule", "revenue_spans", "deferred_revenue_monthly", "unbilled_revenue_monthly",
    "revenue_monthly_reporting",
)  # fmt: skip


@pytest.fixture(scope="session")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("revenue", built),
        [f"+{name}" for name in NAMES],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-01-01"},
    )
