-- Grain: one row per usage event of a source.
select
    {{ source_key('source_id') }} as usage_event_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ source_key('billing_customer_source_id') }} as billing_customer_key,
    {{ source_key('account_source_id') }} as account_key,
    event_name,
    feature_name,
    {{ local_date('coalesce(occurred_at, recorded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on,
    coalesce(recorded_at < occurred_at, false) as is_recorded_early
from {{ source('raw', 'usage_events') }}
where coalesce(occurred_at, recorded_at) is not null
