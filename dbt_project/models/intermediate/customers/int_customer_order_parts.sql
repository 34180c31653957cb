-- Grain: one row per order, currency and time in which the same part of it was known (validity is exclusive at its end).
-- Rows that are valid on a day add up to the lines and the amount of the order as known then.
with lines as (
    select
        orders.order_id,
        coalesce(lines.currency_code, orders.currency_code) as currency_code,
        greatest(orders.valid_from_on, lines.known_on) as valid_from_on,
        least(orders.valid_to_on, coalesce(lines.deleted_on, {{ end_of_time() }})) as valid_to_on,
        lines.amount,
        lines.quantity,
        coalesce(lines.is_return, orders.is_return, lines.quantity < 0 or lines.amount < 0, false) as is_return
    from {{ ref('int_customer_order_spans') }} as orders
    inner join {{ ref('stg_commerce__order_lines') }} as lines on orders.order_id = lines.order_id
),

parts as (
    select
        order_id, currency_code, valid_from_on, valid_to_on, 0 as head_count,
        case when not is_return then 1 else 0 end as bought_count,
        case when is_return then 1 else 0 end as returned_count,
        case when not is_return then amount end as purchase_amount,
        case when is_return then -amount end as refund_amount,
        case when not is_return then quantity end as unit_count
    from lines
    where valid_from_on < valid_to_on

    union all

    select
        order_id, currency_code, valid_from_on, valid_to_on, 1 as head_count, 0 as bought_count, 0 as returned_count,
        null as purchase_amount, null as refund_amount, null as unit_count
    from {{ ref('int_customer_order_spans') }}

    union all

    -- Until there are lines, what it says of itself.
    select
        order_id, currency_code, valid_from_on, least(valid_to_on, lines_known_on) as valid_to_on, 0 as head_count,
        case when coalesce(is_return, net_amount < 0, false) then 0 else 1 end as bought_count,
        case when coalesce(is_return, net_amount < 0, false) then 1 else 0 end as returned_count,
        case when not coalesce(is_return, net_amount < 0) then net_amount end as purchase_amount,
        case when coalesce(is_return, net_amount < 0) then -net_amount end as refund_amount,
        null as unit_count
    from {{ ref('int_customer_order_spans') }}
    where valid_from_on < lines_known_on
)

select
    order_id,
    currency_code,
    valid_from_on,
    valid_to_on,
    max(head_count) as head_count,
    sum(bought_count) as bought_count,
    sum(returned_count) as returned_count,
    sum(purchase_amount) as purchase_amount,
    sum(refund_amount) as refund_amount,
    sum(unit_count) as unit_count
from parts
group by order_id, currency_code, valid_from_on, valid_to_on
