-- Grain: one row per month and currency of orders.
-- Lines are rounded to the cent and added, so gross and returns add up to net.
with lines as (
    select
        lines.order_line_id,
        lines.order_id,
        lines.amount,
        coalesce(lines.currency_code, orders.currency_code, '(none)') as currency_code,
        coalesce(lines.occurred_on, orders.ordered_on) as occurred_on,
        coalesce(lines.is_return, orders.is_return, lines.quantity < 0 or lines.amount < 0) as is_return,
        orders.customer_key is null as has_no_customer
    from {{ ref('stg_commerce__order_lines') }} as lines
    left join {{ ref('stg_commerce__orders') }} as orders on lines.order_id = orders.order_id
    where lines.known_on <= {{ as_of_date() }}
        and (lines.deleted_on is null or lines.deleted_on > {{ as_of_date() }})
        and (orders.deleted_on is null or orders.deleted_on > {{ as_of_date() }})
        and coalesce(orders.status, '') not in ('cancelled', 'canceled', 'void')
),

converted as (
    select
        lines.*,
        cast({{ dbt.date_trunc('month', 'lines.occurred_on') }} as date) as month_start_on,
        cast(lines.amount as {{ type_double() }}) * rates.final_rate as reporting_amount
    from lines
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on lines.currency_code = rates.currency_code and lines.occurred_on = rates.date_day
    where lines.occurred_on is not null
)

select
    month_start_on,
    currency_code,
    cast(coalesce(sum(amount) filter (where not is_return), 0) as {{ type_money() }}) as gross_amount,
    cast(coalesce(sum(amount) filter (where is_return), 0) as {{ type_money() }}) as return_amount,
    cast(coalesce(sum(amount), 0) as {{ type_money() }}) as net_amount,
    cast(sum(cast(reporting_amount as {{ type_money() }})) as {{ type_money() }}) as net_reporting_amount,
    count(distinct order_id) as order_count,
    count(*) as line_count,
    count(*) filter (where has_no_customer) as line_without_customer_count,
    count(*) filter (where amount is null) as line_without_amount_count,
    count(*) filter (where amount is not null and reporting_amount is null) as line_without_rate_count
from converted
group by month_start_on, currency_code
