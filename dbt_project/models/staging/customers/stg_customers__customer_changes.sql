-- Grain: one row per change of one field of a customer.
-- Keys are ids.
select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('customer_source_id') }} as customer_key,
    field_name,
    {%- for value in ['old_value', 'new_value'] %}
    case when field_name in ('account', 'billing_customer') then {{ source_key(value) }} else {{ value }} end
        as {{ value }},
    {%- endfor %}
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    occurred_at is not null as is_dated
from {{ source('raw', 'customer_changes') }}
