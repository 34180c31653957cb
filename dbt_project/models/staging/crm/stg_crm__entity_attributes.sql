-- Grain: one row per entity, attribute and time it was recorded.
select
    entity,
    {{ source_key('source_id') }} as source_key,
    name as attribute_name,
    value as attribute_value,
    recorded_at,
    {{ local_date('recorded_at') }} as known_on
from {{ source('raw', 'entity_attributes') }}
