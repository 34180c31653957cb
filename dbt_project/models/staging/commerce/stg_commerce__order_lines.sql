-- Grain: one row per order line of a source.
select
    {{ source_key('source_id') }} as order_line_id,
    {{ source_key('order_source_id') }} as order_id,
    {{ source_key('product_source_id') }} as product_id,
    product_category,
    quantity,
    -- Where the source has no amount: units times price less discount, to the cent as on a document.
    cast(coalesce(amount, quantity * unit_amount - coalesce(discount_amount, 0)) as {{ type_money() }}) as amount,
    currency_code,
    is_return,
    occurred_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'order_lines') }}
