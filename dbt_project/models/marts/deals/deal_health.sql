-- Grain: one row per deal open at the as-of date.
-- The inputs stand beside the score, so that metrics.deal_health can be asked the same question.
with deals as (
    select
        *,
        {{ known_activity('activity_count_30d') }} as known_activity_count_30d,
        -- A deal nobody has touched is as silent as it is old.
        {{ known_activity('coalesce(days_since_last_activity, deal_age_days)') }} as silent_days
    from {{ ref('ftr_deals') }}
    where as_of_date = {{ as_of_date() }}
),

durations as (
    select * from {{ ref('stage_durations') }}
    where ended_stay_count >= {{ var('stage_minimum_stay_count') | int }}
),

assessed as (
    select
        deals.deal_id,
        deals.as_of_date,
        deals.account_id,
        deals.owner_id,
        deals.team_path,
        deals.segment_id,
        deals.days_in_stage,
        durations.median_days as expected_stage_days,
        durations.p90_days as p90_stage_days,
        deals.known_activity_count_30d as activity_count_30d,
        deals.silent_days as days_since_last_activity,
        deals.has_champion,
        deals.has_budget,
        deals.has_decision_maker,
        deals.days_to_expected_close,
        deals.expected_close_push_count
    from deals
    left join durations on deals.stage_id = durations.stage_id
),

scored as (
    {{ with_deal_health('assessed') }}
)

select
    assessed.deal_id,
    assessed.as_of_date,
    assessed.account_id,
    assessed.owner_id,
    assessed.team_path,
    assessed.segment_id,
    scored.health_score,
    scored.health_category,
    scored.health_confidence,
    scored.velocity_score,
    scored.engagement_score,
    scored.qualification_score,
    scored.recency_score,
    scored.schedule_score,
    assessed.days_in_stage,
    assessed.expected_stage_days,
    assessed.p90_stage_days,
    assessed.activity_count_30d,
    assessed.days_since_last_activity,
    assessed.has_champion = 1 as has_champion,
    assessed.has_budget = 1 as has_budget,
    assessed.has_decision_maker = 1 as has_decision_maker,
    assessed.days_to_expected_close,
    assessed.expected_close_push_count
from assessed
inner join scored on assessed.deal_id = scored.deal_id
