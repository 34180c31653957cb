-- Grain: one row per owner of a source.
select
    {{ source_key('source_id') }} as owner_key,
    source_name,
    source_id,
    name as owner_name,
    email,
    team_path,
    is_active,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'owners') }}
