"""Marts of customers of the simulated company, after a whole run."""

import pytest


@pytest.fixture
def read(company):
    def run(query):
        with company.connect() as conn:
            return conn.execute(query).fetchall()

    return run


def test_every_customer_has_a_row_and_every_model_predicts_what_applies(read):
    [row] = read(
        "select count(*), count(churn_probability), count(churn_tier), count(value_amount),"
        " count(expansion_probability), count(*) filter (where plan_value_amount > 0), count(churn_rule_reasons),"
        " count(*) filter (where prediction_state = 'complete') from marts.customer_scores"
    )
    total, churn, tiers, values, growth, paying, reasons, complete = row
    [(known, active, buyers)] = read(
        "select count(*), count(*) filter (where plan_value > 0 or order_count > 0),"
        " count(*) filter (where order_count > 0) from features.ftr_customers where as_of_date = '2025-12-31'"
    )
    assert total == known > active == churn == tiers == complete > buyers == values > 100
    assert 0 < growth == paying < total
    assert 0 < reasons < total


def test_reasons_of_churn_name_only_what_is_known_of_the_customer(read):
    [(shown, unknown, of_rates, by_model)] = read("""
        select
            count(reason),
            count(reason) filter (where (to_jsonb(features) ->> replace(reason, ' ', '_')) is null),
            count(reason) filter (where churn_rung <> 'model'),
            count(*) filter (where churn_rung = 'model')
        from marts.customer_scores as scores
        inner join features.ftr_customers as features using (customer_id, as_of_date)
        cross join lateral (values (churn_reason_1), (churn_reason_2), (churn_reason_3)) as reasons (reason)
    """)
    assert unknown == of_rates == 0 and shown > 0.6 * by_model - 1


def test_each_kind_has_tiers_of_its_own(read):
    rows = read("""
        select
            coalesce(plan_value_amount, 0) > 0, churn_medium_from, churn_high_from, churn_rung,
            count(distinct churn_tier), bool_and(churn_tier_source = 'model')
        from marts.customer_scores
        where churn_tier is not null
        group by 1, 2, 3, 4
    """)
    assert [row[0] for row in sorted(rows)] == [False, True]  # one pair of thresholds, and one rung, for a kind
    for _, medium, high, _, tiers, is_of_model in rows:
        assert medium < high and is_of_model
        assert tiers == 3 or (medium, high) == (0.4, 0.7)  # fixed where nothing was there to take quantiles of


def test_probabilities_of_still_buying_are_those_of_the_function(read):
    rows = read("""
        with parameters as (
            select
                max(value) filter (where name = 'r') as r, max(value) filter (where name = 'alpha') as alpha,
                max(value) filter (where name = 'a') as a, max(value) filter (where name = 'b') as b
            from scoring.model_parameters
            where target = 'customer_value' and parameter_group = 'purchasing'
        )
        select scores.alive_probability, metrics.purchase_alive_probability(
            f.order_day_count - 1, f.days_between_first_and_last_order_day / 7, f.days_since_first_order / 7,
            parameters.r, parameters.alpha, parameters.a, parameters.b
        )
        from marts.customer_scores as scores
        inner join features.ftr_customers as f using (customer_id, as_of_date)
        cross join parameters
    """)
    known = [row for row in rows if row[1] is not None]
    assert len(known) > 50
    assert all(found == pytest.approx(wanted, rel=1e-9) for found, wanted in known)
    assert all(found is None for found, wanted in rows if wanted is None)


def test_health_and_its_change_are_known(read):
    [(total, scored, changed, moved)] = read(
        "select count(*), count(health_score), count(health_change), count(*) filter (where health_change <> 0)"
        " from marts.account_health"
    )
    assert total == scored and 0 < changed <= total and moved > 10


def test_every_action_is_somewhere_and_the_parts_are_those_of_other_marts(read):
    parts = dict(read("select action, sum(action_amount) from marts.next_action_parts group by action"))
    assert set(parts) == {"save", "collect", "rescue", "expand"}
    [(at_risk,)] = read("select sum(revenue_at_risk_amount) from marts.at_risk_deals where revenue_at_risk_amount > 0")
    [(ranked,)] = read("select sum(ranked_amount) from marts.next_actions")
    assert parts["rescue"] == at_risk
    assert ranked == sum(parts.values())
