-- Grain: one row per plan of a source.
select
    {{ source_key('source_id') }} as plan_id,
    source_name,
    name as plan_name,
    {{ source_key('product_source_id') }} as product_key,
    tier_order,
    tax_class,
    is_active,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'plans') }}
