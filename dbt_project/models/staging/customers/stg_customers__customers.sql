-- Grain: one row per customer of a source.
select
    {{ source_key('source_id') }} as customer_key,
    source_name,
    name as customer_name,
    {{ source_key('account_source_id') }} as account_key,
    {{ source_key('billing_customer_source_id') }} as billing_customer_key,
    country_code,
    region_code,
    lead_source,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    coalesce(recorded_at, occurred_at) is not null as is_timed,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'customers') }}
