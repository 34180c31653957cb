"""The rules applied to whole tables give what the functions give, for every open deal of a company."""

CLOSE_PROBABILITY = """
select deal.deal_id
from marts.deal_rule_scores as deal
cross join lateral metrics.close_probability(
    deal.stage_name, deal.days_in_stage, deal.lead_score, deal.activity_count, deal.objection_handled_count,
    deal.has_champion, deal.has_budget, deal.has_decision_maker, deal.competitor_count
) as rule
where (
    rule.score_points, rule.close_probability, (rule.breakdown ->> 'stage_base')::float8,
    (rule.breakdown ->> 'engagement_boost')::float8, (rule.breakdown ->> 'qualification_boost')::float8,
    (rule.breakdown ->> 'velocity_penalty')::float8, (rule.breakdown ->> 'competition_penalty')::float8
) is distinct from (
    deal.rule_score_points, deal.rule_close_probability, deal.rule_stage_base,
    deal.rule_engagement_boost, deal.rule_qualification_boost,
    deal.rule_velocity_penalty, deal.rule_competition_penalty
) or abs(rule.confidence - deal.rule_confidence) > 1e-12
"""

DEAL_VALUE = """
select deal.deal_id
from marts.deal_rule_scores as deal
cross join lateral metrics.deal_value(
    p_product_plan => deal.product_family, p_planned_users => deal.planned_user_count,
    p_list_price => deal.list_price_amount, p_discount_rate => deal.discount_rate,
    p_contract_months => deal.contract_months, p_industry => deal.industry, p_stage => deal.stage_name,
    p_similar_closed_average => deal.similar_closed_average_amount::float8
) as rule
where (rule.deal_value, rule.base_amount) is distinct from (deal.rule_value_amount, deal.rule_base_amount)
    or abs(rule.confidence - deal.rule_value_confidence) > 1e-12
"""

DEAL_HEALTH = """
select deal.deal_id
from marts.deal_health as deal
cross join lateral metrics.deal_health(
    deal.days_in_stage, deal.expected_stage_days, deal.activity_count_30d, deal.days_since_last_activity,
    deal.has_champion, deal.has_budget, deal.has_decision_maker, deal.days_to_expected_close,
    deal.expected_close_push_count
) as rule
where (
    rule.health_score, rule.health_category,
    (rule.breakdown ->> 'velocity')::float8, (rule.breakdown ->> 'engagement')::float8,
    (rule.breakdown ->> 'qualification')::float8, (rule.breakdown ->> 'recency')::float8,
    (rule.breakdown ->> 'schedule')::float8
) is distinct from (
    deal.health_score, deal.health_category, deal.velocity_score, deal.engagement_score,
    deal.qualification_score, deal.recency_score, deal.schedule_score
) or abs(rule.confidence - deal.health_confidence) > 1e-12
"""


def _mismatches(company, query, mart):
    with company.connect("reader") as conn:
        assert conn.execute(f"select count(*) from marts.{mart}").fetchone()[0] > 50
        return conn.execute(query).fetchall()


def test_close_probability_is_the_same_for_every_deal(company):
    assert _mismatches(company, CLOSE_PROBABILITY, "deal_rule_scores") == []


def test_deal_value_is_the_same_for_every_deal(company):
    assert _mismatches(company, DEAL_VALUE, "deal_rule_scores") == []


def test_deal_health_is_the_same_for_every_deal(company):
    assert _mismatches(company, DEAL_HEALTH, "deal_health") == []


def test_company_has_unknown_inputs_too(company):
    """Parity on complete rows only would prove little."""
    with company.connect("reader") as conn:
        row = conn.execute(
            "select count(*) filter (where lead_score is null), count(*) filter (where has_champion is null),"
            " count(*) filter (where similar_closed_average_amount is null) from marts.deal_rule_scores"
        ).fetchone()
    assert all(count > 0 for count in row)
