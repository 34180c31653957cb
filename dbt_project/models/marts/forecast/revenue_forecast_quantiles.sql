-- Grain: one row per period (month or fiscal quarter), segment and probability; segment (all) is the company.
select
    quantiles.as_of_date,
    quantiles.period_type,
    quantiles.period_start_on,
    quantiles.segment_id,
    quantiles.probability,
    cast(quantiles.amount as {{ type_money() }}) as amount,
    cast(quantiles.mean_amount as {{ type_money() }}) as mean_amount
from {{ source('scoring', 'revenue_forecast_quantiles') }} as quantiles
inner join {{ source('scoring', 'published_runs') }} as runs on quantiles.run_id = runs.run_id
where quantiles.as_of_date = {{ as_of_date() }}
