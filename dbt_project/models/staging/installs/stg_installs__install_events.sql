-- Grain: one row per event of an install of a source.
select
    {{ source_key('source_id') }} as install_event_id,
    source_name,
    {{ source_key('install_source_id') }} as install_id,
    {{ plain_text('event_name') }} as event_name,
    coalesce(event_count, 1) as event_count,
    revenue_amount,
    {{ plain_code('currency_code') }} as currency_code,
    coalesce(occurred_at, recorded_at) as happened_at,
    {{ local_date('coalesce(occurred_at, recorded_at)') }} as happened_on,
    {{ known_on('coalesce(recorded_at, occurred_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'install_events') }}
where coalesce(occurred_at, recorded_at) is not null
