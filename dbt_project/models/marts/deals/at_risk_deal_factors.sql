-- Grain: one row per at-risk deal and risk factor.
-- At risk is an open deal above the minimum amount with at least one leading factor; that nobody who decides
-- is engaged adds to the others and does not put a deal at risk by itself.
{%- set count_words = "cast(cast(floor({0}) as integer) as " ~ dbt.type_string() ~ ")" %}
{%- set factors = [
    ('stagnant', 1, true, 'days_in_stage', 'stagnant for {0} day{1}',
     'days_in_stage >= ' ~ (var('at_risk_stagnant_days') | int)),
    ('silent', 2, true, 'days_since_last_activity', 'no activity for {0} day{1}',
     'days_since_last_activity >= ' ~ (var('at_risk_silent_days') | int)),
    ('pushed', 3, true, 'expected_close_push_count', 'close date pushed {0} time{1}',
     'expected_close_push_count >= ' ~ (var('at_risk_push_count') | int)),
    ('overdue', 4, true, '-days_to_expected_close', 'close date overdue by {0} day{1}',
     'days_to_expected_close < 0'),
    ('no_decision_maker', 5, false, '0', 'no decision maker engaged', 'not has_decision_maker'),
    ('past_p90', 6, true, '0', 'stage aged past its p90', 'days_in_stage > p90_stage_days'),
    ('low_health', 7, true, 'health_score', 'deal health at {0} of 100',
     "health_category in ('at risk', 'critical')"),
] %}
with deals as (
    select health.*
    from {{ ref('deal_health') }} as health
    inner join {{ ref('fct_deals') }} as deals on health.deal_id = deals.deal_id
    where deals.forecast_amount >= {{ var('at_risk_minimum_amount') | float }}
),

factors as (
    {%- for code, rank, is_leading, measure, words, condition in factors %}
    {%- set number = count_words.format(measure) %}
    {%- set plural = "' || case when floor(" ~ measure ~ ") = 1 then '' else 's' end || '" %}
    select
        deal_id,
        as_of_date,
        account_id,
        owner_id,
        team_path,
        {{ rank }} as factor_number,
        '{{ code }}' as factor_code,
        {{ is_leading | lower }} as is_leading,
        '{{ words.format("' || " ~ number ~ " || '", plural) }}' as factor
    from deals
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        *,
        bool_or(is_leading) over (partition by deal_id) as is_at_risk
    from factors
)

select
    deal_id,
    factor_code,
    as_of_date,
    account_id,
    owner_id,
    team_path,
    factor_number,
    is_leading,
    factor
from judged
where is_at_risk
