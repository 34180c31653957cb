-- Grain: one row per segment and probability: revenue of all months of the forecast together; segment (all) is the
-- company.
select
    horizon.as_of_date,
    horizon.segment_id,
    horizon.probability,
    cast(horizon.amount as {{ type_money() }}) as amount,
    cast(horizon.mean_amount as {{ type_money() }}) as mean_amount
from {{ source('scoring', 'revenue_forecast_horizon') }} as horizon
inner join {{ source('scoring', 'published_runs') }} as runs on horizon.run_id = runs.run_id
where horizon.as_of_date = {{ as_of_date() }}
