-- Grain: one row per order, currency and time in which the same of it was known (validity is exclusive at its end).
-- Amounts and counts of rows that are valid on a day add up to the order as it was known then.
-- It counts for its customer from the day on which both are known.
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
        order_id, currency_code, valid_from_on, valid_to_on, 0 as head_count, 1 as line_count,
        case when not is_return then 1 else 0 end as bought_line_count,
        case when is_return then 1 else 0 end as returned_line_count,
        case when not is_return then amount end as purchase_amount,
        case when is_return then -amount end as refund_amount,
        case when not is_return then quantity end as unit_count
    from lines
    where valid_from_on < valid_to_on

    union all

    select
        order_id, currency_code, valid_from_on, valid_to_on, 1 as head_count, 0 as line_count,
        0 as bought_line_count,
        case when is_return then 1 else 0 end as returned_line_count,
        null as purchase_amount, null as refund_amount, null as unit_count
    from {{ ref('int_customer_order_spans') }}

    union all

    select
        order_id, currency_code, valid_from_on, least(valid_to_on, lines_known_on) as valid_to_on, 0 as head_count,
        0 as line_count, 0 as bought_line_count, 0 as returned_line_count,
        case when not coalesce(is_return, net_amount < 0) then net_amount end as purchase_amount,
        case when coalesce(is_return, net_amount < 0) then -net_amount end as refund_amount,
        null as unit_count
    from {{ ref('int_customer_order_spans') }}
    where net_amount is not null and valid_from_on < lines_known_on
),

summed as (
    select
        order_id, currency_code, valid_from_on, valid_to_on,
        max(head_count) as head_count,
        sum(line_count) as line_count,
        sum(bought_line_count) as bought_line_count,
        max(returned_line_count) as return_count,
        sum(purchase_amount) as purchase_amount,
        sum(refund_amount) as refund_amount,
        sum(unit_count) as unit_count
    from parts
    group by order_id, currency_code, valid_from_on, valid_to_on
)

select
    summed.order_id,
    summed.currency_code,
    summed.valid_from_on,
    summed.valid_to_on,
    keys.customer_id,
    greatest(summed.valid_from_on, keys.known_on) as counts_from_on,
    spans.ordered_on,
    {{ iso_weekday('spans.ordered_on') }} as iso_weekday,
    {{ local_hour('spans.ordered_at') }} as hour_of_day,
    -- An order that only sends things back is no purchase.
    cast(case
        when summed.head_count = 0 then 0
        when summed.line_count > 0 then case when summed.bought_line_count > 0 then 1 else 0 end
        when coalesce(spans.is_return, spans.net_amount < 0, false) then 0
        else 1
    end as integer) as order_count,
    cast(summed.return_count as integer) as return_count,
    cast(coalesce(summed.purchase_amount, 0) as {{ type_money() }}) as purchase_amount,
    cast(coalesce(summed.refund_amount, 0) as {{ type_money() }}) as refund_amount,
    cast(summed.unit_count as decimal(24, 8)) as unit_count,
    case when spans.is_recorded_early then summed.head_count else 0 end as early_count
from summed
inner join {{ ref('int_customer_order_spans') }} as spans
    on summed.order_id = spans.order_id
    and summed.valid_from_on >= spans.valid_from_on and summed.valid_from_on < spans.valid_to_on
inner join {{ ref('int_customer_keys') }} as keys
    on spans.entity = keys.entity and spans.entity_key = keys.entity_key
