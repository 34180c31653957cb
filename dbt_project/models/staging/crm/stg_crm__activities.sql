-- Grain: one row per activity.
select
    {{ source_key('source_id') }} as activity_id,
    {{ source_key('deal_source_id') }} as deal_key,
    {{ source_key('account_source_id') }} as account_key,
    {{ source_key('owner_source_id') }} as owner_key,
    kind,
    direction,
    duration_minutes,
    is_decision_maker_present,
    has_objection_handled,
    {{ local_date('coalesce(occurred_at, recorded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'activities') }}
