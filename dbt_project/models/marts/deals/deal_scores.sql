-- Grain: one row per deal open at the as-of date; model columns are null until its predictions are published.
{%- set knots = [7, 14, 30, 45, 60, 90, 120, 180, 270, 365] %}
with deals as (
    select * from {{ ref('fct_deals') }} where is_open
),

rules as (
    select * from {{ ref('deal_rule_scores') }}
),

runs as (
    select * from {{ source('scoring', 'published_runs') }} where as_of_date = {{ as_of_date() }}
),

wins as (
    select predictions.*
    from {{ source('scoring', 'deal_win_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
),

amounts as (
    select predictions.*
    from {{ source('scoring', 'deal_value_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
),

-- The day by which the deal is won with even odds, given that it is won: linear between the ends of the bins.
closes as (
    select
        predictions.*,
        case
            {%- for knot in knots %}
            {%- set before = knots[loop.index0 - 1] if not loop.first else 0 %}
            {%- set low = 'within_' ~ before ~ 'd_probability' if not loop.first else '0' %}
            when within_{{ knot }}d_probability >= 0.5
                then {{ before }}
                    + {{ knot - before }} * (0.5 - {{ low }}) / (within_{{ knot }}d_probability - {{ low }})
            {%- endfor %}
        end as median_days
    from {{ source('scoring', 'deal_close_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
),

dates as (
    select date_day, month_start_on from {{ ref('dim_date') }}
)

select
    deals.deal_id,
    deals.as_of_date,
    deals.deal_name,
    deals.account_id,
    deals.owner_id,
    deals.team_path,
    deals.segment_id,
    deals.stage_name,
    deals.expected_close_on,
    deals.currency_code,
    deals.amount,
    deals.reporting_currency_code,
    deals.forecast_amount,
    deals.amount_source,
    deals.stage_crm_probability,
    wins.win_probability,
    wins.rung as win_rung,
    wins.model_version as win_model_version,
    wins.base_score as win_base_score,
    wins.raw_score as win_raw_score,
    {%- for rank in [1, 2, 3] %}
    wins.reason_{{ rank }} as win_reason_{{ rank }},
    wins.reason_{{ rank }}_contribution as win_reason_{{ rank }}_contribution,
    {%- endfor %}
    cast(amounts.value_amount as {{ type_money() }}) as value_amount,
    cast(amounts.value_p10_amount as {{ type_money() }}) as value_p10_amount,
    cast(amounts.value_p90_amount as {{ type_money() }}) as value_p90_amount,
    amounts.rung as value_rung,
    amounts.model_version as value_model_version,
    cast(wins.win_probability * amounts.value_amount as {{ type_money() }}) as expected_revenue_amount,
    wins.win_probability * closes.within_30d_probability as win_within_30d_probability,
    wins.win_probability * closes.within_90d_probability as win_within_90d_probability,
    dates.month_start_on as expected_close_month_on,
    closes.rung as close_rung,
    closes.model_version as close_model_version,
    rules.rule_close_probability,
    rules.rule_score_points,
    rules.rule_confidence,
    rules.rule_stage_base,
    rules.rule_engagement_boost,
    rules.rule_qualification_boost,
    rules.rule_velocity_penalty,
    rules.rule_competition_penalty,
    rules.rule_value_amount,
    rules.rule_base_amount,
    rules.rule_value_confidence
from deals
left join rules on deals.deal_id = rules.deal_id
left join wins on deals.deal_id = wins.deal_id
left join amounts on deals.deal_id = amounts.deal_id
left join closes on deals.deal_id = closes.deal_id
left join dates on {{ add_days('deals.as_of_date', 'cast(ceil(closes.median_days) as integer)') }} = dates.date_day
