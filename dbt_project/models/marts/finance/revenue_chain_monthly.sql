-- Grain: one row per stage, part and month from the as-of date on.
-- Parts are rounded and added as decimals, so that they add up to the cent.
with forecasts as (
    select forecasts.*
    from {{ source('scoring', 'revenue_chains') }} as forecasts
    inner join {{ source('scoring', 'published_runs') }} as runs on forecasts.run_id = runs.run_id
    where forecasts.as_of_date = {{ as_of_date() }}
),

parts as (
    select stage, part, month_start_on, cast(mean_amount as {{ type_money() }}) as mean_amount
    from forecasts
    where part <> '(all)'
),

means as (
    select stage, part, month_start_on, mean_amount from parts
    union all
    select stage, '(all)' as part, month_start_on, sum(mean_amount) as mean_amount
    from parts
    group by stage, month_start_on
)

select
    forecasts.as_of_date,
    forecasts.stage,
    forecasts.part,
    forecasts.month_start_on,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(means.mean_amount as {{ type_money() }}) as mean_amount,
    cast(forecasts.p10_amount as {{ type_money() }}) as p10_amount,
    cast(forecasts.p50_amount as {{ type_money() }}) as p50_amount,
    cast(forecasts.p90_amount as {{ type_money() }}) as p90_amount,
    forecasts.model_version
from forecasts
inner join means
    on forecasts.stage = means.stage and forecasts.part = means.part
    and forecasts.month_start_on = means.month_start_on
