-- Grain: one row per customer and as-of date by which a source of orders covers it: how regularly it buys.
with measured as (
    select
        customers.customer_id,
        customers.as_of_date,
        coalesce(days.order_day_count, 0) as order_day_count,
        days.interval_mean_days,
        {{ ratio('days.interval_std_days', 'days.interval_mean_days') }} as interval_cv,
        {{ days_between('days.first_order_on', 'customers.as_of_date') }} as days_since_first_order
    from {{ ref('int_customers_as_of') }} as customers
    left join {{ ref('int_customer_order_days') }} as days
        on customers.customer_id = days.customer_id and customers.as_of_date = days.as_of_date
    where customers.has_orders
)

select
    customer_id,
    as_of_date,
    interval_cv,
    case
        when order_day_count = 0 then 'new'
        when order_day_count = 1
            then case
                when days_since_first_order <= {{ day_count('behaviour_new_days') }} then 'new'
                else 'one_time'
            end
        when interval_mean_days > {{ day_count('behaviour_long_cycle_days') }} then 'long_cycle'
        when interval_cv > {{ var('behaviour_long_cycle_cv') | float }} then 'long_cycle'
        when interval_cv < {{ var('behaviour_regular_cv') | float }} then 'regular'
        -- Also after a single interval, which says nothing of regularity.
        else 'irregular'
    end as behaviour_type
from measured
