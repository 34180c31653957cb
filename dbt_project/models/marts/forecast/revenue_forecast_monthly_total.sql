-- Grain: one row per month: the whole company.
-- Amounts are the sums of revenue_forecast_monthly; quantiles do not add up, so theirs were drawn jointly.
with segments as (
    select * from {{ ref('revenue_forecast_monthly') }}
),

forecasts as (
    select
        forecasts.month_start_on,
        forecasts.model_version,
        cast(forecasts.p10_amount as {{ type_money() }}) as p10_amount,
        cast(forecasts.p50_amount as {{ type_money() }}) as p50_amount,
        cast(forecasts.p90_amount as {{ type_money() }}) as p90_amount
    from {{ source('scoring', 'revenue_forecasts') }} as forecasts
    inner join {{ source('scoring', 'published_runs') }} as runs on forecasts.run_id = runs.run_id
    where forecasts.as_of_date = {{ as_of_date() }} and forecasts.segment_id = '(all)'
),

months as (
    select distinct month_start_on, calendar_year, calendar_quarter, fiscal_year, fiscal_quarter
    from {{ ref('dim_date') }}
    where date_day = month_start_on
),

summed as (
    select
        as_of_date,
        month_start_on,
        reporting_currency_code,
        sum(open_deal_count) as open_deal_count,
        {%- for column in ['closed', 'open', 'open_weighted', 'likely_weighted', 'stage_weighted', 'open_mean',
                           'created_mean', 'mean'] %}
        cast(sum({{ column }}_amount) as {{ type_money() }}) as {{ column }}_amount {{- ',' if not loop.last }}
        {%- endfor %}
    from segments
    group by as_of_date, month_start_on, reporting_currency_code
),

joined as (
    select
        summed.*,
        months.calendar_year,
        months.calendar_quarter,
        months.fiscal_year,
        months.fiscal_quarter,
        forecasts.p10_amount,
        forecasts.p50_amount,
        forecasts.p90_amount,
        forecasts.model_version
    from summed
    inner join months on summed.month_start_on = months.month_start_on
    left join forecasts on summed.month_start_on = forecasts.month_start_on
)

select
    as_of_date,
    month_start_on,
    calendar_year,
    calendar_quarter,
    fiscal_year,
    fiscal_quarter,
    reporting_currency_code,
    cast(open_deal_count as bigint) as open_deal_count,
    closed_amount,
    open_amount,
    open_weighted_amount,
    likely_weighted_amount,
    stage_weighted_amount,
    open_mean_amount,
    created_mean_amount,
    mean_amount,
    p10_amount,
    p50_amount,
    p90_amount,
    {{ forecast_confidence() }} as confidence_level,
    model_version
from joined
