-- Grain: one row per currency and as-of date whose rate customer features lack.
with amounts as (
    select currency_code, valid_from_on, valid_to_on, order_id as row_id
    from {{ ref('int_customer_orders') }}
    where purchase_amount <> 0 or refund_amount <> 0
    union all
    select currency_code, measured_on, {{ add_days('measured_on', 1) }} as valid_to_on, subscription_item_id
    from {{ ref('int_customer_items_measured') }}
    where mrr_amount <> 0 and measured_on = as_of_date
),

missing as (
    select currencies.currency_code, dates.as_of_date
    from (select distinct currency_code from amounts) as currencies
    cross join {{ ref('int_customer_as_of_dates') }} as dates
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on currencies.currency_code = rates.currency_code and dates.as_of_date = rates.date_day
    where rates.known_rate is null
)

select
    missing.currency_code,
    missing.as_of_date as needed_on,
    count(distinct amounts.row_id) as row_count
from missing
inner join amounts
    on missing.currency_code = amounts.currency_code and {{ valid_on('amounts', 'missing.as_of_date') }}
group by missing.currency_code, missing.as_of_date
