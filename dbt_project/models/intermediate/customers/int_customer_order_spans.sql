-- Grain: one row per order and time in which the same was known of it (validity is exclusive at its end).
-- Cancelled and deleted orders do not count. An order without a time of its own happened, and was known, with its
-- first line.
{%- set columns = [
    'customer_key', 'billing_customer_key', 'account_key', 'currency_code', 'is_return', 'subtotal_amount',
    'total_amount', 'tax_amount', 'shipping_amount',
] %}
with first_lines as (
    select order_id, min(known_on) as known_on, min(occurred_at) as occurred_at
    from {{ ref('stg_commerce__order_lines') }}
    group by order_id
),

spans as (
    select
        orders.order_id,
        case when orders.is_timed then orders.known_on else least(orders.known_on, first_lines.known_on) end
            as valid_from_on,
        case
            when lower(orders.status) in ('cancelled', 'canceled', 'void') then orders.observed_on
            else {{ end_of_time() }}
        end as valid_to_on,
        {%- for column in columns %}
        orders.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_commerce__orders') }} as orders
    left join first_lines on orders.order_id = first_lines.order_id
    where orders.order_id not in (select order_id from {{ ref('int_customer_orders_amended') }})

    union all

    select
        order_id,
        valid_from_on,
        valid_to_on,
        {%- for column in columns %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_customer_orders_amended') }}
    where coalesce(lower(status), '') not in ('cancelled', 'canceled', 'void')
),

dated as (
    select
        spans.*,
        orders.source_name,
        orders.deleted_on,
        orders.is_recorded_early,
        coalesce(orders.occurred_at, first_lines.occurred_at) as ordered_at,
        -- Its own amount speaks until there are lines.
        coalesce(first_lines.known_on, {{ end_of_time() }}) as lines_known_on
    from spans
    inner join {{ ref('stg_commerce__orders') }} as orders on spans.order_id = orders.order_id
    left join first_lines on spans.order_id = first_lines.order_id
)

select
    dated.order_id,
    dated.source_name,
    {{ event_entity('dated') }} as entity,
    {{ event_key('dated') }} as entity_key,
    dated.ordered_at,
    coalesce({{ local_date('dated.ordered_at') }}, dated.valid_from_on) as ordered_on,
    greatest(dated.valid_from_on, coalesce({{ local_date('dated.ordered_at') }}, dated.valid_from_on)) as valid_from_on,
    least(dated.valid_to_on, coalesce(dated.deleted_on, {{ end_of_time() }})) as valid_to_on,
    dated.lines_known_on,
    coalesce(dated.currency_code, '(none)') as currency_code,
    dated.is_return,
    coalesce(
        dated.subtotal_amount,
        dated.total_amount - coalesce(dated.tax_amount, 0) - coalesce(dated.shipping_amount, 0)
    ) as net_amount,
    dated.is_recorded_early
from dated
where
    {{ event_key('dated') }} is not null
    and greatest(dated.valid_from_on, coalesce({{ local_date('dated.ordered_at') }}, dated.valid_from_on))
    < least(dated.valid_to_on, coalesce(dated.deleted_on, {{ end_of_time() }}))
