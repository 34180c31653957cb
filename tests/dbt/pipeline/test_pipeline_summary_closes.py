"""dbt's own check that months close on the pipeline summary: it holds for random histories, and it can fail."""

import pytest
from deal_histories import deal_histories
from hypothesis import HealthCheck, given, settings


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=deal_histories())
def test_months_of_random_histories_close_on_the_summary(models, check, rows):
    with models.filled(rows) as conn:
        assert conn.execute(check.encode()).fetchall() == []


@pytest.fixture
def begun_late(story):
    """A company whose first deal is months younger than the first as-of date; the window is longer than its history."""
    story.deal("D", "2024-05-02", amount="100", currency_code="USD")
    story.change("D", "2024-06-10", amount="120")
    return story.rows


def test_a_company_that_begins_within_the_window_closes_from_its_first_month_on(models, check, begun_late):
    with models.filled(begun_late) as conn:
        firsts = conn.execute(
            "select min(dates.as_of_date)::text, min(summary.as_of_date)::text"
            " from intermediate.int_as_of_dates as dates cross join marts.pipeline_summary as summary"
        ).fetchall()
        assert firsts == [("2023-10-31", "2024-05-31")]
        assert conn.execute(check.encode()).fetchall() == []


@pytest.mark.parametrize(
    "wrong",
    [
        "delete from marts.pipeline_summary where as_of_date = '2024-05-31'",
        "update marts.pipeline_summary set amount = amount + 0.01 where as_of_date = '2024-05-31'",
        "update marts.pipeline_changes_monthly set reporting_amount = reporting_amount - 0.01 where cause = 'created'",
        "update marts.pipeline_changes_monthly set owner_id = 's:other' where closing_on = '2024-06-30'",
    ],
)
def test_what_does_not_close_is_found_also_in_the_first_month(models, check, begun_late, wrong):
    with models.filled(begun_late) as conn:
        conn.execute(wrong)
        assert conn.execute(check.encode()).fetchall() != []
