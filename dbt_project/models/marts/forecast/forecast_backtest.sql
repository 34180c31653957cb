-- Grain: one row per past as-of date, month, segment and predictor.
select
    backtests.as_of_date,
    backtests.month_start_on,
    backtests.months_ahead,
    backtests.segment_id,
    backtests.predictor,
    cast(backtests.forecast_amount as {{ type_money() }}) as forecast_amount,
    cast(backtests.p10_amount as {{ type_money() }}) as p10_amount,
    cast(backtests.p90_amount as {{ type_money() }}) as p90_amount,
    cast(backtests.actual_amount as {{ type_money() }}) as actual_amount,
    cast(backtests.forecast_amount - backtests.actual_amount as {{ type_money() }}) as error_amount,
    backtests.actual_amount between backtests.p10_amount and backtests.p90_amount as is_inside_interval
from {{ source('scoring', 'forecast_backtests') }} as backtests
inner join {{ source('scoring', 'published_runs') }} as runs on backtests.run_id = runs.run_id
