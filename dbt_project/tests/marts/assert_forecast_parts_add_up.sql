-- Parts add up to the mean, segments to the total, and both to what the scorer published for the company
-- (to a cent for each segment, since parts are rounded).
with segments as (
    select
        month_start_on,
        count(*) as segment_count,
        sum(closed_amount) as closed_amount,
        sum(stage_weighted_amount) as stage_weighted_amount,
        sum(mean_amount) as mean_amount,
        sum(closed_amount + open_mean_amount + created_mean_amount) as parts_amount
    from {{ ref('revenue_forecast_monthly') }}
    group by month_start_on
),

published as (
    select forecasts.month_start_on, forecasts.mean_amount
    from {{ source('scoring', 'revenue_forecasts') }} as forecasts
    inner join {{ source('scoring', 'published_runs') }} as runs on forecasts.run_id = runs.run_id
    where forecasts.as_of_date = {{ as_of_date() }} and forecasts.segment_id = '(all)'
)

select
    totals.month_start_on,
    totals.mean_amount,
    segments.mean_amount as segments_mean_amount,
    segments.parts_amount,
    published.mean_amount as published_mean_amount
from {{ ref('revenue_forecast_monthly_total') }} as totals
left join segments on totals.month_start_on = segments.month_start_on
left join published on totals.month_start_on = published.month_start_on
where
    totals.closed_amount is distinct from segments.closed_amount
    or totals.stage_weighted_amount is distinct from segments.stage_weighted_amount
    or totals.mean_amount is distinct from segments.mean_amount
    or totals.mean_amount is distinct from segments.parts_amount
    or abs(totals.mean_amount - published.mean_amount) > 0.02 * (segments.segment_count + 1)
