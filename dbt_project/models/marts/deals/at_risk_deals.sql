-- Grain: one row per open deal at risk, ranked in money.
with factors as (
    select
        deal_id,
        count(*) as risk_factor_count,
        {{ string_agg_ordered('factor', '; ', 'factor_number') }} as risk_factors
    from {{ ref('at_risk_deal_factors') }}
    group by deal_id
),

valued as (
    select
        scores.*,
        health.health_score,
        health.health_category,
        factors.risk_factors,
        factors.risk_factor_count,
        -- The probability the business counts on: the model's, else the CRM's, else the rules'.
        coalesce(scores.win_probability, scores.stage_crm_probability, scores.rule_close_probability)
            as counted_probability,
        case
            when scores.win_probability is not null then 'model'
            when scores.stage_crm_probability is not null then 'crm_stage'
            else 'rules'
        end as probability_source
    from factors
    inner join {{ ref('deal_scores') }} as scores on factors.deal_id = scores.deal_id
    inner join {{ ref('deal_health') }} as health on factors.deal_id = health.deal_id
),

priced as (
    select
        *,
        cast(forecast_amount * counted_probability as {{ type_money() }}) as revenue_at_risk_amount
    from valued
)

select
    deal_id,
    as_of_date,
    deal_name,
    account_id,
    owner_id,
    team_path,
    segment_id,
    stage_name,
    expected_close_on,
    health_score,
    health_category,
    risk_factors,
    risk_factor_count,
    reporting_currency_code,
    forecast_amount,
    amount_source,
    counted_probability,
    probability_source,
    revenue_at_risk_amount,
    {%- for rank in [1, 2, 3] %}
    win_reason_{{ rank }},
    win_reason_{{ rank }}_contribution,
    {%- endfor %}
    row_number() over (order by revenue_at_risk_amount desc nulls last, deal_id) as risk_rank
from priced
