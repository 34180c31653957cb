-- Grain: one row per customer and as-of date by which it had bought: how regularly its days of purchase follow.
-- Intervals are whole numbers of days, so sums of them and of their squares are exact in any order.
{{ config(pre_hook="{{ group_by_sorting() }}") }}
with days as (
    select
        orders.customer_id,
        dates.as_of_date,
        orders.ordered_on,
        sum({{ to_reporting('orders.purchase_amount', 'rates.known_rate') }}) as purchase_amount,
        count(*) filter (where orders.purchase_amount <> 0 and rates.known_rate is null) as missing_count
    from {{ ref('int_customer_orders') }} as orders
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on dates.as_of_date >= orders.counts_from_on and dates.as_of_date < orders.valid_to_on
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on orders.currency_code = rates.currency_code and dates.as_of_date = rates.date_day
    group by orders.customer_id, dates.as_of_date, orders.ordered_on
    having sum(orders.order_count) > 0
),

followed as (
    select
        customer_id,
        as_of_date,
        ordered_on,
        purchase_amount,
        missing_count,
        {{ days_between('lag(ordered_on) over passed', 'ordered_on') }} as interval_days
    from days
    window passed as (partition by customer_id, as_of_date order by ordered_on)
),

summed as (
    select
        customer_id,
        as_of_date,
        count(*) as order_day_count,
        min(ordered_on) as first_order_on,
        max(ordered_on) as last_order_on,
        count(interval_days) as interval_count,
        sum(interval_days) as interval_sum,
        sum(interval_days * interval_days) as square_sum,
        min(interval_days) as interval_min_days,
        max(interval_days) as interval_max_days,
        case
            when sum(missing_count) = 0
                then coalesce(sum(case when interval_days is not null then purchase_amount end), 0)
        end as repeat_day_revenue
    from followed
    group by customer_id, as_of_date
),

measured as (
    select
        customer_id,
        as_of_date,
        order_day_count,
        first_order_on,
        last_order_on,
        {{ ratio('interval_sum', 'interval_count') }} as interval_mean_days,
        case
            when interval_count > 1 then sqrt({{ ratio(
                'interval_count * square_sum - interval_sum * interval_sum', 'interval_count * (interval_count - 1)'
            ) }})
        end as interval_std_days,
        interval_min_days,
        interval_max_days,
        repeat_day_revenue
    from summed
)

select
    *,
    {{ ratio('interval_std_days', 'interval_mean_days') }} as interval_cv,
    {{ behaviour_type('measured') }} as behaviour_type
from measured
