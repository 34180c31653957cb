-- Every deal at risk is open, large enough and has its reasons, and every rank is taken once.
with risks as (
    select
        risks.*,
        count(*) over (partition by risks.risk_rank) as rank_count
    from {{ ref('at_risk_deals') }} as risks
)

select risks.deal_id
from risks
left join {{ ref('fct_deals') }} as deals on risks.deal_id = deals.deal_id
where
    not coalesce(deals.is_open, false)
    or deals.forecast_amount < {{ var('at_risk_minimum_amount') | float }}
    or risks.risk_factor_count = 0
    or risks.rank_count > 1
