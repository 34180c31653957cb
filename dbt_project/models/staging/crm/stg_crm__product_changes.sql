-- Grain: one row per change of one field of a product.
select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('product_source_id') }} as product_key,
    field_name,
    new_value,
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ is_readable_value('field_name', 'new_value') }} as is_readable
from {{ source('raw', 'product_changes') }}
