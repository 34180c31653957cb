-- Grain: one row per past as-of date, period (month or fiscal quarter), segment and predictor.
-- A predictor without quantiles is held to its one amount by the pinball loss.
{%- set quantiles = [('p10', 0.1), ('p50', 0.5), ('p90', 0.9)] %}
with backtests as (
    select backtests.*
    from {{ source('scoring', 'forecast_backtests') }} as backtests
    inner join {{ source('scoring', 'published_runs') }} as runs on backtests.run_id = runs.run_id
)

select
    as_of_date,
    period_type,
    month_start_on,
    months_ahead,
    segment_id,
    predictor,
    cast(forecast_amount as {{ type_money() }}) as forecast_amount,
    cast(p025_amount as {{ type_money() }}) as p025_amount,
    cast(p10_amount as {{ type_money() }}) as p10_amount,
    cast(p50_amount as {{ type_money() }}) as p50_amount,
    cast(p90_amount as {{ type_money() }}) as p90_amount,
    cast(p975_amount as {{ type_money() }}) as p975_amount,
    cast(actual_amount as {{ type_money() }}) as actual_amount,
    cast(forecast_amount - actual_amount as {{ type_money() }}) as error_amount,
    actual_amount between p10_amount and p90_amount as is_inside_interval,
    actual_amount between p025_amount and p975_amount as is_inside_wide_interval,
    actual_probability,
    cast(naive_error_amount as {{ type_money() }}) as naive_error_amount,
    cast((
        {%- for name, probability in quantiles %}
        greatest(
            {{ probability }} * (actual_amount - coalesce({{ name }}_amount, forecast_amount)),
            ({{ probability }} - 1) * (actual_amount - coalesce({{ name }}_amount, forecast_amount))
        ) {{- ' +' if not loop.last }}
        {%- endfor %}
    ) / {{ quantiles | length }} as {{ type_money() }}) as pinball_amount
from backtests
