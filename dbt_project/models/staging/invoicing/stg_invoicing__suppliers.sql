-- Grain: one row per supplier of a source.
select
    {{ source_key('source_id') }} as supplier_id,
    name as supplier_name,
    country_code,
    region_code,
    tax_number,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'suppliers') }}
