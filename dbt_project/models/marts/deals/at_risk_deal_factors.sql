-- Grain: one row per at-risk deal and risk factor.
-- At risk is an open deal above the minimum amount with at least one leading factor; that nobody who decides
-- is engaged adds to the others and does not put a deal at risk by itself.
{%- set factors = [
    ('stagnant', true, counted_words('stagnant for', 'days_in_stage', 'day'),
     'days_in_stage >= ' ~ (var('at_risk_stagnant_days') | int)),
    ('silent', true, counted_words('no activity for', 'days_since_last_activity', 'day'),
     'days_since_last_activity >= ' ~ (var('at_risk_silent_days') | int)),
    ('pushed', true, counted_words('close date pushed', 'expected_close_push_count', 'time'),
     'expected_close_push_count >= ' ~ (var('at_risk_push_count') | int)),
    ('overdue', true, counted_words('close date overdue by', '-days_to_expected_close', 'day'),
     'days_to_expected_close < 0'),
    ('no_decision_maker', false, "'no decision maker engaged'", 'not has_decision_maker'),
    ('past_p90', true, "'stage aged past its p90'", 'days_in_stage > p90_stage_days'),
    ('low_health', true, counted_words('deal health at', 'health_score', 'point'),
     "health_category in ('at risk', 'critical')"),
] %}
with deals as (
    select health.*
    from {{ ref('deal_health') }} as health
    inner join {{ ref('fct_deals') }} as deals on health.deal_id = deals.deal_id
    where deals.forecast_amount >= {{ var('at_risk_minimum_amount') | float }}
),

factors as (
    {%- for code, is_leading, words, condition in factors %}
    select
        deal_id,
        as_of_date,
        account_id,
        owner_id,
        team_path,
        {{ loop.index }} as factor_number,
        '{{ code }}' as factor_code,
        {{ is_leading | lower }} as is_leading,
        {{ words }} as factor
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
