-- Grain: one row per change of one field of an order.
-- Keys are ids.
{%- set amounts = ['subtotal_amount', 'total_amount', 'tax_amount', 'shipping_amount'] %}
with typed as (
    select
        *,
        {{ is_readable_field('field_name', 'new_value', amounts=amounts, flags=['is_return']) }} as is_readable,
        {{ is_readable_field('field_name', 'old_value', amounts=amounts, flags=['is_return']) }} as is_old_readable
    from {{ source('raw', 'order_changes') }}
)

select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('order_source_id') }} as order_id,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('customer', 'billing_customer', 'account') then {{ source_key(value) }}
        else {{ value }}
    end as {{ value }},
    {%- endfor %}
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    occurred_at is not null as is_dated,
    is_readable
from typed
