-- Grain: one row per deal open at the as-of date: what the rules say of it, with their inputs.
with open_deals as (
    select
        deal_id,
        as_of_date,
        account_id,
        owner_id,
        team_path,
        stage_name,
        product_id,
        product_family,
        segment_id,
        industry,
        days_in_stage,
        lead_score,
        {{ known_activity('activity_count') }} as activity_count,
        {{ known_activity('objection_handled_count') }} as objection_handled_count,
        has_champion,
        has_budget,
        has_decision_maker,
        competitor_count,
        planned_user_count,
        list_price_reporting,
        discount_rate,
        contract_months
    from {{ ref('ftr_deals') }}
    where as_of_date = {{ as_of_date() }}
),

-- Similar deals: of the same product and segment, won in the year up to the as-of date.
similar_deals as (
    select
        product_id,
        segment_id,
        cast(avg(cast(reporting_amount as {{ type_double() }})) as {{ type_money() }})
            as similar_closed_average_amount
    from {{ ref('fct_deals') }}
    where is_won and closed_on > {{ add_days(as_of_date(), -365) }} and reporting_amount is not null
    group by product_id, segment_id
    having count(*) >= {{ var('similar_deal_minimum_count') | int }}
),

deals as (
    select open_deals.*, similar_deals.similar_closed_average_amount
    from open_deals
    left join similar_deals
        on open_deals.product_id = similar_deals.product_id and open_deals.segment_id = similar_deals.segment_id
),

probabilities as (
    {{ with_close_probability('deals') }}
),

amounts as (
    {{ with_deal_value('deals') }}
)

select
    deals.deal_id,
    deals.as_of_date,
    deals.account_id,
    deals.owner_id,
    deals.team_path,
    probabilities.rule_close_probability,
    probabilities.rule_score_points,
    probabilities.rule_confidence,
    probabilities.rule_stage_base,
    probabilities.rule_engagement_boost,
    probabilities.rule_qualification_boost,
    probabilities.rule_velocity_penalty,
    probabilities.rule_competition_penalty,
    amounts.rule_value_amount,
    amounts.rule_base_amount,
    amounts.rule_value_confidence,
    deals.stage_name,
    deals.days_in_stage,
    deals.lead_score,
    deals.activity_count,
    deals.objection_handled_count,
    deals.has_champion = 1 as has_champion,
    deals.has_budget = 1 as has_budget,
    deals.has_decision_maker = 1 as has_decision_maker,
    deals.competitor_count,
    deals.product_family,
    deals.planned_user_count,
    deals.list_price_reporting as list_price_amount,
    deals.discount_rate,
    deals.contract_months,
    deals.industry,
    deals.similar_closed_average_amount
from deals
inner join probabilities on deals.deal_id = probabilities.deal_id
inner join amounts on deals.deal_id = amounts.deal_id
