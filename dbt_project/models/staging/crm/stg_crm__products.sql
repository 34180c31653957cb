-- Grain: one row per product of a source.
select
    {{ source_key('source_id') }} as product_key,
    source_name,
    source_id,
    name as product_name,
    family,
    list_price_amount,
    currency_code,
    billing_period,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'products') }}
