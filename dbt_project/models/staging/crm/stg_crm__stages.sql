-- Grain: one row per pipeline stage of a source.
select
    {{ source_key('source_id') }} as stage_id,
    source_name,
    name as stage_name,
    pipeline_name,
    sort_order as stage_order,
    win_probability as stage_crm_probability,
    kind as stage_kind,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on
from {{ source('raw', 'stages') }}
