{#-
  Yields deal_id, rule_stage_base, rule_engagement_boost, rule_qualification_boost, rule_velocity_penalty,
  rule_competition_penalty, rule_score_points, rule_close_probability, rule_confidence.
  Reads stage_name, days_in_stage, lead_score, activity_count, objection_handled_count, has_champion, has_budget,
  has_decision_maker (doubles: 0, 1 or null) and competitor_count.
-#}
{% macro with_close_probability(deals) -%}
{%- set inputs = ['days_in_stage', 'lead_score', 'interactions', 'objections_handled', 'champion', 'budget',
                  'decision_maker', 'competitors'] -%}
{%- set names = [('coefficient', 'lead_score'), ('coefficient', 'interactions'),
                 ('coefficient', 'objections_handled'), ('coefficient', 'champion'), ('coefficient', 'budget'),
                 ('coefficient', 'decision_maker'), ('penalty', 'competitor'), ('penalty', 'free_days_in_stage'),
                 ('penalty', 'day_over'), ('penalty', 'velocity_max'), ('squashing', 'midpoint'),
                 ('squashing', 'scale'), ('squashing', 'probability_min'), ('squashing', 'probability_max'),
                 ('confidence_weight', 'stage')] -%}
{%- for input in inputs -%}
{%- do names.extend([('unknown', input), ('confidence_weight', input)]) -%}
{%- endfor -%}
with rules as (
    select
        {{ rule_columns(names) }},
        max(case when rule_group = 'stage_base' and rule_name = '(default)' then rule_value end) as default_base
    from {{ ref('rule_close_probability') }}
),

inputs as (
    select
        deals.*,
        rules.*,
        stages.rule_value as known_stage_base,
        {{ bounded('deals.days_in_stage', 0, '1e6') }} as bounded_days_in_stage,
        {{ bounded('deals.lead_score', 0, 100) }} as bounded_lead_score,
        {{ bounded('deals.activity_count', 0, '1e6') }} as bounded_interactions,
        {{ bounded('deals.objection_handled_count', 0, '1e6') }} as bounded_objections_handled,
        {{ bounded('deals.competitor_count', 0, '1e6') }} as bounded_competitors
    from {{ deals }} as deals
    cross join rules
    left join {{ ref('rule_close_probability') }} as stages
        on
            stages.rule_group = 'stage_base'
            and stages.rule_name <> '(default)'
            and stages.rule_name = {{ rule_key('deals.stage_name') }}
),

points as (
    select
        inputs.*,
        coalesce(known_stage_base, default_base) as stage_base,
        coalesce(bounded_lead_score, unknown_lead_score) * coefficient_lead_score
        + coalesce(bounded_interactions, unknown_interactions) * coefficient_interactions
        + coalesce(bounded_objections_handled, unknown_objections_handled) * coefficient_objections_handled
            as engagement_boost,
        coalesce(has_champion, unknown_champion) * coefficient_champion
        + coalesce(has_budget, unknown_budget) * coefficient_budget
        + coalesce(has_decision_maker, unknown_decision_maker) * coefficient_decision_maker as qualification_boost,
        -least(
            greatest(
                coalesce(bounded_days_in_stage, unknown_days_in_stage) - penalty_free_days_in_stage, 0
            ) * penalty_day_over,
            penalty_velocity_max
        ) + 0 as velocity_penalty,
        -(coalesce(bounded_competitors, unknown_competitors) * penalty_competitor) + 0 as competition_penalty,
        {{ known_share({
            'confidence_weight_stage': 'known_stage_base is not null',
            'confidence_weight_days_in_stage': 'bounded_days_in_stage is not null',
            'confidence_weight_lead_score': 'bounded_lead_score is not null',
            'confidence_weight_interactions': 'bounded_interactions is not null',
            'confidence_weight_objections_handled': 'bounded_objections_handled is not null',
            'confidence_weight_champion': 'has_champion is not null',
            'confidence_weight_budget': 'has_budget is not null',
            'confidence_weight_decision_maker': 'has_decision_maker is not null',
            'confidence_weight_competitors': 'bounded_competitors is not null',
        }) }} as confidence
    from inputs
),

scored as (
    select
        points.*,
        stage_base + engagement_boost + qualification_boost + velocity_penalty + competition_penalty as score_points
    from points
),

squashed as (
    select
        scored.*,
        (score_points - squashing_midpoint) / squashing_scale as log_odds
    from scored
)

select
    deal_id,
    stage_base as rule_stage_base,
    engagement_boost as rule_engagement_boost,
    qualification_boost as rule_qualification_boost,
    velocity_penalty as rule_velocity_penalty,
    competition_penalty as rule_competition_penalty,
    score_points as rule_score_points,
    squashing_probability_min
    + (squashing_probability_max - squashing_probability_min)
    / (1 + exp(-{{ bounded('log_odds', -500, 500) }})) as rule_close_probability,
    confidence as rule_confidence
from squashed
{%- endmacro %}
