-- Grain: one row per step of a tiered or volume price.
select
    {{ source_key('source_id') }} as price_tier_id,
    {{ source_key('price_source_id') }} as price_id,
    from_quantity,
    to_quantity,
    unit_amount,
    flat_amount,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on,
    {{ row_fingerprint('source_row') }} as row_fingerprint
from {{ source('raw', 'price_tiers') }} as source_row
