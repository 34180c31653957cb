-- Grain: one row per order, currency and time in which the same of it was known (validity is exclusive at its end).
-- Amounts and counts of rows that are valid on a day add up to the order as it was known then.
-- It counts for its customer from the day on which both are known.
-- An order is one purchase in however many parts it is told: of these few it is followed what was known of all parts.
with parted as (
    select order_id from {{ ref('int_customer_order_parts') }} group by order_id having count(*) > 1
),

told as (
    select order_id, valid_from_on as told_on, bought_count, returned_count
    from {{ ref('int_customer_order_parts') }}
    where order_id in (select order_id from parted)
    union all
    select order_id, valid_to_on as told_on, -bought_count as bought_count, -returned_count as returned_count
    from {{ ref('int_customer_order_parts') }}
    where order_id in (select order_id from parted)
),

states as (
    select
        order_id,
        told_on as valid_from_on,
        lead(told_on) over known as valid_to_on,
        sum(sum(bought_count)) over known as bought_count,
        sum(sum(returned_count)) over known as returned_count
    from told
    group by order_id, told_on
    window known as (partition by order_id order by told_on)
),

counted as (
    select
        parts.order_id, parts.currency_code, parts.valid_from_on, parts.valid_to_on, parts.head_count,
        case when parted.order_id is null then parts.bought_count else 0 end as bought_count,
        case when parted.order_id is null then parts.returned_count else 0 end as returned_count,
        parts.purchase_amount, parts.refund_amount, parts.unit_count
    from {{ ref('int_customer_order_parts') }} as parts
    left join parted on parts.order_id = parted.order_id

    union all

    select
        order_id, '(counts)' as currency_code, valid_from_on, valid_to_on, 0 as head_count, bought_count,
        returned_count, null as purchase_amount, null as refund_amount, null as unit_count
    from states
    where bought_count > 0 or returned_count > 0
)

select
    counted.order_id,
    counted.currency_code,
    counted.valid_from_on,
    counted.valid_to_on,
    keys.customer_id,
    greatest(counted.valid_from_on, keys.known_on) as counts_from_on,
    spans.ordered_on,
    {{ iso_weekday('spans.ordered_on') }} as iso_weekday,
    {{ local_hour('spans.ordered_at') }} as hour_of_day,
    -- An order that only sends things back is no purchase.
    cast(case when counted.bought_count > 0 then 1 else 0 end as integer) as order_count,
    cast(case when counted.returned_count > 0 then 1 else 0 end as integer) as return_count,
    cast(coalesce(counted.purchase_amount, 0) as {{ type_money() }}) as purchase_amount,
    cast(coalesce(counted.refund_amount, 0) as {{ type_money() }}) as refund_amount,
    cast(counted.unit_count as decimal(24, 8)) as unit_count,
    case when spans.is_recorded_early then counted.head_count else 0 end as early_count
from counted
inner join {{ ref('int_customer_order_spans') }} as spans
    on counted.order_id = spans.order_id
    and counted.valid_from_on >= spans.valid_from_on and counted.valid_from_on < spans.valid_to_on
inner join {{ ref('int_customer_keys') }} as keys
    on spans.entity = keys.entity and spans.entity_key = keys.entity_key
