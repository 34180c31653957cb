"""What metrics.health says of a database without deals, of what serves there, and of months closed since the build."""

import psycopg
import pytest

HEALTH = "select check_name, status, detail, what_to_do from metrics.health"
SERVED = """
insert into scoring.models (model_version, target, algorithm, status, artefact, artefact_sha256, manifest,
    data_fingerprint, is_temporal_evidence, beats_baseline, trained_through_date)
values ('v1', 'customer_churn', 'rate', 'champion', '', repeat('0', 64), '{}', '', true, false, '2025-06-30');
insert into scoring.runs (target, model_version, as_of_date, status)
values ('customer_churn', 'v1', '2025-06-30', 'published');
create table scoring.customer_churn_predictions_test partition of scoring.customer_churn_predictions default;
insert into scoring.customer_churn_predictions (run_id, as_of_date, customer_id, churn_probability, rung, model_version)
select max(run_id), '2025-06-30', 'C', 0.5, 'prior', 'v1' from scoring.runs
"""
REJECTED = """
insert into marts.model_scorecard (model_version, predictor, split_name, segment_id, metric, row_count)
values ('v1', 'rejected_model', 'test', '(all)', 'brier', 100)
"""
CLOSED = """
insert into planning.month_closings (month_start_on, first_month_start_on, as_of_date, reporting_currency_code,
    mrr_reporting_amount, arr_reporting_amount, recognised_reporting_amount, mrr_row_count, movement_row_count,
    revenue_row_count, closed_by, closed_at, audit_event_id, frozen_sha256)
values ('2025-05-01', '2025-05-01', '2025-06-30', 'USD', 0, 0, 0, 0, 0, 0, 'me', '2025-07-01', 1, repeat('0', 64))
"""


@pytest.fixture(scope="module")
def empty(make_database, built):
    """All models of an empty database."""
    return make_database("empty", built)


@pytest.fixture
def examine(empty):
    """Return a function that gives the findings after some statements; nothing of it is kept."""
    with empty.connect() as conn:

        def run(*statements):
            for statement in statements:
                conn.execute(statement)
            return {name: rest for name, *rest in conn.execute(HEALTH).fetchall()}

        yield run
        conn.rollback()


def _customer(plan_value):
    return (
        "insert into marts.customer_scores (customer_id, as_of_date, plan_value_amount)"
        f" values ('C', '2025-06-30', {plan_value})"
    )


def test_who_scores_sees_features_only(empty):
    with empty.connect("scorer") as conn:
        assert conn.execute("select count(*) from features.ftr_deals").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select count(*) from intermediate.int_deal_spans")


def test_an_empty_database_builds_and_asks_for_data_only(examine):
    found = examine()
    assert found["marts"][0] == "warn" and found["marts"][2].startswith("Load data")
    assert [name for name, (status, *_) in found.items() if status != "ok"] == ["marts"]
    assert not any(name.startswith("predictions") for name in found)


def test_without_deals_none_are_asked_for(examine):
    found = examine(_customer(100))
    assert found["marts"] == ["ok", "built as of 2025-06-30, without deals", None]
    assert found["forecast"] == ["ok", "no deals, so there is none", None]
    asked = {name for name in found if name.startswith("predictions")}
    assert asked == {"predictions customer_churn", "predictions customer_expansion"}
    assert found["predictions customer_churn"][2].startswith("revlayer train customer_churn says why")


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ("insert into marts.order_revenue_monthly (month_start_on) values ('2025-05-01')", "customer_value"),
        ("insert into marts.install_scores (install_id, as_of_date) values ('I', '2025-06-30')", "install_revenue"),
        ("insert into marts.invoice_scores (invoice_id, as_of_date) values ('I', '2025-06-30')", "invoice_late"),
        ("insert into marts.fct_deals (deal_id, as_of_date) values ('D', '2025-06-30')", "deal_close_month"),
    ],
)
def test_what_is_there_wants_its_predictions(examine, statement, target):
    assert examine(_customer(0), statement)[f"predictions {target}"][0] == "warn"


def test_a_forecast_that_is_missing_fails_where_there_are_deals(examine):
    found = examine("insert into marts.fct_deals (deal_id, as_of_date) values ('D', '2025-06-30')")
    assert found["forecast"] == ["fail", "no months", "Run: revlayer run"]


def test_too_little_history_is_told_from_a_model_that_lost(examine):
    found = examine(_customer(100), SERVED)
    assert found["predictions customer_churn"][0] == "ok"
    status, detail, todo = found["model customer_churn"]
    assert (status, detail) == ("warn", "served by rung prior (rate)")
    assert todo.startswith("The history is too short for a model: revlayer train customer_churn --check")
    assert examine(REJECTED)["model customer_churn"][2].startswith("No model beat the baseline on later data")


def test_published_predictions_do_not_go_stale_unseen(examine):
    found = examine(SERVED, "insert into marts.install_scores (install_id, as_of_date) values ('I', '2025-07-31')")
    assert found["predictions customer_churn"][2] == "The marts are as of 2025-07-31. Run: revlayer run"


def test_a_month_closed_after_the_build_is_told_until_the_next(examine):
    month = (
        "insert into marts.accounting_months (month_start_on, as_of_date, closing_id)"
        " values ('2025-05-01', '2025-06-30', null)"
    )
    found = examine(month)
    assert "closed months" not in found
    status, detail, todo = examine(CLOSED)["closed months"]
    assert status == "warn" and detail.startswith("2025-05 was closed after") and todo == "Run: revlayer build marts"
    built = "update marts.accounting_months set closing_id = (select max(closing_id) from planning.month_closings)"
    assert "closed months" not in examine(built)
    reopened = (
        "insert into planning.month_reopenings (closing_id, reason) select max(closing_id), 'x'"
        " from planning.month_closings"
    )
    assert examine(reopened)["closed months"][1].startswith("2025-05 was reopened after")


def test_missing_rates_say_what_waits_for_them(examine):
    rates = """
    insert into marts.missing_exchange_rates (currency_code, needed_on, needed_for, deal_count, row_count)
    values ('EUR', '2025-05-01', 'deals', 2, 2), ('EUR', '2025-05-01', 'revenue', 0, 5),
        ('SEK', '2025-05-02', 'revenue', 0, 1)
    """
    status, detail, todo = examine(rates)["exchange rates"]
    assert status == "warn"
    assert detail == "2 rates are missing: deals (2 rows, 1 rates), revenue (6 rows, 2 rates)"
    assert "null and in no total" in todo and "raw.exchange_rates" in todo


def test_mistyped_names_are_listed(examine):
    names = """
    insert into marts.unknown_names (used_in, name_kind, name, row_count)
    values ('targets', 'segment', 'Nowhere', 2), ('submissions', 'owner', 'U-none', 1)
    """
    assert "names" not in examine()
    status, detail, todo = examine(names)["names"]
    assert (status, detail) == ("warn", "segment Nowhere (2 targets), owner U-none (1 submissions)")
    assert "marts.known_names" in todo
    more = "insert into marts.unknown_names select 'targets', 'team', n::text, 1 from generate_series(1, 20) as n"
    detail = examine(more)["names"][1]
    assert detail.count("(1 targets)") == 9 and detail.endswith(", …")


def test_it_answers_before_the_first_build(database):
    with database.connect("reader") as conn:
        rows = conn.execute("select check_name, status, what_to_do from metrics.health").fetchall()
    assert rows == [("marts", "fail", "Run: revlayer run")]
