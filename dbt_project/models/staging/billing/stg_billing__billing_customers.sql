-- Grain: one row per billing customer of a source.
select
    {{ source_key('source_id') }} as customer_key,
    source_name,
    name as customer_name,
    email,
    {{ source_key('account_source_id') }} as account_key,
    country_code,
    region_code,
    currency_code,
    tax_number,
    is_business,
    is_tax_exempt,
    payment_terms_days,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    coalesce(recorded_at, occurred_at) is not null as is_timed,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'billing_customers') }}
