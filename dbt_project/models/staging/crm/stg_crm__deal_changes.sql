-- Grain: one row per change of one field of a deal.
select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('deal_source_id') }} as deal_key,
    field_name,
    case
        when field_name in ('account', 'owner', 'product', 'stage') then {{ source_key('new_value') }}
        else new_value
    end as new_value,
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ is_readable_value('field_name', 'new_value') }} as is_readable
from {{ source('raw', 'deal_changes') }}
