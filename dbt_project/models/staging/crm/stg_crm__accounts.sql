-- Grain: one row per account of a source.
select
    {{ source_key('source_id') }} as account_key,
    source_name,
    source_id,
    name as account_name,
    industry,
    segment,
    region,
    country_code,
    employee_count,
    annual_revenue_amount,
    currency_code,
    {{ source_key('owner_source_id') }} as owner_key,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'accounts') }}
