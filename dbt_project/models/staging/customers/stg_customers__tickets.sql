-- Grain: one row per support ticket of a source.
select
    {{ source_key('source_id') }} as ticket_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ source_key('billing_customer_source_id') }} as billing_customer_key,
    {{ source_key('account_source_id') }} as account_key,
    lower(status) as status,
    {{ local_date('solved_at') }} as solved_on,
    {{ local_date('coalesce(occurred_at, recorded_at, observed_at, loaded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on,
    coalesce(recorded_at < occurred_at, false) as is_recorded_early
from {{ source('raw', 'tickets') }}
