-- Quantiles rise with their probability, months of the company have the mean of revenue_forecast_monthly_total (to a
-- cent for each segment), and a probability of reaching a target is one.
with steps as (
    select
        period_type,
        period_start_on,
        segment_id,
        amount - lag(amount) over (
            partition by period_type, period_start_on, segment_id order by probability
        ) as step_amount
    from {{ ref('revenue_forecast_quantiles') }}
),

means as (
    select
        periods.period_start_on,
        periods.mean_amount - totals.mean_amount as difference_amount,
        (select count(distinct parts.segment_id) from {{ ref('revenue_forecast_parts') }} as parts) as segment_count
    from {{ ref('revenue_forecast_periods') }} as periods
    inner join {{ ref('revenue_forecast_monthly_total') }} as totals
        on periods.period_start_on = totals.month_start_on
    where periods.period_type = 'month' and periods.segment_id = '(all)'
)

select 'a quantile falls' as what, period_start_on, segment_id
from steps
where step_amount < 0
union all
select 'another mean' as what, period_start_on, '(all)' as segment_id
from means
where abs(difference_amount) > 0.02 * (segment_count + 1)
union all
select 'no probability' as what, period_start_on, segment_id
from {{ ref('revenue_forecast_periods') }}
where target_probability not between 0 and 1 or (target_amount is null) <> (target_probability is null)
