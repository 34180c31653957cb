-- Grain: one row per customer and as-of date by which it had ordered: what it bought and sent back, as known then.
{{ config(pre_hook="{{ group_by_sorting() }}") }}
{%- set counts = ['order_count', 'return_count', 'early_count'] -%}
{%- set amounts = ['purchase_amount', 'refund_amount'] -%}
{%- set windows = [30, 90, 365] %}
with by_currency as (
    select
        orders.customer_id,
        dates.as_of_date,
        orders.currency_code,
        max(rates.known_rate) as known_rate,
        -- Counts as integers, whose sums are the cheapest.
        {%- for name in counts %}
        cast(sum(orders.{{ name }}) as integer) as {{ name }},
        {%- endfor %}
        {%- for name in amounts + ['unit_count'] %}
        sum(orders.{{ name }}) as {{ name }},
        {%- endfor %}
        {%- for days in windows %}
        {%- set recent = 'orders.ordered_on > ' ~ add_days('dates.as_of_date', -days) %}
        cast(sum(orders.order_count) filter (where {{ recent }}) as integer) as order_count_{{ days }}d,
        cast(sum(orders.return_count) filter (where {{ recent }}) as integer) as return_count_{{ days }}d,
        coalesce(sum(orders.purchase_amount) filter (where {{ recent }}), 0) as purchase_amount_{{ days }}d,
        coalesce(sum(orders.refund_amount) filter (where {{ recent }}), 0) as refund_amount_{{ days }}d,
        {%- endfor %}
        {%- for day in range(1, 8) %}
        cast(sum(case when orders.iso_weekday = {{ day }} then orders.order_count else 0 end) as integer)
            as weekday_{{ day }},
        {%- endfor %}
        {%- for hour in range(24) %}
        cast(sum(case when orders.hour_of_day = {{ hour }} then orders.order_count else 0 end) as integer)
            as hour_{{ hour }},
        {%- endfor %}
        sum(orders.purchase_amount) <> 0 or sum(orders.refund_amount) <> 0 as has_amount
    from {{ ref('int_customer_orders') }} as orders
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on dates.as_of_date >= orders.counts_from_on and dates.as_of_date < orders.valid_to_on
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on orders.currency_code = rates.currency_code and dates.as_of_date = rates.date_day
    group by orders.customer_id, dates.as_of_date, orders.currency_code
),

summed as (
    select
        customer_id,
        as_of_date,
        max(currency_code) as currency_code,
        count(*) filter (where has_amount and known_rate is null) as currency_without_rate_count,
        {%- for name in counts + ['unit_count'] %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        {%- for days in windows %}
        coalesce(sum(order_count_{{ days }}d), 0) as order_count_{{ days }}d,
        coalesce(sum(return_count_{{ days }}d), 0) as return_count_{{ days }}d,
        {%- endfor %}
        {%- for name in amounts %}
        {%- for window in [''] + windows %}
        {%- set column = name ~ ('_' ~ window ~ 'd' if window else '') %}
        coalesce(sum({{ to_reporting(column, 'known_rate') }}), 0) as {{ column }},
        {%- endfor %}
        {%- endfor %}
        {%- for day in range(1, 8) %}
        sum(weekday_{{ day }}) as weekday_{{ day }},
        {%- endfor %}
        {%- for hour in range(24) %}
        sum(hour_{{ hour }}) as hour_{{ hour }}{{ ',' if not loop.last }}
        {%- endfor %}
    from by_currency
    group by customer_id, as_of_date
)

select
    customer_id,
    as_of_date,
    currency_code,
    currency_without_rate_count,
    {%- for name in counts + ['unit_count'] %}
    {{ name }},
    {%- endfor %}
    {%- for days in windows %}
    order_count_{{ days }}d,
    return_count_{{ days }}d,
    {%- endfor %}
    {%- for name in amounts %}
    {%- for window in [''] + windows %}
    {%- set column = name ~ ('_' ~ window ~ 'd' if window else '') %}
    -- Without a rate the sum is not known.
    case when currency_without_rate_count = 0 then {{ column }} end as {{ column }},
    {%- endfor %}
    {%- endfor %}
    {{ most_frequent('weekday_', 1, 7) }} as preferred_weekday,
    {{ most_frequent('hour_', 0, 23) }} as preferred_hour
from summed
