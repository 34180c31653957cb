{#-
  Yields deal_id, the five parts as <part>_score, health_score, health_category and health_confidence.
  Reads days_in_stage, expected_stage_days, activity_count_30d, days_since_last_activity, has_champion, has_budget,
  has_decision_maker (doubles), days_to_expected_close and expected_close_push_count.
-#}
{% macro with_deal_health(deals) -%}
{%- set parts = ['velocity', 'engagement', 'qualification', 'recency', 'schedule'] -%}
{%- set flags = ['champion', 'budget', 'decision_maker'] -%}
{%- set names = [('velocity', 'expected_stage_days'), ('velocity', 'zero_ratio'),
                 ('engagement', 'full_interactions_30d'), ('recency', 'full_days'), ('recency', 'zero_days'),
                 ('schedule', 'overdue_zero_days'), ('schedule', 'push_points'), ('threshold', 'healthy'),
                 ('threshold', 'watch'), ('threshold', 'at_risk')] -%}
{%- for part in parts -%}{%- do names.append(('weight', part)) -%}{%- endfor -%}
{%- for flag in flags -%}{%- do names.append(('qualification', flag)) -%}{%- endfor -%}
with rules as (
    select {{ rule_columns(names) }}
    from {{ ref('rule_deal_health') }}
),

inputs as (
    select
        rules.*,
        deals.deal_id,
        deals.has_champion,
        deals.has_budget,
        deals.has_decision_maker,
        {{ bounded('deals.days_in_stage', 0, '1e6') }} as days_in_stage,
        coalesce({{ bounded('deals.expected_stage_days', 1, '1e6') }}, rules.velocity_expected_stage_days)
            as expected_stage_days,
        {{ bounded('deals.activity_count_30d', 0, '1e6') }} as interactions_30d,
        {{ bounded('deals.days_since_last_activity', 0, '1e6') }} as days_since_last_activity,
        {{ bounded('deals.days_to_expected_close', '-1e6', '1e6') }} as days_to_expected_close,
        {{ bounded('deals.expected_close_push_count', 0, '1e6') }} as close_date_push_count
    from {{ deals }} as deals
    cross join rules
),

unbounded as (
    select
        inputs.*,
        1 - (days_in_stage / expected_stage_days - 1) / (velocity_zero_ratio - 1) as velocity_share,
        interactions_30d / engagement_full_interactions_30d as engagement_share,
        1 - (days_since_last_activity - recency_full_days) / (recency_zero_days - recency_full_days) as recency_share,
        case
            when days_to_expected_close is not null
                then
                    100
                    - 100 * greatest(-days_to_expected_close, 0) / schedule_overdue_zero_days
                    - coalesce(close_date_push_count, 0) * schedule_push_points
        end as schedule_points
    from inputs
),

parts as (
    select
        unbounded.*,
        100 * {{ bounded('velocity_share', 0, 1) }} as velocity,
        100 * {{ bounded('engagement_share', 0, 1) }} as engagement,
        100 * (
            {%- for flag in flags %}
            coalesce(qualification_{{ flag }} * has_{{ flag }}, 0) {{- ' +' if not loop.last }}
            {%- endfor %}
        ) / nullif(
            {%- for flag in flags %}
            case when has_{{ flag }} is null then 0 else qualification_{{ flag }} end {{- ' +' if not loop.last }}
            {%- endfor %}, 0
        ) as qualification,
        100 * {{ bounded('recency_share', 0, 1) }} as recency,
        {{ bounded('schedule_points', 0, 100) }} as schedule
    from unbounded
),

weighted as (
    select
        parts.*,
        (
            {%- for part in parts %}
            coalesce(weight_{{ part }} * {{ part }}, 0) {{- ' +' if not loop.last }}
            {%- endfor %}
        ) / nullif(
            {%- for part in parts %}
            case when {{ part }} is null then 0 else weight_{{ part }} end {{- ' +' if not loop.last }}
            {%- endfor %}, 0
        ) as average
    from parts
),

scored as (
    select
        weighted.*,
        -- Whole points: the figure, its category and the words about it are one number.
        floor({{ bounded('average', 0, 100) }}) as health_score
    from weighted
)

select
    deal_id,
    {%- for part in parts %}
    {{ part }} as {{ part }}_score,
    {%- endfor %}
    health_score,
    case
        when health_score >= threshold_healthy then 'healthy'
        when health_score >= threshold_watch then 'watch'
        when health_score >= threshold_at_risk then 'at risk'
        when health_score is not null then 'critical'
    end as health_category,
    {{ known_share({
        'weight_velocity': 'velocity is not null',
        'weight_engagement': 'engagement is not null',
        'weight_qualification': 'qualification is not null',
        'weight_recency': 'recency is not null',
        'weight_schedule': 'schedule is not null',
    }) }} as health_confidence
from scored
{%- endmacro %}
