-- Grain: one row per measure, segment and month after the last complete one; (all) is the sum of the segments.
select
    forecasts.as_of_date,
    forecasts.measure,
    forecasts.segment_id,
    forecasts.month_start_on,
    forecasts.months_ahead,
    {{ reporting_currency() }} as reporting_currency_code,
    forecasts.method,
    forecasts.rung,
    -- Published in whole cents that add up.
    cast(forecasts.mean_amount as {{ type_money() }}) as mean_amount,
    cast(forecasts.p10_amount as {{ type_money() }}) as p10_amount,
    cast(forecasts.p50_amount as {{ type_money() }}) as p50_amount,
    cast(forecasts.p90_amount as {{ type_money() }}) as p90_amount
from {{ source('scoring', 'series_forecasts') }} as forecasts
inner join {{ source('scoring', 'published_runs') }} as runs on forecasts.run_id = runs.run_id
where forecasts.as_of_date = {{ as_of_date() }}
