-- Grain: one row per customer and as-of date by which it had ordered: what it bought and sent back, as known then.
{%- set counts = ['order_count', 'return_count', 'unit_count', 'early_count'] -%}
{%- set amounts = ['purchase_amount', 'refund_amount'] -%}
{%- set windows = [30, 90, 365] %}
with dated as (
    select
        keys.customer_id,
        dates.as_of_date,
        {{ days_between('orders.ordered_on', 'dates.as_of_date') }} as age_days,
        orders.*
    from {{ ref('int_customer_orders') }} as orders
    inner join {{ ref('int_customer_keys') }} as keys
        on orders.entity = keys.entity and orders.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on {{ valid_on('orders', 'dates.as_of_date') }} and keys.known_on <= dates.as_of_date
),

by_currency as (
    select
        customer_id,
        as_of_date,
        currency_code,
        {%- for name in counts + amounts %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        {%- for days in windows %}
        sum(order_count) filter (where age_days < {{ days }}) as order_count_{{ days }}d,
        sum(return_count) filter (where age_days < {{ days }}) as return_count_{{ days }}d,
        coalesce(sum(purchase_amount) filter (where age_days < {{ days }}), 0) as purchase_amount_{{ days }}d,
        coalesce(sum(refund_amount) filter (where age_days < {{ days }}), 0) as refund_amount_{{ days }}d,
        {%- endfor %}
        {%- for day in range(1, 8) %}
        sum(case when iso_weekday = {{ day }} then order_count else 0 end) as weekday_{{ day }},
        {%- endfor %}
        {%- for hour in range(24) %}
        sum(case when hour_of_day = {{ hour }} then order_count else 0 end) as hour_{{ hour }},
        {%- endfor %}
        max(case when order_count > 0 then ordered_on end) as last_order_on,
        min(case when order_count > 0 then ordered_on end) as first_order_on,
        sum(purchase_amount) <> 0 or sum(refund_amount) <> 0 as has_amount
    from dated
    group by customer_id, as_of_date, currency_code
),

converted as (
    select by_currency.*, rates.known_rate
    from by_currency
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on by_currency.currency_code = rates.currency_code and by_currency.as_of_date = rates.date_day
)

select
    customer_id,
    as_of_date,
    max(currency_code) as currency_code,
    count(*) filter (where has_amount and known_rate is null) as currency_without_rate_count,
    {%- for name in counts %}
    sum({{ name }}) as {{ name }},
    {%- endfor %}
    {%- for days in windows %}
    coalesce(sum(order_count_{{ days }}d), 0) as order_count_{{ days }}d,
    coalesce(sum(return_count_{{ days }}d), 0) as return_count_{{ days }}d,
    {%- endfor %}
    {%- for name in amounts %}
    {%- for window in [''] + windows %}
    {%- set column = name ~ ('_' ~ window ~ 'd' if window else '') %}
    -- Without a rate the sum is not known.
    case
        when count(*) filter (where has_amount and known_rate is null) = 0
            then coalesce(sum({{ to_reporting(column, 'known_rate') }}), 0)
    end as {{ column }},
    {%- endfor %}
    {%- endfor %}
    {%- for day in range(1, 8) %}
    sum(weekday_{{ day }}) as weekday_{{ day }},
    {%- endfor %}
    {%- for hour in range(24) %}
    sum(hour_{{ hour }}) as hour_{{ hour }},
    {%- endfor %}
    max(last_order_on) as last_order_on,
    min(first_order_on) as first_order_on
from converted
group by customer_id, as_of_date
