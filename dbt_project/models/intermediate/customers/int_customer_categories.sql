-- Grain: one row per customer and as-of date by which it had bought something of a known category.
-- Lines bought count, returned ones do not.
{{ config(pre_hook="{{ group_by_sorting() }}") }}
with lines as (
    select
        keys.customer_id,
        lines.product_category,
        greatest(orders.valid_from_on, lines.known_on, keys.known_on) as from_on,
        least(orders.valid_to_on, coalesce(lines.deleted_on, {{ end_of_time() }})) as to_on
    from {{ ref('stg_commerce__order_lines') }} as lines
    inner join {{ ref('int_customer_order_spans') }} as orders on lines.order_id = orders.order_id
    inner join {{ ref('int_customer_keys') }} as keys
        on orders.entity = keys.entity and orders.entity_key = keys.entity_key
    where
        lines.product_category is not null
        and not coalesce(lines.is_return, orders.is_return, lines.quantity < 0 or lines.amount < 0, false)
),

counted as (
    select lines.customer_id, dates.as_of_date, lines.product_category, count(*) as line_count
    from lines
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on dates.as_of_date >= lines.from_on and dates.as_of_date < lines.to_on
    group by lines.customer_id, dates.as_of_date, lines.product_category
)

select
    customer_id,
    as_of_date,
    count(*) as category_count,
    {{ ratio('max(line_count)', 'sum(line_count)') }} as top_category_rate
from counted
group by customer_id, as_of_date
