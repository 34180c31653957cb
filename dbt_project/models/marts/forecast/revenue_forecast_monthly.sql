-- Grain: one row per month and segment, from the month of the as-of date to forecast_horizon_months later.
-- Parts are rounded and added as decimals, so that they add up to the cent.
with months as (
    select month_start_on, max(month_end_on) as month_end_on, min(date_day) as first_day
    from {{ ref('dim_date') }}
    where
        month_end_on >= {{ as_of_date() }}
        and month_start_on <= {{ dbt.dateadd('month', var('forecast_horizon_months') | int, as_of_date()) }}
    group by month_start_on
),

-- A deal whose expected close is over counts in the first month that still has days left.
first_open_month as (
    select min(month_start_on) as month_start_on from months where month_end_on > {{ as_of_date() }}
),

open_deals as (
    select
        deals.segment_id,
        greatest(dates.month_start_on, first_open_month.month_start_on) as month_start_on,
        cast(deals.forecast_amount * deals.stage_crm_probability as {{ type_money() }}) as weighted_amount,
        cast(deals.forecast_amount as {{ type_money() }}) as unweighted_amount,
        deals.stage_crm_probability
    from {{ ref('fct_deals') }} as deals
    inner join {{ ref('dim_date') }} as dates on deals.expected_close_on = dates.date_day
    cross join first_open_month
    where deals.is_open
),

staged as (
    select
        segment_id,
        month_start_on,
        count(*) as open_deal_count,
        sum(unweighted_amount) as open_amount,
        sum(weighted_amount) as open_weighted_amount,
        sum(weighted_amount) filter (where stage_crm_probability >= 0.5) as likely_weighted_amount
    from open_deals
    group by segment_id, month_start_on
),

closed as (
    select deals.segment_id, dates.month_start_on, sum(deals.reporting_amount) as closed_amount
    from {{ ref('fct_deals') }} as deals
    inner join {{ ref('dim_date') }} as dates on deals.closed_on = dates.date_day
    where deals.is_won
    group by deals.segment_id, dates.month_start_on
),

forecasts as (
    select
        forecasts.segment_id,
        forecasts.month_start_on,
        forecasts.model_version,
        cast(forecasts.open_mean_amount as {{ type_money() }}) as open_mean_amount,
        cast(forecasts.created_mean_amount as {{ type_money() }}) as created_mean_amount,
        cast(forecasts.p10_amount as {{ type_money() }}) as p10_amount,
        cast(forecasts.p50_amount as {{ type_money() }}) as p50_amount,
        cast(forecasts.p90_amount as {{ type_money() }}) as p90_amount
    from {{ source('scoring', 'revenue_forecasts') }} as forecasts
    inner join {{ source('scoring', 'published_runs') }} as runs on forecasts.run_id = runs.run_id
    where forecasts.as_of_date = {{ as_of_date() }} and forecasts.segment_id <> '(all)'
),

segments as (
    select segment_id from staged
    union
    select closed.segment_id
    from closed
    inner join months on closed.month_start_on = months.month_start_on
    union
    select segment_id from forecasts
),

joined as (
    select
        months.month_start_on,
        segments.segment_id,
        coalesce(staged.open_deal_count, 0) as open_deal_count,
        cast(coalesce(closed.closed_amount, 0) as {{ type_money() }}) as closed_amount,
        cast(coalesce(staged.open_amount, 0) as {{ type_money() }}) as open_amount,
        cast(coalesce(staged.open_weighted_amount, 0) as {{ type_money() }}) as open_weighted_amount,
        cast(coalesce(staged.likely_weighted_amount, 0) as {{ type_money() }}) as likely_weighted_amount,
        forecasts.open_mean_amount,
        forecasts.created_mean_amount,
        forecasts.p10_amount,
        forecasts.p50_amount,
        forecasts.p90_amount,
        forecasts.model_version
    from months
    cross join segments
    left join staged
        on months.month_start_on = staged.month_start_on and segments.segment_id = staged.segment_id
    left join closed
        on months.month_start_on = closed.month_start_on and segments.segment_id = closed.segment_id
    left join forecasts
        on months.month_start_on = forecasts.month_start_on and segments.segment_id = forecasts.segment_id
)

select
    {{ as_of_date() }} as as_of_date,
    month_start_on,
    segment_id,
    {{ reporting_currency() }} as reporting_currency_code,
    open_deal_count,
    closed_amount,
    open_amount,
    open_weighted_amount,
    likely_weighted_amount,
    cast(closed_amount + open_weighted_amount as {{ type_money() }}) as stage_weighted_amount,
    open_mean_amount,
    created_mean_amount,
    cast(closed_amount + open_mean_amount + created_mean_amount as {{ type_money() }}) as mean_amount,
    p10_amount,
    p50_amount,
    p90_amount,
    {{ forecast_confidence() }} as confidence_level,
    model_version
from joined
