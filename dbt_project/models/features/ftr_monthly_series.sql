-- Grain: one row per measure, segment and complete month, from the segment's first month of the measure on.
-- As known at the as-of date, in the reporting currency. Months in which nothing came are 0.
with months as (
    select month_start_on, month_end_on
    from {{ ref('int_dates_spined') }}
    where is_month_end and date_day <= {{ as_of_date() }}
),

bookings as (
    select
        deals.segment_id,
        months.month_start_on,
        sum(deals.won_amount_reporting) as amount,
        count(*) - count(deals.won_amount_reporting) as left_out_count
    from {{ ref('lbl_deals') }} as deals
    inner join months on deals.closed_on >= months.month_start_on and deals.closed_on <= months.month_end_on
    where deals.is_won
    group by deals.segment_id, months.month_start_on
),

summed as (
    select 'bookings' as measure, segment_id, month_start_on, amount, left_out_count from bookings
    union all
    select measure, segment_id, month_start_on, amount, left_out_count from {{ ref('int_customer_amounts_monthly') }}
),

-- What comes over a month was seldom seen from the first day of the measure's first one.
bounds as (
    select measure, min(month_start_on) as first_month_on from summed group by measure
),

beginnings as (
    select summed.measure, summed.segment_id, min(summed.month_start_on) as first_month_on
    from summed
    inner join bounds on summed.measure = bounds.measure
    where summed.month_start_on > bounds.first_month_on or summed.measure = 'mrr'
    group by summed.measure, summed.segment_id
)

select
    {{ as_of_date() }} as as_of_date,
    beginnings.measure,
    beginnings.segment_id,
    months.month_start_on,
    cast(coalesce(summed.amount, 0) as {{ type_money() }}) as amount,
    cast(coalesce(summed.left_out_count, 0) as bigint) as left_out_count
from beginnings
inner join months on beginnings.first_month_on <= months.month_start_on
left join summed
    on beginnings.measure = summed.measure and beginnings.segment_id = summed.segment_id
    and months.month_start_on = summed.month_start_on
