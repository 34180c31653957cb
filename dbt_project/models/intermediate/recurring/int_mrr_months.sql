-- Grain: one row per month, from the first with recurring revenue to the month of the as-of date.
-- The open month is measured on the as-of date.
select
    month_start_on,
    max(date_day) as month_end_on,
    {{ add_days('month_start_on', '-1') }} as opening_on,
    {{ add_days('max(date_day)', var('committed_mrr_days')) }} as committed_on
from {{ ref('int_dates_spined') }}
where date_day <= {{ as_of_date() }}
    and month_end_on >= (
        select min(least(starts_on, coalesce(agreed_on, starts_on)))
        from {{ ref('int_subscription_item_terms') }}
        where gross_yearly_amount <> 0
    )
group by month_start_on
