-- The basis of scenarios is of the published forecast: it holds at least what its months expect of open deals, and all
-- months together have the mean of revenue_forecast_monthly (to a cent for each month).
with basis as (
    select segment_id, sum(mean_amount) as mean_amount from {{ ref('revenue_scenario_basis') }} group by segment_id
),

parts as (
    select segment_id, sum(open_mean) as open_mean, count(*) as month_count
    from {{ ref('revenue_forecast_parts') }}
    group by segment_id
),

months as (
    select segment_id, sum(mean_amount) as mean_amount from {{ ref('revenue_forecast_monthly') }} group by segment_id
),

horizon as (
    select segment_id, max(mean_amount) as mean_amount, min(mean_amount) as least_amount
    from {{ ref('revenue_forecast_horizon') }}
    group by segment_id
)

select 'less than its months' as what, parts.segment_id
from parts
left join basis on parts.segment_id = basis.segment_id
where parts.open_mean > coalesce(basis.mean_amount, 0) * 1.000001 + 0.01
    and exists (select 1 from horizon)
union all
select 'another mean' as what, months.segment_id
from months
inner join parts on months.segment_id = parts.segment_id
inner join horizon on months.segment_id = horizon.segment_id
where abs(months.mean_amount - horizon.mean_amount) > 0.02 * parts.month_count
    or horizon.mean_amount <> horizon.least_amount
